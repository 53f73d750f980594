"""Headline estimates: what a report hands to the table of its run."""

import json
import os
from math import isinf, isnan
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BeforeValidator, PlainSerializer

from reform_analysis.estimates import COLUMNS, Estimates

TARGET = "REFORM_ANALYSIS_HEADLINES"  # the file that a run reads after the notebook
FIELDS = ("name", "term", *COLUMNS, "scale", "ci_level", "method", "n_obs", "synthetic")


def _to_json(row: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity: it stands there as text."""
    return {
        key: str(value) if isinstance(value, float) and isinf(value) else value for key, value in row.items()
    }


def _from_json(row: dict[str, Any]) -> dict[str, Any]:
    numbers = {key: float(row[key]) for key in COLUMNS if isinstance(row.get(key), str)}
    return {**row, **numbers}


Headline = Annotated[dict[str, Any], PlainSerializer(_to_json, when_used="json"), BeforeValidator(_from_json)]


def record(estimates: Estimates | None, *, name: str = "main") -> pd.DataFrame:
    """Hand estimates to the run's table; the last line of a notebook cell.

    In a run they go into ``estimates.parquet``, ``estimates.csv`` and the index; anywhere else (JupyterLab, a
    script) nothing is written. A name that is recorded twice keeps its last estimates.

    Parameters
    ----------
    estimates : Estimates or None
        As a fit returned them; None, where the data hold nothing to test, records nothing.
    name : str
        What they are, the same in all reports of a study; the index shows ``main``.

    Returns
    -------
    DataFrame
        One row a term: name, term, estimate, std_error, ci_low, ci_high, p_value, scale, ci_level,
        method, n_obs, synthetic. An infinite end of an interval is kept; NaN is what is undefined.
    """
    frame = _frame(estimates, name)
    target = os.environ.get(TARGET)
    if target:
        rows = [{key: _plain(value) for key, value in row.items()} for row in frame.to_dict("records")]
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"name": str(name), "rows": rows}) + "\n")
    return frame


def _frame(estimates: Estimates | None, name: str) -> pd.DataFrame:
    if estimates is None:
        return pd.DataFrame(columns=list(FIELDS))
    constants = {key: getattr(estimates, key) for key in FIELDS[7:]}
    frame = estimates.to_frame().reset_index(names="term").assign(name=str(name), **constants)
    frame["term"] = frame["term"].map(str)  # years, say: a table of many reports has one type a column
    return frame[list(FIELDS)]


def _plain(value: Any) -> Any:
    if isinstance(value, str) or value is None:
        return value
    number = value.item() if hasattr(value, "item") else value
    return None if isnan(number) else number


def read(path: Path) -> tuple[dict[str, Any], ...]:
    """Return the rows that a notebook recorded.

    Parameters
    ----------
    path : Path
        May be missing: nothing was recorded then.

    Returns
    -------
    tuple of dict
    """
    if not path.exists():
        return ()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    latest = {line["name"]: line["rows"] for line in lines}
    return tuple(row for rows in latest.values() for row in rows)


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV that a spreadsheet reads as text and numbers, never as a formula.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    bytes
        UTF-8 with a mark. Texts that begin with ``= + - @``, a tab or a carriage return have an apostrophe
        put before them; numbers are left alone.
    """
    # With \n as the end of a row, a carriage return in a text would go unquoted and end its row.
    kept: str = frame.map(_inert).to_csv(index=False, lineterminator="\r\n")
    return kept.encode("utf-8-sig")


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@\t\r")) else value
