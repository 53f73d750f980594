"""The grid of a study: every combination of the values of its keys, filtered, and divided into shards."""

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reform_analysis import panel_source
from reform_analysis.estimates import DataError, DesignError, ReportError
from reform_analysis.messages import message
from reform_analysis.study_file import Study, nearest


def keys(study: Study) -> tuple[str, ...]:
    """Return the keys of the grid; ``language`` is the last where the study does not place it.

    Parameters
    ----------
    study : Study

    Returns
    -------
    tuple of str
    """
    return (*study.grid.by, *(() if "language" in study.grid.by else ("language",)))


def combinations(
    study: Study,
    *,
    folder: Path,
    languages: Sequence[str],
    parameters: Mapping[str, Any],
    faults: list[str],
) -> list[dict[str, str]]:
    """Return the combinations of values for which there is a report.

    Parameters
    ----------
    study : Study
    folder : Path
        The data file is seen from here.
    languages : sequence of str
    parameters : mapping
        Of all reports; ``reading`` tells how the data file is read.
    faults : list of str
        Grows by what is wrong.

    Returns
    -------
    list of dict of str to str
        Key -> value, in the order of the grid.
    """
    names = keys(study)
    before = len(faults)
    _check(study, names, languages, faults)
    values = [
        _values(name, study, folder=folder, languages=languages, parameters=parameters, faults=faults)
        for name in names
    ]
    found = [dict(zip(names, row, strict=True)) for row in itertools.product(*values)]
    found += _included(study, names, languages, faults)
    if len(faults) == before:  # values that could not be read may well be excluded
        _check_exclude(study, found, faults)
    found = [
        {name: cell[name] for name in names} for cell in found if not _excluded(cell, study.grid.exclude)
    ]
    return list({tuple(cell.values()): cell for cell in found}.values())


def _languages(study: Study, languages: Sequence[str]) -> list[str]:
    """The languages of the grid that this run is in."""
    return [code for code in study.grid.values.get("language", languages) if code in languages]


def _included(
    study: Study, names: Sequence[str], languages: Sequence[str], faults: list[str]
) -> list[dict[str, str]]:
    """The combinations to add; those in a language that only this run leaves out are left out too."""
    known = {*study.languages, *languages}
    found = []
    for number, entry in enumerate(study.grid.include):
        at = ("grid", "include", number)
        if set(entry) | {"language"} != set(names):
            faults.append(message("refused.include_keys", at=at, entry=entry, names=tuple(names)))
        elif "language" in entry and entry["language"] not in known:
            near = nearest(entry["language"], known)
            faults.append(message("refused.include_language", at=at, entry=entry, nearest=near))
        else:
            own = [code for code in languages if code == entry.get("language")]
            codes = own if "language" in entry else _languages(study, languages)
            cells = [entry | {"language": code} for code in codes]
            found += cells
            if cells and all(_excluded(cell, study.grid.exclude) for cell in cells):
                faults.append(message("refused.include_excluded", at=at, entry=entry))
    return found


def _check_exclude(study: Study, found: Sequence[Mapping[str, str]], faults: list[str]) -> None:
    for number, entry in enumerate(study.grid.exclude):
        before, at = len(faults), ("grid", "exclude", number)
        for key, value in entry.items():
            present = {cell[key] for cell in found if key in cell}
            present |= set(study.languages) if key == "language" else set()
            if value not in present:
                told = {"field": key, "value": value, "nearest": nearest(value, present)}
                faults.append(message("refused.exclude_value", at=(*at, key), **told))
        others = {key: value for key, value in entry.items() if key != "language"}
        if len(faults) == before and not any(_excluded(cell, [others]) for cell in found):
            faults.append(message("refused.exclude_entry", at=at, entry=entry))


def _check(study: Study, names: Sequence[str], languages: Sequence[str], faults: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    faults += [message("refused.by_twice", at=("grid", "by"), name=name) for name in twice]
    for part in ("values", "exclude"):
        entries = [study.grid.values] if part == "values" else study.grid.exclude
        unknown = sorted({key for entry in entries for key in entry} - set(names))
        faults += [
            message(
                "refused.not_in_by", at=("grid", part, key), part=part, field=key, nearest=nearest(key, names)
            )
            for key in unknown
        ]
    for name, listed in study.grid.values.items():
        faults += _repeated(("grid", "values", name), listed)
        if not listed:
            faults.append(message("refused.no_values", at=("grid", "values", name), name=name))
    for name, given in (("outcome", study.outcomes), ("exposure", study.exposures)):
        faults += _repeated((f"{name}s",), given)
        if len(given) > 1 and name not in names:
            faults.append(message("refused.several_values", at=(f"{name}s",), name=name, n=len(given)))
    _check_languages(study, languages, faults)


def _check_languages(study: Study, languages: Sequence[str], faults: list[str]) -> None:
    listed = study.grid.values.get("language", ())
    at = ("grid", "values", "language")
    unknown = [code for code in listed if code not in study.languages]
    faults += [
        message("refused.value_language", at=at, code=code, nearest=nearest(code, study.languages))
        for code in unknown
    ]
    if listed and not unknown and not _languages(study, languages):
        near = nearest(languages[0], listed)
        faults.append(message("refused.no_language", at=at, languages=tuple(languages), nearest=near))


def _repeated(at: tuple[str, ...], listed: Sequence[str]) -> list[str]:
    """Values that stand twice, or differ in blanks at their ends alone."""
    alike: dict[str, list[str]] = {}
    for value in listed:
        alike.setdefault(value.strip(), []).append(value)
    place = ".".join(at)
    return [
        message("refused.blanks", at=at, place=place, values=tuple(map(repr, values)))
        if len(set(values)) > 1
        else message("refused.twice", at=at, place=place, value=values[0])
        for values in alike.values()
        if len(values) > 1
    ]


def _values(
    name: str,
    study: Study,
    *,
    folder: Path,
    languages: Sequence[str],
    parameters: Mapping[str, Any],
    faults: list[str],
) -> list[str]:
    if name == "language":
        return _languages(study, languages)
    given: dict[str, Sequence[str]] = {"outcome": study.outcomes, "exposure": study.exposures}
    chosen = study.grid.values.get(name) or given.get(name)
    if chosen:
        return list(dict.fromkeys(chosen))
    try:
        return _column(name, study, folder=folder, reading=str(parameters.get("reading", "")))
    except (DataError, DesignError, ReportError) as fault:
        faults.append(message("refused.grid_key", at=("grid", "by"), name=name, fault=fault))
        return []


def _column(name: str, study: Study, *, folder: Path, reading: str) -> list[str]:
    data = os.fspath(folder / study.data) if study.data else ""
    aliases = json.dumps(study.aliases, ensure_ascii=False) if study.aliases else ""
    frame = panel_source.open_panel(data, aliases=aliases, reading=reading)
    if name not in frame:
        near = nearest(name, frame.columns)
        raise ReportError(message("refused.no_column", name=name, nearest=near))
    return sorted(str(value) for value in frame[name].dropna().unique())


def _excluded(cell: Mapping[str, str], entries: Sequence[Mapping[str, str]]) -> bool:
    return any(entry.items() <= cell.items() for entry in entries)


def filtered(
    cells: Sequence[dict[str, str]], where: Mapping[str, str], *, names: Sequence[str], faults: list[str]
) -> list[dict[str, str]]:
    """Return the combinations that have some values.

    Parameters
    ----------
    cells : sequence of dict of str to str
    where : mapping of str to str
    names : sequence of str
        Keys of the grid.
    faults : list of str
        Grows by keys and values that no combination has.

    Returns
    -------
    list of dict of str to str
    """
    for key, value in where.items():
        present = {cell[key] for cell in cells if key in cell}
        if key not in names:
            faults.append(message("refused.where_key", field=key, nearest=nearest(key, names)))
        elif value not in present:
            near = nearest(value, present)
            faults.append(message("refused.where_value", field=key, value=value, nearest=near))
    return [cell for cell in cells if where.items() <= cell.items()]


def read_shard(text: str) -> tuple[int, int]:
    """Return i and n of "i/n".

    Parameters
    ----------
    text : str

    Returns
    -------
    tuple of int

    Raises
    ------
    ReportError
        If it is no such text, or i is not between 1 and n.

    Examples
    --------
    >>> read_shard("2/8")
    (2, 8)
    """
    number, slash, total = text.partition("/")
    if slash and number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total):
        return int(number), int(total)
    raise ReportError(message("refused.shard", text=text))
