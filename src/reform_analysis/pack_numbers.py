"""Numbers of a run: its table of estimates, and what its executed notebooks show; compared two by two."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pandas as pd
import pyarrow
from bs4 import BeautifulSoup

from reform_analysis.estimates import DataError
from reform_analysis.headlines import FIELDS, csv_bytes
from reform_analysis.pack_differences import Difference

NUMBER = re.compile(r"(?<![A-Za-z0-9_.])[-−+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
SAME = (
    1e-6  # relative: full precision on another system; a number printed to six digits may not differ at all
)
_FIGURES = {"estimate", "std_error", "ci_low", "ci_high", "p_value", "ci_level", "n_obs"}


@dataclass(frozen=True)
class Compared:
    """Numbers compared.

    Parameters
    ----------
    differences : tuple of Difference
    largest : float
        The largest relative difference, those within `SAME` included; 0 where all are equal.
    numbers : int
        How many were compared.
    """

    differences: tuple[Difference, ...] = ()
    largest: float = 0.0
    numbers: int = 0

    def __add__(self, other: "Compared") -> "Compared":
        return Compared(
            self.differences + other.differences,
            max(self.largest, other.largest),
            self.numbers + other.numbers,
        )


def relative_difference(first: float, second: float) -> float:
    """Return the difference of two numbers over the larger of them.

    Parameters
    ----------
    first, second : float
        NaN equals NaN.

    Returns
    -------
    float
        Infinite where only one is a finite number.

    Examples
    --------
    >>> relative_difference(0.5, 0.25), relative_difference(0, 0), relative_difference(1, float("nan"))
    (0.5, 0.0, inf)
    """
    if first == second or (math.isnan(first) and math.isnan(second)):
        return 0.0
    if not (math.isfinite(first) and math.isfinite(second)):
        return math.inf
    return abs(first - second) / max(abs(first), abs(second))


def read_table(content: bytes) -> pd.DataFrame:
    """Read ``estimates.parquet``.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        If it is none, or lacks a column.
    """
    try:
        frame = pd.read_parquet(BytesIO(content))
        for column in ("notebook", "html", *FIELDS):
            pd.to_numeric(frame[column]) if column in _FIGURES else frame[column]
        return frame
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as broken:
        raise DataError(f"estimates.parquet cannot be read ({str(broken).splitlines()[0]})") from None


def read_csv(content: bytes) -> pd.DataFrame:
    """Read ``estimates.csv``, every cell as text.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        If it is none.
    """
    try:
        return pd.read_csv(BytesIO(content), encoding="utf-8-sig", dtype=str, keep_default_na=False)
    except (ValueError, OSError) as broken:  # ValueError: also what is no UTF-8, or no table
        raise DataError(f"estimates.csv cannot be read ({str(broken).splitlines()[0]})") from None


def table_against_csv(table: pd.DataFrame, content: bytes) -> list[Difference]:
    """Return the cells in which ``estimates.parquet`` and ``estimates.csv`` differ.

    Parameters
    ----------
    table : DataFrame
        As `read_table` returns it.
    content : bytes
        Of the CSV.

    Returns
    -------
    list of Difference
        Empty if the CSV is what the table writes, byte by byte.
    """
    expected = csv_bytes(table)
    if expected == content:
        return []
    first, second = read_csv(expected), read_csv(content)
    if first.shape != second.shape or list(first.columns) != list(second.columns):
        return [Difference("tables_shape", {"table": str(first.shape), "csv": str(second.shape)})]
    found = [
        Difference("tables_cell", {"row": row + 1, "column": column, "table": old, "csv": new})
        for column in first.columns
        for row, (old, new) in enumerate(zip(first[column], second[column], strict=True))
        if old != new
    ]
    return found or [Difference("tables_bytes")]


def compare_tables(packed: pd.DataFrame, again: pd.DataFrame, *, keys: Sequence[str]) -> Compared:
    """Compare two tables of estimates, row by row.

    Parameters
    ----------
    packed, again : DataFrame
        As `RunResult.estimates` returns them.
    keys : sequence of str
        Of the grid.

    Returns
    -------
    Compared
    """
    by = ["notebook", *keys, "name", "term"]
    first, second = ({_place(row, by): row for row in frame.to_dict("records")} for frame in (packed, again))
    found = Compared(tuple(Difference("row_missing", {"row": row}) for row in first if row not in second))
    found += Compared(tuple(Difference("row_added", {"row": row}) for row in second if row not in first))
    for place in first:
        if place in second:
            for column in FIELDS[2:]:
                found += _compare_cell(place, column, first[place].get(column), second[place].get(column))
    return found


def _place(row: dict[Any, Any], by: Sequence[str]) -> str:
    return " · ".join(str(row.get(name)) for name in by)


def _compare_cell(place: str, column: str, old: Any, new: Any) -> Compared:
    fields = {"row": place, "column": column, "old": str(old), "new": str(new)}
    if column not in _FIGURES:
        return Compared(() if str(old) == str(new) else (Difference("cell_differs", fields),))
    apart = relative_difference(*(float("nan") if pd.isna(value) else float(value) for value in (old, new)))
    if apart <= SAME:
        return Compared((), apart, 1)
    return Compared((Difference("number_differs", {**fields, "apart": f"{apart:.2g}"}),), apart, 1)


def read_notebook(content: bytes) -> dict[str, Any]:
    """Read an executed notebook.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    dict

    Raises
    ------
    DataError
        If it is none.
    """
    try:
        found = json.loads(content)
        for cell in found["cells"]:
            dict(cell.get("metadata", {})), list(cell.get("outputs", [])), str(cell["cell_type"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as broken:
        raise DataError(f"notebook cannot be read ({broken})") from None
    return dict(found)


def texts(notebook: dict[str, Any]) -> Iterator[tuple[int, int, str]]:
    """Yield what the code cells of an executed notebook show in words and numbers.

    Parameters
    ----------
    notebook : dict

    Yields
    ------
    int
        The cell, among the code cells of the notebook's source, from 1.
    int
        The output, from 1.
    str
        Its text; of a table that of its cells. Figures and what went to standard error have none.
    """
    cells = [
        cell
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and "injected-parameters" not in cell["metadata"].get("tags", [])
    ]
    for number, cell in enumerate(cells, start=1):
        for place, output in enumerate(cell.get("outputs", []), start=1):
            yield number, place, _text(output)


def _text(output: dict[str, Any]) -> str:
    if output.get("output_type") == "stream":
        return "" if output.get("name") == "stderr" else " ".join("".join(output.get("text", "")).split())
    data = output.get("data", {})
    if "text/html" in data:
        page = BeautifulSoup("".join(data["text/html"]), "html.parser")
        for hidden in page(["style", "script"]):
            hidden.decompose()
        return " ".join(page.get_text(" ").split())
    if any(kind.startswith("image/") for kind in data):
        return ""
    return " ".join("".join(data.get("text/plain", "")).split())


def compare_notebooks(packed: dict[str, Any], again: dict[str, Any], *, report: str) -> Compared:
    """Compare what two executions of a notebook show.

    Parameters
    ----------
    packed, again : dict
        Executed notebooks.
    report : str
        Their name, for the sentences.

    Returns
    -------
    Compared
    """
    first, second = ({place[:2]: place[2] for place in texts(notebook)} for notebook in (packed, again))
    found = Compared()
    for cell, output in sorted(first.keys() | second.keys()):
        place = {"report": report, "cell": cell, "output": output}
        found += _compare_texts(first.get((cell, output)), second.get((cell, output)), place)
    return found


def _compare_texts(old: str | None, new: str | None, place: dict[str, Any]) -> Compared:
    if old is None or new is None:
        return Compared((Difference("output_missing" if new is None else "output_added", place),))
    numbers, others = NUMBER.findall(old), NUMBER.findall(new)
    if NUMBER.sub("#", old) != NUMBER.sub("#", new):
        return Compared((Difference("text_differs", {**place, **_first_difference(old, new)}),))
    found = Compared()
    for first, second in zip(numbers, others, strict=True):
        apart = relative_difference(_value(first), _value(second))
        fields = {**place, "old": first, "new": second, "apart": f"{apart:.2g}"}
        wrong = () if apart <= SAME else (Difference("shown_differs", fields),)
        found += Compared(wrong, apart, 1)
    return found


def _first_difference(old: str, new: str, *, around: int = 30) -> dict[str, str]:
    """Where two texts part, with some characters on either side."""
    pairs = enumerate(zip(old, new, strict=False))
    place = next((number for number, (a, b) in pairs if a != b), min(len(old), len(new)))
    begin = max(0, place - around)
    return {"old": old[begin : place + around], "new": new[begin : place + around]}


def _value(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def shown_estimates(notebook: dict[str, Any]) -> list[dict[str, str]]:
    """Return the rows of the tables that `headlines.record` shows in an executed notebook.

    Parameters
    ----------
    notebook : dict

    Returns
    -------
    list of dict
        Column to text as printed; none for rows that pandas leaves out of a long table.
    """
    rows = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            page = BeautifulSoup("".join(output.get("data", {}).get("text/html", "")), "html.parser")
            for table in page("table"):
                rows += _rows([[item.get_text() for item in line(["th", "td"])] for line in table("tr")])
    return rows


def _rows(lines: list[list[str]]) -> list[dict[str, str]]:
    if not lines or lines[0][1:] != list(FIELDS):
        return []
    return [dict(zip(FIELDS, line[1:], strict=True)) for line in lines[1:] if len(line) == len(FIELDS) + 1]


def table_against_notebook(rows: pd.DataFrame, notebook: dict[str, Any], *, report: str) -> Compared:
    """Compare a report's rows of the table of estimates with what its notebook shows of them.

    Parameters
    ----------
    rows : DataFrame
    notebook : dict
        Executed.
    report : str

    Returns
    -------
    Compared
        A row that the notebook does not show is not compared.
    """
    stored = {(str(row["name"]), str(row["term"])): row for row in rows.to_dict("records")}
    latest = {(row["name"], row["term"]): row for row in shown_estimates(notebook)}
    found = Compared()
    for place, shown in latest.items():
        if place not in stored:
            found += Compared((Difference("shown_only", {"report": report, "row": " · ".join(place)}),))
            continue
        for column in [name for name in FIELDS if name in _FIGURES]:
            old, new = stored[place].get(column), shown[column]
            agrees = _rounds_to(float("nan") if pd.isna(old) else float(old), new)
            fields = {
                "report": report,
                "row": " · ".join(place),
                "column": column,
                "old": str(old),
                "new": new,
            }
            found += Compared(() if agrees else (Difference("shown_otherwise", fields),), 0.0, 1)
    return found


def _rounds_to(value: float, shown: str) -> bool:
    """Whether a number could be printed so: within half a unit of the last decimal."""
    if not NUMBER.fullmatch(shown):
        return not math.isfinite(value)
    mantissa, _, power = shown.lower().partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(power or 0)
    return abs(value - _value(shown)) <= 0.5 * 10.0**-decimals * (1 + 1e-9)
