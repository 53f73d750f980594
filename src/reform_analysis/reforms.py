"""Concurrent reforms: what else happened to pilots, controls and courts, dated and quoted."""

from io import BytesIO
from typing import Any

import pandas as pd

from reform_analysis import resources, schema
from reform_analysis.estimates import CheckResult, DesignError, require_whole_number
from reform_analysis.wording import LANGUAGES, localised, say

_FILE = "context/reforms.csv"


def load_reforms() -> pd.DataFrame:
    """Return the reforms that ran beside the pilot, oldest first, the undated ones last.

    Returns
    -------
    DataFrame
        Index `id`; columns as declared in `schema.REFORMS`. `attrs` holds the source. Only what the article
        and the context pages state: the list is not complete.

    Raises
    ------
    DataError
        If the file was changed or does not meet its declaration.

    Examples
    --------
    >>> load_reforms().loc["enforcement_pilot", "date"]
    '2022-01-30'
    """
    content = BytesIO(resources.read_data(_FILE))
    frame = schema.validate(
        pd.read_csv(content, dtype=str, keep_default_na=False, index_col="id"), schema.REFORMS
    )
    frame = frame.sort_values("date", key=lambda dates: dates.replace("", "9999"), kind="stable")
    described = {entry["path"]: entry for entry in resources.read_package()["resources"]}[_FILE]
    frame.attrs = {"source": described["sources"][0]["title"], "synthetic": False}
    return frame


def reform_table(reforms: pd.DataFrame, *, language: str = "en") -> pd.DataFrame:
    """Return the reforms in words, to be printed.

    Parameters
    ----------
    reforms : DataFrame
        As `load_reforms` returns it.
    language : {"zh", "en"}

    Returns
    -------
    DataFrame
        A row a reform: date, place, reform, what it bears on, quote, source, note.
    """
    undated, article = say("period.undated", language), say("check.article", language)
    columns = {
        "date": reforms["date"].replace("", undated),
        "place": localised(reforms, "place", language),
        "reform": localised(reforms, "reform", language),
        "bears_on": [say(f"check.bears_on_{each}", language) for each in reforms["bears_on"]],
        "quote": reforms["quote"],
        "source": reforms["url"].replace("", article),
        "note": reforms["note_zh" if language == "zh" else "note"],
    }
    return pd.DataFrame({say(f"check.reforms_{name}", language): list(of) for name, of in columns.items()})


def concurrent_reforms(
    reforms: pd.DataFrame | None = None, *, first: Any = None, last: Any = None
) -> CheckResult:
    """Return what else was reformed in the years of a study; for information.

    Parameters
    ----------
    reforms : DataFrame, optional
        Columns of `schema.REFORMS`; by default `load_reforms`.
    first, last : int or str, optional
        Years of the study; by default all. Undated reforms are always listed.

    Returns
    -------
    CheckResult
        `passed` None. Frame: the rows of the study's years, oldest first, undated last.

    Raises
    ------
    DesignError
        If a year is no year, or the last lies before the first.

    Notes
    -----
    No design tells the pilot from a reform that began in the same units in the same year.
    """
    table = load_reforms() if reforms is None else reforms
    begin, end = _year("first", first, 0), _year("last", last, 9999)
    if end < begin:
        raise DesignError(f"last must not lie before first, got {first!r} to {last!r}; swap them.")
    years = table["date"].str[:4].replace("", str(begin)).astype(int)
    rows = table[years.between(begin, end)]
    counts = rows["bears_on"].value_counts()
    values = {
        "n": len(rows),
        "dated": int((rows["date"] != "").sum()),
        "controls": int(counts.get("controls", 0) + counts.get("both", 0)),
        "outcome": int(counts.get("outcome", 0)),
    }
    sentences: dict[str, str] = {
        language: say("check.concurrent_reforms", language, **values) for language in LANGUAGES
    }
    return CheckResult("concurrent_reforms", None, sentences, rows)


def _year(name: str, value: Any, missing: int) -> int:
    if value is None:
        return missing
    text = str(value)[:4]
    if not text.isdigit():
        raise DesignError(f"{name} must begin with a year, got {value!r}; pass 2020.")
    return require_whole_number(name, int(text))
