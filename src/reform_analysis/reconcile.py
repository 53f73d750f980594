"""Losses as they were reported against losses as the courts' records count them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from reform_analysis.estimates import (
    CheckResult,
    DataError,
    DesignError,
    UntestableError,
    percent,
    require_level,
    require_whole_number,
)
from reform_analysis.measures import as_numbers, need_columns
from reform_analysis.refits import in_both, joined
from reform_analysis.wording import Limit, p_text

_MOST_MISSED = 10**6


def reconcile(
    frame: pd.DataFrame,
    *,
    reported: str,
    counted: str,
    matched: str | None = None,
    by: str | None = None,
    after: str | None = None,
    unit: str | None = None,
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
        Column that tells groups of rows apart (pilots and others). The check then asks whether the counted
        losses are reported in the same share in each.
    after : str, optional
        Column of True and False that splits the rows of two groups (after adoption). The check then asks
        what matters to a comparison of changes: with completeness :math:`c_{gt}` of group g, whether

        .. math:: (c_{11} / c_{10}) / (c_{01} / c_{00})

        is 1. A constant difference between the groups leaves a ratio of ratios as it is, and does not fail.
    unit : str, optional
        Column of the units, whose reporting goes together over time; by default every row is its own.
    ci_level : float

    Returns
    -------
    CheckResult
        Index ``group`` ("all", a row a group, and one a group before and after); columns ``rows, agreeing``
        (rows with equal counts), ``reported, counted, matched, completeness`` (share of the counted that
        was reported), ``missed, missed_low, missed_high, total``, and in the row "all" with `after`
        ``change, change_low, change_high, p_value``. Passed if the test of equal completeness (Fisher's;
        chi-squared with more than two groups) or, with `after`, of equal changes has p above
        ``1 - ci_level``; None without `by`, or where a group reported nothing before or after.

    Raises
    ------
    DataError
        If a column is missing, no whole number of at least 0, or more are matched than counted or reported.
    DesignError
        If `after` is given without a `by` of two groups, or does not split the rows.
    UntestableError
        If neither source holds a loss, or a group has no counted loss.

    References
    ----------
    Chapman (1951), University of California Publications in Statistics 1, 131-160.
    Seber (1982), The Estimation of Animal Abundance, section 3.1.

    Notes
    -----
    The test of changes is Welch's on the log scale: in each group the log of the ratio of its completeness
    after to before has the linearised variance of a ratio with units as clusters, and the two differ by a t
    with Satterthwaite's degrees of freedom. The limits of what both miss are for `matched` alone; without it
    the number is a bound, and where one source holds all of the other they are not independent.
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
    texts = _sentences(found.loc["all"], level, exact=matched is not None)
    if after is not None:
        change = _change(frame, table, (by, after, unit), level)
        cells = {f"{name}, {when}": _summary(part, level) for (name, when), part in change.cells.items()}
        found = pd.concat([found, pd.DataFrame.from_dict(cells, orient="index")]).rename_axis("group")
        found.loc["all", ["change", "change_low", "change_high", "p_value"]] = change.row
        p_value = change.row[-1]
        texts = joined(texts, _change_sentence(change, level))
    elif np.isfinite(p_value):
        key = "same" if p_value > 1 - level else "differs"
        texts = joined(texts, in_both(f"check.reconcile_{key}", p=p_text(p_value)))
    return CheckResult(
        name="reconcile",
        passed=None if np.isnan(p_value) else bool(p_value > 1 - level),
        sentences=texts,
        frame=found,
        synthetic=bool(frame.attrs.get("synthetic", False)),
        notes=(f"{len(table)} of {len(frame)} rows with both counts",),
    )


def _sentences(row: pd.Series, level: float, *, exact: bool) -> dict[str, str]:
    """How far the sources agree, and what both miss where anything can be said of it."""
    counts = {name: int(row[name]) for name in ("rows", "agreeing", "reported", "counted", "matched")}
    within = 0 < counts["matched"] == min(counts["reported"], counts["counted"])
    key = "bound" if not exact else "within" if within else "exact"
    ends = {"missed": row["missed"], "low": row["missed_low"], "high": Limit(row["missed_high"])}
    return joined(
        in_both(f"check.reconcile_{'agree' if exact else 'agree_bound'}", **counts),
        in_both(f"check.reconcile_{key}", level=percent(level), **ends),
    )


@dataclass(frozen=True, eq=False)
class _Change:
    """Rows of each group before and after, and the ratio of the changes with its limits and p."""

    cells: dict[tuple[str, str], pd.DataFrame]
    row: tuple[float, float, float, float]

    def completeness(self) -> list[float]:
        """Shares reported, before and after in the first group, then in the second; NaN without a loss."""
        sums = [part[["matched", "counted"]].sum() for part in self.cells.values()]
        return [float(each["matched"] / each["counted"]) if each["counted"] else np.nan for each in sums]


def _change(
    frame: pd.DataFrame, table: pd.DataFrame, names: tuple[str | None, str, str | None], level: float
) -> _Change:
    by, after, unit = names
    need_columns(frame, [after, *([unit] if unit else [])])
    rows = frame.loc[table.index]
    groups = [] if by is None else sorted(rows[by].unique())
    late = rows[after].astype(bool)
    if len(groups) != 2 or late.nunique() != 2:
        raise DesignError(
            f"after {after!r} needs rows before and after in two groups of by, got {len(groups)} groups and "
            f"{late.nunique()} of before and after; pass by='pilot' and a column of True and False."
        )
    whose = rows[unit] if unit else pd.Series(table.index, index=table.index)
    cells: dict[tuple[str, str], pd.DataFrame] = {}
    logs = []
    for name in groups:
        inside = rows[by] == name
        parts = [table[inside & (late == when)] for when in (False, True)]
        cells |= {(str(name), text): part for text, part in zip(("before", "after"), parts, strict=True)}
        logs.append(_log_change(parts, whose))
    return _Change(cells, _difference(logs, level))


def _log_change(parts: list[pd.DataFrame], whose: pd.Series) -> tuple[float, float, int]:
    """Log of completeness after over before, its variance with units as clusters, and their number."""
    log, moves = 0.0, []
    for sign, part in zip((-1, 1), parts, strict=True):
        both, counted = float(part["matched"].sum()), float(part["counted"].sum())
        if not both:
            return np.nan, np.nan, 0
        log += sign * np.log(both / counted)
        moves.append(sign * (part["matched"] / both - part["counted"] / counted))
    each = pd.concat(moves)
    sums = each.groupby(whose.loc[each.index]).sum()
    n = len(sums)
    return float(log), float((sums**2).sum()) * n / max(n - 1, 1), n


def _difference(logs: list[tuple[float, float, int]], level: float) -> tuple[float, float, float, float]:
    """Ratio of the second group's change to the first's, limits and p; NaN where one has none."""
    (first, spread_first, n_first), (second, spread_second, n_second) = logs
    log, variance = second - first, spread_first + spread_second
    if np.isnan(log) or min(n_first, n_second) < 2:
        return float(np.exp(log)), np.nan, np.nan, np.nan
    if variance == 0:
        return float(np.exp(log)), float(np.exp(log)), float(np.exp(log)), float(log == 0)
    freedom = variance**2 / (spread_first**2 / (n_first - 1) + spread_second**2 / (n_second - 1))
    error = float(np.sqrt(variance))
    reach = float(stats.t.isf((1 - level) / 2, freedom)) * error
    p_value = 2 * float(stats.t.sf(abs(log) / error, freedom))
    return float(np.exp(log)), float(np.exp(log - reach)), float(np.exp(log + reach)), p_value


def _change_sentence(change: _Change, level: float) -> dict[str, str]:
    ratio, low, high, p_value = change.row
    shares = 100 * np.array(change.completeness())
    key = "none" if np.isnan(p_value) else "steady" if p_value > 1 - level else "changed"
    return in_both(
        f"check.reconcile_{key}",
        **dict(zip(("others_before", "others_after", "before", "after"), shares, strict=True)),
        ratio=ratio,
        low=low,
        high=high,
        level=percent(level),
        p=p_text(p_value),
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
