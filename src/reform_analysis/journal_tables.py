"""Tables for journals: from any result of the package to caption, heads, rows and notes.

What is made here is written by `tables.to_word`, `to_excel`, `to_latex`, `to_html` and `to_markdown`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypedDict, cast

import pandas as pd

from reform_analysis.estimates import CheckResult, DesignError, Estimates, require_choice
from reform_analysis.journal_layout import Cell, JournalTable, number_cell, read_cell
from reform_analysis.journal_models import Statistic, note_line, one_model, several_models
from reform_analysis.panel_texts import arm_pair, label
from reform_analysis.text_table import Table
from reform_analysis.wording import LANGUAGES, say

Source: TypeAlias = (
    Estimates
    | Mapping[str, Estimates | None]
    | Sequence[Estimates]
    | Sequence[CheckResult]
    | CheckResult
    | Table
    | pd.DataFrame
    | JournalTable
)
_TABLE_ONE = {"variable", "category", "kind", "mean_0", "sd_0", "mean_1", "sd_1", "standardised"}
_VERDICTS = {True: "passed", False: "failed", None: "information"}


class Options(TypedDict, total=False):
    """The options of `journal_table`, which every function that writes a table takes."""

    language: str
    caption: str | None
    number: int
    labels: Mapping[Any, str] | None
    show: Sequence[Statistic] | None
    stars: bool
    digits: int | None
    notes: Sequence[str]


def journal_table(
    source: Source,
    *,
    language: str = "en",
    caption: str | None = None,
    number: int = 1,
    labels: Mapping[Any, str] | None = None,
    show: Sequence[Statistic] | None = None,
    stars: bool = False,
    digits: int | None = None,
    notes: Sequence[str] = (),
) -> JournalTable:
    """Return any result of the package as a journal's table, not yet written.

    Parameters
    ----------
    source : Estimates, mapping or sequence of Estimates, Table, DataFrame, CheckResult or sequence of them
        One result: terms by statistics. Several: a column a model. `describe.table_one`'s frame: table 1.
        Checks: a scorecard. Any other frame: as it is, with the index in front if it has a name.
    language : {"zh", "en"}
        Of heads and notes; a `Table` keeps its own texts.
    caption : str, optional
        Instead of the table's own.
    number : int
        "Table 1". In Word it is a field that counts by itself.
    labels : mapping, optional
        Names of terms, models, variables, arms or columns.
    show : sequence of {"interval", "std_error", "p_value"}, optional
        What stands beside (one model) or below (several) an estimate; by default the interval, and p beside
        a single model.
    stars : bool
        Mark p below 0.10, 0.05 and 0.01. Off by default: an interval says more.
    digits : int, optional
        Decimals of estimates and of a frame's numbers.
    notes : sequence of str
        Further notes, at the end.

    Returns
    -------
    JournalTable
        Synthetic data are named in the first note.

    Raises
    ------
    DataError
        If the language or a statistic is unknown.
    DesignError
        If the source is empty, of another type, or a finished `JournalTable` comes with options.

    Examples
    --------
    >>> frame = pd.DataFrame({"area": ["east", "west"], "share": [0.5, 0.125]})
    >>> journal_table(frame, caption="Shares by area", digits=3)
    Table 1. Shares by area
    area | share
    east | 0.500
    west | 0.125
    """
    require_choice("language", language, LANGUAGES)
    if isinstance(source, JournalTable):
        raise DesignError("source is a JournalTable already; pass the options to journal_table instead.")
    plain: dict[str, Any] = {"labels": labels, "digits": digits, "notes": notes, "language": language}
    models: dict[str, Any] = {**plain, "stars": stars} | ({} if show is None else {"show": show})
    if isinstance(source, Estimates):
        table = one_model(source, **models)
    elif isinstance(source, Table):
        table = _from_texts(source, notes=notes, language=language)
    elif isinstance(source, pd.DataFrame):
        table = (
            _table_one(source, **plain) if set(source.columns) >= _TABLE_ONE else _from_frame(source, **plain)
        )
    elif isinstance(source, CheckResult):
        table = _scorecard([source], labels=labels, notes=notes, language=language)
    else:
        table = _from_several(source, models, labels=labels, notes=notes, language=language)
    return replace(table, number=number, caption=table.caption if caption is None else caption)


def prepared(source: Source, options: Options) -> JournalTable:
    """Return the table of a writing function's arguments: a finished one as it is.

    Parameters
    ----------
    source : as `journal_table`
    options : Options

    Returns
    -------
    JournalTable
    """
    if isinstance(source, JournalTable) and not options:
        return source
    return journal_table(source, **options)


def _from_several(
    source: object, models: dict[str, Any], *, labels: Any, notes: Sequence[str], language: str
) -> JournalTable:
    """Results by name or in a list, or checks in a list."""
    items: list[Any] = []
    if isinstance(source, Mapping):
        items = list(source.values())
    elif isinstance(source, Sequence) and not isinstance(source, str):
        items = list(source)
    if items and all(isinstance(item, CheckResult) for item in items):
        return _scorecard(items, labels=labels, notes=notes, language=language)
    if items and all(item is None or isinstance(item, Estimates) for item in items):
        numbered = {f"({place})": item for place, item in enumerate(items, start=1)}
        named = cast("Mapping[str, Estimates]", source) if isinstance(source, Mapping) else numbered
        return several_models(named, **models)
    raise DesignError(
        "source must be an Estimates, a Table, a DataFrame, a CheckResult, or several results or checks, got "
        f"{type(source).__name__} of {sorted({type(item).__name__ for item in items}) or 'nothing'}; "
        "pass one of these."
    )


def _from_texts(table: Table, *, notes: Sequence[str], language: str) -> JournalTable:
    return JournalTable(
        caption=table.caption,
        heads=tuple(map(str, table.frame.columns)),
        rows=tuple(
            (Cell(str(first)), *(read_cell(str(text)) for text in others))
            for first, *others in table.frame.itertuples(index=False)
        ),
        notes=(*_synthetic(table.synthetic, language), *notes),
        language=language,
    )


def _from_frame(
    frame: pd.DataFrame,
    *,
    labels: Mapping[Any, str] | None,
    digits: int | None,
    notes: Sequence[str],
    language: str,
) -> JournalTable:
    """A frame as it is: numbers with decimals, whole numbers and texts as they are."""
    shown = frame.reset_index() if any(name is not None for name in frame.index.names) else frame
    columns = [
        _column_cells(shown.iloc[:, place], 2 if digits is None else digits)
        for place in range(shown.shape[1])
    ]
    return JournalTable(
        caption=str(frame.attrs.get("caption", say("journal.frame", language))),
        heads=tuple(label(str(name), labels, language) for name in shown.columns),
        rows=tuple(zip(*columns, strict=True)),
        notes=(*_synthetic(bool(frame.attrs.get("synthetic", False)), language), *notes),
        language=language,
        numbers=shown.copy(),
    )


def _column_cells(column: pd.Series, digits: int) -> list[Cell]:
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    whole = pd.api.types.is_integer_dtype(column)
    if numeric:
        return [
            Cell("–") if pd.isna(value) else number_cell(value, 0 if whole else digits) for value in column
        ]
    return [Cell("–" if pd.isna(value) else _plain(value)) for value in column]


def _plain(value: Any) -> str:
    """A date without a time of day as a date, everything else as it prints."""
    midnight = isinstance(value, pd.Timestamp) and value == value.normalize()
    return str(value.date()) if midnight else str(value)


def _table_one(
    frame: pd.DataFrame,
    *,
    labels: Mapping[Any, str] | None,
    digits: int | None,
    notes: Sequence[str],
    language: str,
) -> JournalTable:
    """Mean (SD) or share by arm, and the standardised difference; categories under their variable."""
    decimals = 2 if digits is None else digits
    names = arm_pair(frame, labels, language)
    fixed = all((frame[f"n_{k}"] == frame[f"n_{k}"].iloc[0]).all() for k in (0, 1))
    rows: list[tuple[Cell, ...]] = []
    previous = None
    for _, row in frame.iterrows():
        name = label(row["variable"], labels, language)
        if row["category"] and row["variable"] != previous:
            rows.append((Cell(name), *(Cell(""),) * 3))
        previous = row["variable"]
        shown = "\u2003" + str(row["category"]) if row["category"] else name
        arms = (_arm_cell(row, k, decimals, fixed) for k in (1, 0))
        rows.append((Cell(shown), *arms, number_cell(row["standardised"], 2)))
    heads = [
        say("journal.arm_n", language, arm=names[f"arm_{k}"], n=f"{frame[f'n_{k}'].iloc[0]:,}")
        if fixed
        else names[f"arm_{k}"]
        for k in (1, 0)
    ]
    shares = say("journal.table_one_shares", language) if frame["kind"].eq("share").any() else ""
    note = "journal.table_one_note" if fixed else "journal.table_one_note_n"
    reading = say(note, language, shares=shares)
    return JournalTable(
        caption=say("journal.table_one", language),
        heads=(say("journal.variable", language), *heads, say("journal.standardised", language)),
        rows=tuple(rows),
        notes=(*_synthetic(bool(frame.attrs.get("synthetic", False)), language), reading, *notes),
        language=language,
        numbers=frame.copy(),
    )


def _arm_cell(row: pd.Series, k: int, decimals: int, fixed: bool) -> Cell:
    share = row["kind"] == "share"
    mean = number_cell(row[f"mean_{k}"], 1 if share else decimals, percent=share)
    spread = "" if share else f" ({number_cell(row[f'sd_{k}'], decimals).text})"
    size = "" if fixed else f"; {row[f'n_{k}']:,}"
    return Cell(mean.text + spread + size) if spread or size else mean


def _scorecard(
    checks: Sequence[CheckResult], *, labels: Mapping[Any, str] | None, notes: Sequence[str], language: str
) -> JournalTable:
    """A row a check: what it is called, how it came out, what it found."""
    rows = [
        tuple(
            map(
                Cell,
                (
                    label(check.name, labels, language),
                    say(f"journal.verdict_{_VERDICTS[check.passed]}", language),
                    check.sentences[language],
                ),
            )
        )
        for check in checks
    ]
    said = dict.fromkeys(note_line(note, language) for check in checks for note in check.notes)
    return JournalTable(
        caption=say("journal.scorecard", language),
        heads=tuple(say(f"journal.{head}", language) for head in ("check", "verdict", "finding")),
        rows=tuple(rows),
        notes=(*_synthetic(any(check.synthetic for check in checks), language), *said, *notes),
        language=language,
    )


def _synthetic(synthetic: bool, language: str) -> list[str]:
    return [say("journal.synthetic", language)] if synthetic else []
