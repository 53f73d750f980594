"""Losses as they were reported against losses as the courts' records count them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from reform_analysis.estimates import (
    CheckResult,
    DataError,
    UntestableError,
    percent,
    require_level,
    require_whole_number,
)
from reform_analysis.measures import as_numbers, need_columns
from reform_analysis.wording import LANGUAGES, p_text, say

_MOST_MISSED = 10**6


def reconcile(
    frame: pd.DataFrame,
    *,
    reported: str,
    counted: str,
    matched: str | None = None,
    by: str | None = None,
    ci_level: float = 0.95,
) -> CheckResult:
    r"""Compare reported with court-counted losses, and estimate what both miss.

    With :math:`n_1` losses reported, :math:`n_2` counted and m in both, Chapman's estimate of all losses is
    :math:`(n_1 + 1)(n_2 + 1)/(m + 1) - 1`; what both miss is that less the :math:`n_1 + n_2 - m` seen. The
    interval inverts the hypergeometric distribution of m. Identifying assumption of it: the two sources are
    independent, and every loss has the same chance to be in each. A loss that is likelier in both (a large
    case that is both reported and published) makes the estimate too small.

    Parameters
    ----------
    frame : DataFrame
        One row a unit, or a unit and period.
    reported, counted : str
        Columns of the two counts.
    matched : str, optional
        Column of the losses found in both, case by case. Without it the smaller count of each row is taken:
        the largest overlap there can be, so what both miss is a lower bound.
    by : str, optional
        Column that tells groups of rows apart (pilots and others; before and after). The check then asks
        whether the counted losses are reported in the same share in each.
    ci_level : float

    Returns
    -------
    CheckResult
        Index ``group`` ("all", and one row a group); columns ``rows, agreeing`` (rows with equal counts),
        ``reported, counted, matched, completeness`` (share of the counted that was reported), ``missed,
        missed_low, missed_high, total``. Passed if the test of equal completeness (Fisher's; chi-squared
        with more than two groups) has p above ``1 - ci_level``; None without `by`.

    Raises
    ------
    DataError
        If a column is missing, no whole number of at least 0, or more are matched than counted or reported.
    UntestableError
        If neither source holds a loss, or a group has no counted loss.

    References
    ----------
    Chapman (1951), University of California Publications in Statistics 1, 131-160.
    Seber (1982), The Estimation of Animal Abundance, section 3.1.
    """
    level = require_level(ci_level)
    frame = frame.reset_index(drop=True)
    table = _table(frame, reported, counted, matched)
    if not table[["reported", "counted"]].to_numpy().sum():
        raise UntestableError("reported and counted must hold a loss, got none in either; add periods.")
    rows = {"all": _summary(table, level)}
    groups = [] if by is None else _groups(frame, table, by)
    rows |= {name: _summary(part, level) for name, part in groups}
    found = pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")
    p_value = _equal_completeness(found.iloc[1:]) if len(groups) > 1 else np.nan
    passed = None if np.isnan(p_value) else bool(p_value > 1 - level)
    bound = "exact" if matched is not None else "bound"
    values = {**found.loc["all"].to_dict(), "level": percent(level)}
    texts: dict[str, str] = {
        each: say(f"check.reconcile_{bound}", each, **values) + _group_sentence(p_value, passed, each)
        for each in LANGUAGES
    }
    return CheckResult(
        name="reconcile",
        passed=passed,
        sentences=texts,
        frame=found,
        synthetic=bool(frame.attrs.get("synthetic", False)),
        notes=(f"{len(table)} of {len(frame)} rows with both counts",),
    )


def _table(frame: pd.DataFrame, reported: str, counted: str, matched: str | None) -> pd.DataFrame:
    """The three counts of the rows that have them, checked."""
    columns = [reported, counted, *([matched] if matched else [])]
    need_columns(frame, columns)
    table = as_numbers(frame, columns)[columns].dropna()
    table.columns = ["reported", "counted", *(["matched"] if matched else [])]
    values = table.to_numpy()
    if (values < 0).any() or (values % 1 != 0).any():
        raise DataError(f"{columns} must be whole numbers of at least 0, got others; pass counts.")
    smaller = table[["reported", "counted"]].min(axis=1)
    if matched is None:
        table["matched"] = smaller
    wrong = table.index[table["matched"] > smaller].tolist()
    if wrong:
        raise DataError(f"{matched} must be at most both counts, got more in rows {wrong[:5]}; correct them.")
    return table


def _groups(frame: pd.DataFrame, table: pd.DataFrame, by: str) -> list[tuple[str, pd.DataFrame]]:
    need_columns(frame, [by])
    groups = [(str(name), part) for name, part in table.groupby(frame.loc[table.index, by])]
    empty = [name for name, part in groups if not part["counted"].sum()]
    if empty:
        raise UntestableError(f"by must give groups with counted losses, got {empty} without; pool groups.")
    return groups


def _summary(table: pd.DataFrame, level: float) -> dict[str, Any]:
    first, second, both = (int(table[name].sum()) for name in ("reported", "counted", "matched"))
    missed, low, high = missed_by_both(first, second, both, ci_level=level)
    return {
        "rows": len(table),
        "agreeing": int((table["reported"] == table["counted"]).sum()),
        "reported": first,
        "counted": second,
        "matched": both,
        "completeness": both / second if second else np.nan,
        "missed": missed,
        "missed_low": low,
        "missed_high": high,
        "total": first + second - both + missed,
    }


def missed_by_both(
    first: int, second: int, both: int, *, ci_level: float = 0.95
) -> tuple[float, float, float]:
    """Return Chapman's estimate of what two independent sources both miss, with an exact interval.

    Parameters
    ----------
    first, second : int
        Losses in each source.
    both : int
        Losses in both.
    ci_level : float

    Returns
    -------
    tuple of float
        Estimate, lower and upper limit: the numbers missed at which neither tail of the hypergeometric
        distribution of `both` is smaller than half of ``1 - ci_level``. The upper one is infinite where no
        number up to a million is excluded.

    Raises
    ------
    DataError
        If a count breaks its rule.

    Examples
    --------
    >>> missed_by_both(40, 30, 20)[0].__round__(2)
    9.52
    """
    counts = [
        require_whole_number(name, value)
        for name, value in {"first": first, "second": second, "both": both}.items()
    ]
    first, second, both = counts
    if both > min(first, second):
        raise DataError(f"both must be at most first and second, got {both}; correct the matching.")
    seen, half = first + second - both, (1 - require_level(ci_level)) / 2
    estimate = (first + 1) * (second + 1) / (both + 1) - 1 - seen
    if not first or not second:
        return estimate, 0.0, np.inf

    def many_kept(missed: int) -> bool:  # numpydoc ignore=GL08
        return bool(stats.hypergeom.sf(both - 1, seen + missed, first, second) >= half)

    def few_kept(missed: int) -> bool:  # numpydoc ignore=GL08
        return bool(stats.hypergeom.cdf(both, seen + missed, first, second) >= half)

    low = _first(few_kept)
    beyond = _first(lambda missed: not many_kept(missed))
    return estimate, float(low), float(beyond - 1) if beyond <= _MOST_MISSED else np.inf


def _first(holds: Callable[[int], bool]) -> int:
    """Smallest number from 0 up at which a rising condition holds; one beyond the bound if none does."""
    if holds(0):
        return 0
    low, high = 0, 1
    while not holds(high):
        low, high = high, 2 * high
        if high > _MOST_MISSED:
            return _MOST_MISSED + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _equal_completeness(groups: pd.DataFrame) -> float:
    """Fisher's exact test that completeness is the same; with more than two groups the chi-squared test."""
    cells = np.c_[groups["matched"], groups["counted"] - groups["matched"]].astype(int)
    if not cells[:, 0].sum() or not cells[:, 1].sum():
        return 1.0
    if len(cells) == 2:
        return float(stats.fisher_exact(cells).pvalue)
    return float(stats.chi2_contingency(cells).pvalue)


def _group_sentence(p_value: float, passed: bool | None, language: str) -> str:
    if passed is None:
        return ""
    key = "check.reconcile_same" if passed else "check.reconcile_differs"
    return say(key, language, p=p_text(p_value))
