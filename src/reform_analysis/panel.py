"""The panel made ready for a test: measures, changes between two windows, time under treatment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis.estimates import DataError, DesignError
from reform_analysis.measures import (
    add_measures,
    as_numbers,
    computable_rates,
    is_constant,
    known_rates,
    need_columns,
    need_constant,
    rate_of,
    require_once,
    require_separate_denominators,
    require_unique_columns,
)
from reform_analysis.panel_columns import COUNTS, kind_of
from reform_analysis.panel_reports import PanelReport, panel_report
from reform_analysis.panel_texts import label
from reform_analysis.periods import in_order, plain_periods
from reform_analysis.rate_counts import RATES, Rate
from reform_analysis.synthetic_mark import MARK, marks
from reform_analysis.treatment import treated_fraction
from reform_analysis.wording import say

__all__ = [
    "RATES",
    "PanelReport",
    "Rate",
    "add_measures",
    "changes",
    "growth_notes",
    "known_rates",
    "panel_report",
    "require_separate_denominators",
    "treated_fraction",
]

_CARRIED = ("unit_name", "county", "city", "pilot", "adopted")
_POOLED = (*COUNTS, "digital_spending")


def changes(
    panel: pd.DataFrame,
    *,
    pre: Any,
    post: Any,
    unit: str = "unit_id",
    period: str = "period",
    counts: Sequence[str] | None = None,
    measures: Mapping[str, Rate] | Sequence[str] | None = None,
    earlier: Any = None,
) -> pd.DataFrame:
    r"""Return each unit's change from one window of periods to another.

    Counts are pooled: with :math:`Y_{ik}` the count of unit i in period k,

    .. math:: y_i^{pre} = \sum_{k \in pre} Y_{ik}, \qquad
              d_i = y_i^{post} / n_{post} - y_i^{pre} / n_{pre}, \qquad
              l_i = \log \frac{y_i^{post} / n_{post}}{y_i^{pre} / n_{pre}} .

    The growth of a zero is undefined: where either window has none, the log ratio is missing, and
    ``attrs["undefined"]`` counts those units. Nothing is added to a zero, since log(1 + y) depends on the
    unit of y. Rates are those of the pooled counts, not means of rates.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period.
    pre, post : str, int or sequence of them
        Periods of the earlier and of the later window.
    unit, period : str
        Columns. Years may be whole numbers stored as floats, and pandas periods of calendar years or
        quarters; days are refused.
    counts : sequence of str, optional
        Counts, exposures among them. By default every declared count that the panel has.
    measures : mapping of str to Rate, or sequence of str, optional
        Rates, as in `add_measures`. A name that is no rate of `RATES` but a column is averaged over the
        window's periods. By default the rates of `RATES` that can be computed; none where `counts` is given.
    earlier : str, int or sequence of them, optional
        Periods for ``_earlier``. By default all before the first of `pre`.

    Returns
    -------
    DataFrame
        Index `unit`; the panel's unit-level columns unit_name, county, city, pilot, adopted where present
        (of a name the last) and every covariate that is constant within all units; for a count c ``c_pre,
        c_post, c_earlier`` (mean a period, over the periods known; only where there are earlier periods),
        ``c_earlier_K`` (the count of each earlier period K, so that a count and its exposure can be taken
        from the periods in which both are known), ``c_difference`` (a period) and ``c_log_ratio``; for a
        measure m ``m_pre, m_post, m_difference``; ``periods_pre, periods_post``, the windows' numbers of
        periods. All floats. A unit that lacks a row or value in a window is missing there, never summed over
        fewer periods. A column ``synthetic`` where the panel says that its data are made up.
        ``attrs``, which joins lose and no test needs: unit, n_pre, n_post, pre, post, earlier, rates,
        undefined, and the panel's own (synthetic, date_basis, loss_definition).

    Raises
    ------
    DataError
        If a column is missing or no number, a unit and period stands twice, a carried column varies within
        a unit, a period is no period, or two columns would bear one name.
    DesignError
        If `counts` or `measures` names one twice, a window is empty or names a period the panel lacks, or
        it does not lie wholly before the next.

    Notes
    -----
    A change is a description. Reading differences in it as effects needs that units would otherwise have
    changed alike.

    References
    ----------
    Chen and Roth (2024), Quarterly Journal of Economics 139, 891-936 (logs with zeros).

    Examples
    --------
    >>> frame = pd.DataFrame({"unit_id": ["a", "a"], "period": ["2020", "2021"], "losses": [4, 2]})
    >>> changes(frame, pre="2020", post="2021")[["losses_difference", "losses_log_ratio"]].round(3).values
    array([[-2.   , -0.693]])
    """
    require_unique_columns(panel)
    need_columns(panel, [unit, period])
    if panel.duplicated([unit, period]).any():
        again = panel.loc[panel.duplicated([unit, period]), [unit, period]].iloc[0].tolist()
        raise DataError(f"a unit and period may stand only once, {again} stands again; keep one row.")
    panel = panel.assign(**{period: plain_periods(panel[period])})
    windows = _windows(panel[period], pre, post, earlier)
    pooled = _pooled_names(panel, counts)
    rates = _chosen_rates(panel, measures, default=counts is None)
    parts = [_carried(panel, unit, leave=(period, *pooled, *rates))]
    parts += [_count_changes(panel, count, windows, (unit, period)) for count in pooled]
    parts += [_rate_changes(panel, name, rate, windows, (unit, period)) for name, rate in rates.items()]
    periods = {f"periods_{end}": float(len(windows[end])) for end in ("pre", "post")}
    parts.append(pd.DataFrame(periods, index=parts[0].index))
    made_up = marks(panel)
    if made_up.any():
        parts.append(made_up.groupby(panel[unit].to_numpy()).any().to_frame(MARK))
    frame = pd.concat([each.reindex(parts[0].index) for each in parts], axis=1)
    require_unique_columns(frame, name="changes", way_out="rename that column of the panel, or the measure")
    made_of = RATES | {name: rate for name, rate in rates.items() if rate is not None}
    frame.attrs = {
        **panel.attrs,
        **windows,
        "unit": unit,
        "n_pre": len(windows["pre"]),
        "n_post": len(windows["post"]),
        "rates": {name: asdict(rate) for name, rate in made_of.items()},
        "undefined": {count: _undefined(frame, count) for count in pooled},
    }
    return frame


def _undefined(frame: pd.DataFrame, count: str) -> int:
    """Number of units without growth because a window has none."""
    ended = frame[[f"{count}_pre", f"{count}_post"]]
    return int((ended.notna().all(axis=1) & (ended == 0).any(axis=1)).sum())


def growth_notes(frame: pd.DataFrame, *, language: str = "en") -> tuple[str, ...]:
    """Return a sentence for each count whose growth is undefined for some unit.

    Parameters
    ----------
    frame : DataFrame
        As `changes` returns it; its columns ``c_pre, c_post, c_log_ratio`` are read.
    language : {"en", "zh"}

    Returns
    -------
    tuple of str
        Empty where every unit has growth.
    """
    grown = [name[: -len("_log_ratio")] for name in frame.columns if str(name).endswith("_log_ratio")]
    counts = [count for count in grown if {f"{count}_pre", f"{count}_post"} <= set(frame.columns)]
    undefined = {count: _undefined(frame, count) for count in counts}
    return tuple(
        say("panel.undefined_growth", language, column=label(count, None, language), n=n)
        for count, n in undefined.items()
        if n
    )


def _windows(periods: pd.Series, pre: Any, post: Any, earlier: Any) -> dict[str, list[Any]]:
    """The windows' periods as they stand in the panel, in order, checked to follow each other."""
    ordered = in_order(periods)
    place = {value: number for number, value in enumerate(ordered)}
    windows = {"pre": _window("pre", pre, ordered), "post": _window("post", post, ordered)}
    before = ordered[: place[windows["pre"][0]]]
    windows["earlier"] = before if earlier is None else _window("earlier", earlier, ordered)
    for first, then in (("earlier", "pre"), ("pre", "post")):
        if windows[first] and place[windows[first][-1]] >= place[windows[then][0]]:
            raise DesignError(
                f"{first} must lie before {then}, got {first}={windows[first]} and {then}={windows[then]}; "
                "choose windows that follow each other."
            )
    return windows


def _window(name: str, given: Any, ordered: list[Any]) -> list[Any]:
    """The panel's own periods of one window; 2021 and "2021" are one."""
    several = isinstance(given, Iterable) and not isinstance(given, str)
    wanted = list(given) if several else [given]
    texts = {_period_text(value) for value in wanted}
    found = [value for value in ordered if str(value) in texts]
    if not found or len(found) < len(texts):
        raise DesignError(f"{name} must name periods of the panel, got {wanted}; there are {ordered}.")
    return found


def _period_text(value: object) -> str:
    """A period as the panel writes it: 2021, 2021.0, "2021" and a pandas period of that year are one."""
    if isinstance(value, pd.Period):
        return str(plain_periods(pd.Series([value])).iloc[0])
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value)) if whole else str(value)  # type: ignore[call-overload]


def _pooled_names(panel: pd.DataFrame, counts: Sequence[str] | None) -> list[str]:
    names = [name for name in _POOLED if name in panel.columns] if counts is None else list(counts)
    need_columns(panel, names)
    require_once("counts", names)
    return names


def _chosen_rates(
    panel: pd.DataFrame, measures: Mapping[str, Rate] | Sequence[str] | None, *, default: bool
) -> dict[str, Rate | None]:
    """Name to counts, or to None for a column to be averaged."""
    if measures is None:
        return dict(computable_rates(panel)) if default else {}
    if isinstance(measures, Mapping):
        chosen: dict[str, Rate | None] = dict(measures)
    else:
        require_once("measures", list(measures))
        computable = computable_rates(panel)
        chosen = {name: computable.get(name) for name in measures}
    needed = [
        column
        for name, rate in chosen.items()
        for column in ((name,) if rate is None else (rate.numerator, *rate.denominator))
    ]
    need_columns(panel, needed)
    return chosen


def _carried(panel: pd.DataFrame, unit: str, leave: tuple[str, ...]) -> pd.DataFrame:
    """The unit-level columns, one row a unit in order of appearance; of a name the last."""
    names = [name for name in _CARRIED if name in panel.columns and name != unit]
    for name in names:
        if name != "unit_name":
            need_constant(panel, name, unit=unit)
    free = [name for name in panel.columns if isinstance(name, str) and not kind_of(name)]
    covariates = [name for name in free if name not in {unit, *leave} and is_constant(panel, name, unit=unit)]
    last = panel.drop_duplicates(unit, keep="last").set_index(unit)[[*names, *covariates]]
    return last.reindex(pd.Index(panel[unit].unique(), name=unit))


def _sums(panel: pd.DataFrame, column: str, window: list[Any], keys: tuple[str, str]) -> pd.Series:
    """Sum over a window by unit; missing unless every period is there with a value."""
    unit, period = keys
    inside = panel[period].isin(window)
    values = as_numbers(panel, [column])[column][inside]
    return values.groupby(panel.loc[inside, unit]).sum(min_count=len(window))


def _count_changes(
    panel: pd.DataFrame, count: str, windows: Mapping[str, list[Any]], keys: tuple[str, str]
) -> pd.DataFrame:
    """Columns of one count."""
    unit = keys[0]
    pre, post = (_sums(panel, count, windows[name], keys) for name in ("pre", "post"))
    units = pd.Index(panel[unit].unique(), name=unit)
    added = pd.DataFrame({f"{count}_pre": pre, f"{count}_post": post}, index=units)
    if windows["earlier"]:
        single = {f"{count}_earlier_{each}": _sums(panel, count, [each], keys) for each in windows["earlier"]}
        known = pd.DataFrame(single, index=units)
        added[f"{count}_earlier"] = known.mean(axis=1)
        added = added.join(known)
    rates = added[f"{count}_pre"] / len(windows["pre"]), added[f"{count}_post"] / len(windows["post"])
    added[f"{count}_difference"] = rates[1] - rates[0]
    positive = (rates[0] > 0) & (rates[1] > 0)
    added[f"{count}_log_ratio"] = np.log((rates[1] / rates[0]).where(positive))
    return added


def _rate_changes(
    panel: pd.DataFrame,
    name: str,
    rate: Rate | None,
    windows: Mapping[str, list[Any]],
    keys: tuple[str, str],
) -> pd.DataFrame:
    """Columns of one measure: the rate of the pooled counts, or the mean of a column."""
    ends = {}
    for end in ("pre", "post"):
        window = windows[end]
        if rate is None:
            ends[f"{name}_{end}"] = _sums(panel, name, window, keys) / len(window)
        else:
            parts = (rate.numerator, *rate.denominator)
            summed = pd.DataFrame({column: _sums(panel, column, window, keys) for column in parts})
            ends[f"{name}_{end}"] = rate_of(summed, rate)
    added = pd.DataFrame(ends)
    added[f"{name}_difference"] = added[f"{name}_post"] - added[f"{name}_pre"]
    return added
