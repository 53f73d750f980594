"""The comparison of the effect report: which rows it uses, what was left out, and how each fit is tried."""

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reform_analysis.comparison import Comparison, comparison, flags, listed
from reform_analysis.estimates import DesignError, Estimates, StatisticalWarning, UntestableError
from reform_analysis.measures import need_columns, need_filled
from reform_analysis.periods import date_parts, period_index
from reform_analysis.synthetic_mark import is_synthetic
from reform_analysis.treatment import treated_fraction

CLUSTERS = ("city", "county")  # the first that the panel has several of
TREATED = "treated"
SHARES = ("treated_share", "treated_share_next_month")


@dataclass(frozen=True, eq=False)
class Design:
    """Pilots against others, before and after.

    Parameters
    ----------
    frame : DataFrame
        Rows of the periods before and after, pilots and clean controls. Columns added: ``treated`` (0 or 1;
        1 for a pilot in a period after), ``treated_share`` and ``treated_share_next_month`` (share of the
        period under treatment, counted from the month of adoption and from the month that follows).
    outcome : str
    exposure : str or None
    before, after : tuple of str
        Periods.
    cluster : str
        Column of the level at which errors may depend on one another.
    dropped : DataFrame
        Columns ``arm, reason, n``.
    synthetic : bool
    """

    frame: pd.DataFrame
    outcome: str
    exposure: str | None
    before: tuple[str, ...]
    after: tuple[str, ...]
    cluster: str
    dropped: pd.DataFrame
    synthetic: bool

    @property
    def columns(self) -> dict[str, Any]:
        """Return the arguments that every fit of this comparison takes.

        Returns
        -------
        dict
            ``outcome, unit, period``.
        """
        return {"outcome": self.outcome, "unit": "unit_id", "period": "period"}

    @property
    def strata(self) -> str | None:
        """Return within what pilots may be assigned anew.

        Returns
        -------
        str or None
            The city, where the panel has several.
        """
        return CLUSTERS[0] if self.cluster == CLUSTERS[0] else None

    @property
    def completed(self) -> pd.DataFrame:
        """Return the frame with a row for every unit and period, those added without counts.

        A test that assigns pilot status anew has to know each unit's treatment in every period, also in one
        for which the unit has no row.

        Returns
        -------
        DataFrame
        """
        return _coded(completed(self.frame), list(self.after))

    def named(self, method: str) -> str:
        """Return the name of a method's result that takes the exposure, where there is one.

        Parameters
        ----------
        method : str

        Returns
        -------
        str
        """
        return f"{method}_rate" if self.exposure else method


def design(
    panel: pd.DataFrame,
    *,
    outcome: str,
    exposure: str | None,
    pre: Sequence[str],
    post: Sequence[str],
    other_pilot: str | None = None,
) -> Design:
    """Return the comparison of pilots with others in the periods before and after.

    Parameters
    ----------
    panel : DataFrame
        A validated panel with ``pilot`` and ``adopted``.
    outcome : str
        Column of counts.
    exposure : str or None
        Column of the denominator; rows are not left out for it here, each fit says what it leaves out.
    pre, post : sequence of str
        Periods. The last of `post` is the last clean period: a control that adopts by then is no control.
    other_pilot : str or None
        Column that flags units of another reform; controls among them are left out.

    Returns
    -------
    Design

    Raises
    ------
    DataError
        If a column is missing or breaks a rule, or a unit lacks its cluster.
    DesignError
        If periods overlap or are not in the panel, or a pilot has no date of adoption.
    UntestableError
        If no unit of an arm is left.
    """
    need_columns(panel, ["pilot", "adopted", *([exposure] if exposure else [])])
    before, after = listed("pre", list(pre)), listed("post", list(post))
    _require_periods(panel, before, after)
    found = comparison(
        panel,
        outcome=outcome,
        unit="unit_id",
        period="period",
        pilot=flags(panel, "pilot", unit="unit_id"),
        last_clean_period=max(after, key=lambda name: int(period_index(pd.Series([name])).iloc[0])),
        other_pilot=other_pilot,
    )
    found = found.only(found.frame["period"].isin([*before, *after]), "period in neither pre nor post")
    found = _clean_controls(found)
    cluster = next(
        (each for each in CLUSTERS if each in panel and len(panel[each].dropna().unique()) > 1), "unit_id"
    )
    need_filled(found.frame, cluster, unit="unit_id")
    return Design(
        frame=_coded(found.frame, after),
        outcome=outcome,
        exposure=exposure,
        before=tuple(before),
        after=tuple(after),
        cluster=cluster,
        dropped=found.dropped_frame,
        synthetic=is_synthetic(panel),
    )


def completed(frame: pd.DataFrame, *, also: Sequence[str] = ()) -> pd.DataFrame:
    """Return a panel with a row for every unit and period, those added without counts.

    Parameters
    ----------
    frame : DataFrame
    also : sequence of str
        Columns that are constant within units, beside pilot, adopted, county and city: their values are
        those of the unit's first row.

    Returns
    -------
    DataFrame
        The frame itself where no row is missing.
    """
    keys = ["unit_id", "period"]
    every = pd.MultiIndex.from_product([frame[key].unique() for key in keys], names=keys)
    added = every.difference(pd.MultiIndex.from_frame(frame[keys])).to_frame(index=False)
    if added.empty:
        return frame
    fixed = [name for name in ("pilot", "adopted", "county", "city", *also) if name in frame]
    added = added.join(frame.groupby("unit_id")[fixed].first(), on="unit_id")
    found = pd.concat([frame, added], ignore_index=True)
    found.attrs = frame.attrs
    return found


def _require_periods(panel: pd.DataFrame, before: list[Any], after: list[Any]) -> None:
    there = sorted(panel["period"].unique())
    unknown = [name for name in [*before, *after] if name not in there]
    if unknown or set(before) & set(after):
        raise DesignError(
            f"pre and post must name different periods of the panel, got {before} and {after}; the panel "
            f"has {there}: choose among them."
        )


def _clean_controls(found: Comparison) -> Comparison:
    """Leave out controls that adopt in the periods used."""
    adopts = treated_fraction(found.frame, coding="binary") > 0
    unit = found.frame["unit_id"]
    contaminated = ~found.pilot & adopts.groupby(unit).transform("any")
    return found.only(~contaminated, "control adopted in the periods used")


def _coded(frame: pd.DataFrame, after: list[Any]) -> pd.DataFrame:
    pilot = frame["pilot"].astype(bool)
    undated = frame.loc[pilot & (frame["adopted"].fillna("") == ""), "unit_id"].unique()
    if len(undated):
        raise DesignError(
            f"every pilot must have a date in 'adopted', {len(undated)} have none, as {undated[0]!r}; add it."
        )
    share = treated_fraction(frame).where(pilot, 0.0)
    early = share[~frame["period"].isin(after)]
    if (early > 0).any():
        raise DesignError(
            f"pre must hold periods before adoption, {int((early > 0).sum())} of its rows are treated; "
            "move these periods to post."
        )
    later = treated_fraction(frame.assign(adopted=frame["adopted"].map(_next_month))).where(pilot, 0.0)
    treated = (pilot & frame["period"].isin(after)).astype(float)
    return frame.assign(**{TREATED: treated}, **dict(zip(SHARES, (share, later), strict=True)))


def _next_month(adopted: object) -> str:
    """The month after that of a date; empty if never. A year alone is refused before."""
    parts = date_parts(adopted)
    if parts is None or parts[1] is None:
        return "" if parts is None else str(parts[0])
    return f"{parts[0] + parts[1] // 12:04d}-{parts[1] % 12 + 1:02d}"


def attempt(fit: Callable[..., Estimates], frame: pd.DataFrame, **options: Any) -> Estimates | None:
    """Return what a fit finds, or None where the data hold nothing to test.

    Parameters
    ----------
    fit : callable
        As `counts.fit_poisson` or `did.two_by_two`.
    frame : DataFrame
    **options
        Arguments of `fit`.

    Returns
    -------
    Estimates or None

    Raises
    ------
    DataError, DesignError
        As `fit`, but for `UntestableError`.

    Warns
    -----
    StatisticalWarning
        What `fit` warns of, but for the cautions that the report itself prints (`cautions`).
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = fit(frame, **options)
        except UntestableError:
            found = None
    for each in caught:
        if not (issubclass(each.category, StatisticalWarning) and caution(str(each.message))):
            warnings.warn(each.message, each.category, stacklevel=2)
    return found


_CAUTIONS = {
    "few_clusters": r"few clusters: (?P<n>\d+), .*",
    "few_treated": r"few clusters with (?:treated units|pilots): (?P<n>\d+)\b.*",
    "few_never_treated": r"few clusters with never treated units: (?P<n>\d+) .*",
    "little_information": r"little information: (?P<n>\d+) events for (?P<parameters>\d+) .*",
    "open_interval": r"no bound on a side for .*",
    "normal_bounds": r"The intervals take the coefficients as normal, .* with (?P<n>\d+) clusters they .*",
}


def caution(note: str) -> tuple[str, dict[str, str]] | None:
    """Return the name and the numbers of a note that says what makes a result doubtful.

    Parameters
    ----------
    note : str
        Of `Estimates.notes`.

    Returns
    -------
    (str, dict of str to str) or None
        None for any other note.
    """
    for name, form in _CAUTIONS.items():
        found = re.fullmatch(form, note)
        if found:
            return name, found.groupdict()
    return None


def with_and_without(
    fit: Callable[..., Estimates], found: Design, *, method: str, **options: Any
) -> dict[str, Estimates | None]:
    """Return what a fit finds without the exposure and, where the design has one, with it.

    Parameters
    ----------
    fit : callable
        As for `attempt`, with an argument `exposure`.
    found : Design
    method : str
        Name of the first result; that of the second ends in ``_rate``.
    **options
        Arguments of `fit`, beside those that the design gives.

    Returns
    -------
    dict of str to Estimates or None
    """
    asked = {method: None, found.named(method): found.exposure}
    return {
        name: attempt(fit, found.frame, exposure=exposure, **found.columns, **options)
        for name, exposure in asked.items()
    }
