"""Headline estimates: what a report hands to the table of its run."""

import json
import os
from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from reform_analysis.estimates import COLUMNS, Estimates

TARGET = "REFORM_ANALYSIS_HEADLINES"  # the file that a run reads after the notebook
FIELDS = ("name", "term", *COLUMNS, "scale", "ci_level", "method", "n_obs", "synthetic")


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
        method, n_obs, synthetic.
    """
    frame = _frame(estimates, name)
    target = os.environ.get(TARGET)
    if target:
        rows = [{key: _plain(value) for key, value in row.items()} for row in frame.to_dict("records")]
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"name": name, "rows": rows}, ensure_ascii=False) + "\n")
    return frame


def _frame(estimates: Estimates | None, name: str) -> pd.DataFrame:
    if estimates is None:
        return pd.DataFrame(columns=list(FIELDS))
    constants = {key: getattr(estimates, key) for key in FIELDS[7:]}
    return estimates.to_frame().reset_index(names="term").assign(name=name, **constants)[list(FIELDS)]


def _plain(value: Any) -> Any:
    if isinstance(value, str) or value is None:
        return value
    number = value.item() if hasattr(value, "item") else value
    return number if isinstance(number, int) or isfinite(number) else None


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
