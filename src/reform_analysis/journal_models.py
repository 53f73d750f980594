"""Estimates as a journal's table: one model with its statistics side by side, or models side by side."""

from collections.abc import Mapping, Sequence
from math import floor, isfinite, log10
from typing import Any, Literal, get_args

import pandas as pd

from reform_analysis.estimates import DesignError, Estimates, percent, require_choice
from reform_analysis.journal_layout import Cell, JournalTable, number_cell
from reform_analysis.note_texts import in_language
from reform_analysis.panel_texts import label
from reform_analysis.wording import p_number, say

Statistic = Literal["interval", "std_error", "p_value"]
STARS = (0.1, 0.05, 0.01)
_RATIOS = ("rate_ratio", "odds_ratio")
_MOST_DIGITS = 6
_SIZES = ("n_obs", "n_units", "n_clusters")
_ADJUSTED = ("holm", "bh", "max_t")


def one_model(
    result: Estimates,
    *,
    labels: Mapping[Any, str] | None = None,
    show: Sequence[Statistic] = ("interval", "p_value"),
    stars: bool = False,
    digits: int | None = None,
    notes: Sequence[str] = (),
    language: str = "en",
) -> JournalTable:
    """Return one result: a row a term, and a column each for estimate, interval, p and adjusted p.

    Parameters
    ----------
    result : Estimates
    labels : mapping of str to str, optional
        Names of the terms; a declared column has its title.
    show : sequence of {"interval", "std_error", "p_value"}
        Columns beside the estimate. Adjusted p stands beside p.
    stars : bool
    digits : int, optional
        Decimals; by default two, or as many as show two digits of the smallest estimate.
    notes : sequence of str
        Further notes.
    language : {"zh", "en"}

    Returns
    -------
    JournalTable

    Raises
    ------
    DataError
        If `show` names another statistic.
    """
    frame, decimals = result.to_frame(), _decimals([result], digits)
    statistics = _require_statistics(show)
    adjusted = result.adjusted_p if result.adjusted_p is not None and "p_value" in statistics else None
    kinds = [] if adjusted is None else [kind for kind in _ADJUSTED if kind in adjusted]
    level = percent(result.ci_level)
    heads = [say("journal.term", language), say(f"journal.scale_{result.scale}", language)]
    heads += [say(f"journal.head_{name}", language, level=level) for name in (*statistics, *kinds)]
    rows = []
    for term, row in frame.iterrows():
        cells = [_estimate(row, decimals, stars)]
        cells += [_statistic(row, name, decimals, language, bare=True) for name in statistics]
        cells += [Cell(_p(float(adjusted.loc[term, kind]))) for kind in kinds if adjusted is not None]
        rows.append((Cell(label(str(term), labels, language)), *cells))
    said = [say("journal.log_error", language)] * _is_log_error([result], statistics)
    sizes = [
        say(f"journal.size_{name}", language, n=f"{getattr(result, name):,}")
        for name in _SIZES
        if getattr(result, name) is not None
    ]
    said += [say("journal.join", language).join(sizes) + say("journal.stop", language)]
    said += [note for note, _ in _model_notes({"": result}, language)]
    return JournalTable(
        caption=say("journal.one_model", language),
        heads=tuple(heads),
        rows=tuple(rows),
        notes=_all_notes([result], said, notes, stars, language),
        language=language,
        numbers=_numbers({"1": result}),
    )


def several_models(
    results: Mapping[str, Estimates | None],
    *,
    labels: Mapping[Any, str] | None = None,
    show: Sequence[Statistic] = ("interval",),
    stars: bool = False,
    digits: int | None = None,
    notes: Sequence[str] = (),
    language: str = "en",
) -> JournalTable:
    """Return several results: a column a model, terms below one another, sizes at the end.

    Parameters
    ----------
    results : mapping of str to Estimates or None
        Name of a model ("" for its number alone) to its result; None where there was nothing to test.
    labels : mapping of str to str, optional
        Names of terms and of models.
    show : sequence of {"interval", "std_error", "p_value"}
        Rows below each estimate.
    stars : bool
    digits : int, optional
        Decimals; by default two, or as many as show two digits of the smallest estimate.
    notes : sequence of str
        Further notes.
    language : {"zh", "en"}

    Returns
    -------
    JournalTable

    Raises
    ------
    DataError
        If `show` names another statistic.
    DesignError
        If there is no result.
    """
    found = {name: result for name, result in results.items() if result is not None}
    if not found:
        raise DesignError(f"results must hold an Estimates, got {list(results)} without one; fit a model.")
    statistics, decimals = _require_statistics(show), _decimals(list(found.values()), digits)
    frames = {name: result.to_frame() for name, result in found.items()}
    terms = dict.fromkeys(term for frame in frames.values() for term in frame.index)
    rows = []
    for term in terms:
        lines = {name: frame.loc[term] for name, frame in frames.items() if term in frame.index}
        cells = [_estimate(lines[name], decimals, stars) if name in lines else Cell("") for name in results]
        rows.append((Cell(label(str(term), labels, language)), *cells))
        for statistic in statistics:
            below = [
                _statistic(lines[name], statistic, decimals, language) if name in lines else Cell("")
                for name in results
            ]
            rows.append((Cell(""), *below))
    rows += _size_rows(results, language)
    heads = [
        "\n".join([f"({number})", *([label(name, labels, language)] if name else [])])
        for number, name in enumerate(_shown_names(results), start=1)
    ]
    said = [_reading(list(found.values()), statistics, language)]
    said += [_tagged(note, tags, len(results), language) for note, tags in _model_notes(results, language)]
    return JournalTable(
        caption=say("journal.several_models", language),
        heads=(say("journal.term", language), *heads),
        rows=tuple(rows),
        notes=_all_notes(list(found.values()), said, notes, stars, language),
        language=language,
        numbers=_numbers({name or str(k): r for k, (name, r) in enumerate(results.items(), 1) if r}),
    )


def _shown_names(results: Mapping[str, Estimates | None]) -> list[str]:
    """The names of the models; a name that is only a number is its place."""
    return ["" if name == f"({place})" else name for place, name in enumerate(results, start=1)]


def _require_statistics(show: Sequence[Statistic]) -> list[str]:
    asked = [show] if isinstance(show, str) else list(show)
    return [require_choice("show", name, get_args(Statistic)) for name in asked]


def _decimals(results: Sequence[Estimates], digits: int | None) -> int:
    """Two decimals, or as many as the smallest estimate needs to show two of its digits."""
    if digits is not None:
        return digits
    sizes = [abs(value) for result in results for value in result.to_frame()["estimate"]]
    known = [size for size in sizes if isfinite(size) and size > 0]
    return min(max(2, 1 - floor(log10(min(known)))), _MOST_DIGITS) if known else 2


def _estimate(row: pd.Series, decimals: int, stars: bool) -> Cell:
    p = row["p_value"]
    passed = 0 if not stars or pd.isna(p) else sum(p < bound for bound in STARS)
    return number_cell(row["estimate"], decimals, "*" * passed)


def _statistic(row: pd.Series, name: str, decimals: int, language: str, *, bare: bool = False) -> Cell:
    """Interval, standard error or p; under an estimate in brackets, in a column of its own without."""
    if name == "interval":
        ends = {end: number_cell(row[f"ci_{end}"], decimals).text for end in ("low", "high")}
        return Cell("–") if {*ends.values()} == {"–"} else Cell(say("journal.interval", language, **ends))
    if name == "p_value":
        said = _p(row["p_value"])
        return Cell(said) if bare or said == "–" else Cell(say("journal.p", language, p=_equation(said)))
    error = number_cell(row["std_error"], decimals)
    return error if bare or error.text == "–" else Cell(f"({error.text})")


def _p(value: float) -> str:
    return "–" if pd.isna(value) else p_number(value)


def _equation(number: str) -> str:
    return f"< {number[1:]}" if number.startswith("<") else f"= {number}"


def _is_log_error(results: Sequence[Estimates], statistics: Sequence[str]) -> bool:
    return "std_error" in statistics and any(result.scale in _RATIOS for result in results)


def _size_rows(results: Mapping[str, Estimates | None], language: str) -> list[tuple[Cell, ...]]:
    """Sizes, and scale and level where they are not the same for all."""
    found = [result for result in results.values() if result is not None]
    rows = []
    for name in _SIZES:
        sizes = [getattr(result, name, None) for result in results.values()]
        if any(size is not None for size in sizes):
            cells = (Cell("–") if size is None else number_cell(size, 0) for size in sizes)
            rows.append((Cell(say(f"journal.{name}", language)), *cells))
    if len({result.scale for result in found}) > 1:
        scales = (
            say(f"journal.scale_{result.scale}", language) if result else "–" for result in results.values()
        )
        rows.append((Cell(say("journal.scale", language)), *map(Cell, scales)))
    if len({result.ci_level for result in found}) > 1:
        levels = (f"{percent(result.ci_level)}%" if result else "–" for result in results.values())
        rows.append((Cell(say("journal.level", language)), *map(Cell, levels)))
    return rows


def _reading(results: Sequence[Estimates], statistics: Sequence[str], language: str) -> str:
    """What the cells hold: scale, and what stands below an estimate."""
    scales, levels = {result.scale for result in results}, {result.ci_level for result in results}
    scale = f"scale_{scales.pop()}" if len(scales) == 1 else "scales"
    parts = [say("journal.cells", language, scale=say(f"journal.{scale}", language))]
    for name in statistics:
        key = "std_error_log" if name == "std_error" and _is_log_error(results, statistics) else name
        level = f"{percent(levels.copy().pop())}%" if len(levels) == 1 else ""
        parts.append(say(f"journal.below_{key}", language, level=level).lstrip())
    return say("journal.join", language).join(parts) + say("journal.stop", language)


def _model_notes(results: Mapping[str, Estimates | None], language: str) -> list[tuple[str, list[int]]]:
    """What each model says of itself, and the places of the models that say it."""
    said: dict[str, list[int]] = {}
    for place, result in enumerate(results.values(), start=1):
        if result is None:
            said.setdefault(say("journal.untestable", language), []).append(place)
            continue
        lines = [say("journal.method", language, method=in_language(result.method.rstrip("."), language))]
        lines += _left_out(result, language)
        # What a fit says of synthetic data stands first already, in the table's language.
        own = [note_line(note, language) for note in result.notes if not note.startswith("SYNTHETIC")]
        for line in dict.fromkeys([*lines, *own]):
            said.setdefault(line, []).append(place)
    return list(said.items())


def note_line(note: str, language: str) -> str:
    """Return a note of a result as a line under a table, closed by a full stop where it is put into Chinese.

    Parameters
    ----------
    note : str
    language : {"zh", "en"}

    Returns
    -------
    str
        As it is where the catalogue does not know it.
    """
    said = in_language(note, language)
    return said if said == note or said.endswith("。") else said + say("journal.stop", language)


def _left_out(result: Estimates, language: str) -> list[str]:
    parts = [
        say(
            "journal.left_out_part",
            language,
            n=f"{row.n:,}",
            arm=in_language(str(row.arm), language, kind="note_word"),
            reason=in_language(str(row.reason), language, kind="note_reason"),
        )
        for row in result.dropped.itertuples()
    ]
    text = say("journal.and_also", language).join(parts)
    return [say("journal.left_out", language, parts=text)] if parts else []


def _tagged(note: str, places: Sequence[int], models: int, language: str) -> str:
    if len(places) == models:
        return note
    tags = say("journal.and", language).join(f"({place})" for place in places)
    return say("journal.tagged", language, tags=tags, note=note)


def _all_notes(
    results: Sequence[Estimates], said: Sequence[str], notes: Sequence[str], stars: bool, language: str
) -> tuple[str, ...]:
    synthetic = [say("journal.synthetic", language)] * any(result.synthetic for result in results)
    marks = [say("journal.stars", language)] * stars
    raw = [say("journal.stars_raw", language)] * (
        stars and any(result.adjusted_p is not None for result in results)
    )
    return (*synthetic, *said, *marks, *raw, *notes)


def _numbers(results: Mapping[str, Estimates]) -> pd.DataFrame:
    """Every estimate in full precision, one row a model and term."""
    parts = []
    for name, result in results.items():
        part = result.to_frame().reset_index()
        part.insert(0, "model", name)
        if result.adjusted_p is not None:
            part = part.join(result.adjusted_p, on="term")
        sizes = {size: getattr(result, size) for size in _SIZES}
        parts.append(part.assign(scale=result.scale, ci_level=result.ci_level, **sizes))
    return pd.concat(parts, ignore_index=True)
