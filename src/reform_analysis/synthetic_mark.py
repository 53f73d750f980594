"""Whether a frame says that its data were made up, after whatever was done to it."""

import pandas as pd

MARK = "synthetic"
_TRUE = {"true", "1", "1.0"}


def is_synthetic(frame: pd.DataFrame) -> bool:
    """Return whether a frame says that any of its data were made up.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    bool
        From ``attrs["synthetic"]``, which joins and merges lose, or from a column ``synthetic`` that is true
        anywhere; so are the columns that a merge makes of two, ``synthetic_x`` and ``synthetic_y``.

    Examples
    --------
    >>> made_up = pd.DataFrame({"unit_id": ["a"], "dose": [1.0], "synthetic": [True]})
    >>> is_synthetic(made_up.merge(pd.DataFrame({"unit_id": ["a", "b"]}), how="right"))
    True
    """
    if frame.attrs.get(MARK, False):
        return True
    names = [name for name in frame.columns if isinstance(name, str) and name.startswith(MARK)]
    return any(_marked(frame[name]) for name in names if name == MARK or name.startswith(f"{MARK}_"))


def marks(frame: pd.DataFrame) -> pd.Series:
    """Return which rows say that they were made up; all where the frame as a whole says so.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    Series of bool
        Index that of `frame`.
    """
    if frame.attrs.get(MARK, False) or MARK not in frame.columns:
        return pd.Series(bool(frame.attrs.get(MARK, False)), index=frame.index)
    return _true(frame[MARK])


def _true(values: pd.Series) -> pd.Series:
    return values.astype(str).str.lower().isin(_TRUE)


def _marked(values: pd.Series) -> bool:
    """A column named so by a merge counts only where it holds truth values: others may begin alike."""
    if values.name == MARK:
        return bool(_true(values).any())
    return bool((values.astype(str) == "True").any())
