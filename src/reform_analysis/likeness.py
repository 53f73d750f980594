"""Synthetic draws that take their size, level and spread from the data at hand, by the method of moments."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from reform_analysis import panel, simulate
from reform_analysis.association_question import number, periods_in
from reform_analysis.estimates import DesignError, UntestableError

_PRE, _POST = "2020", "2021"  # labels of the two windows in the draws


@dataclass(frozen=True)
class Likeness:
    """What the draws take from the data.

    Parameters
    ----------
    units, pilots : int
        Units, and pilots among them; all of one arm are one stratum.
    mean : float
        Mean count of a unit in the window before.
    change : float
        Mean count in the window after over `mean`.
    heterogeneity : float
        Variance of the lasting level of a unit, whose mean is 1.
    overdispersion : float
        Variance of a count over its mean, given the level.
    n_pre, n_post : int
        Periods of the windows.
    """

    units: int
    pilots: int
    mean: float
    change: float
    heterogeneity: float
    overdispersion: float
    n_pre: int = 1
    n_post: int = 1

    def draw(self, rate_ratio: float, rng: np.random.Generator) -> pd.DataFrame:
        """Return the changes of a synthetic draw.

        Parameters
        ----------
        rate_ratio : float
            Of the counts after, for one standard deviation of the dose.
        rng : numpy.random.Generator

        Returns
        -------
        DataFrame
            As `panel.changes` returns it, with the columns ``dose`` and ``losses_...``. SYNTHETIC.
        """
        drawn = simulate.draw_panel(
            effect=None,
            seed=rng,
            units=self.units,
            pilots=self.pilots,
            counties=1,
            cities=1,
            periods=(_PRE, _POST),
            adopted=_POST,
            mean=self.mean,
            trend=self.change,
            heterogeneity=self.heterogeneity,
            overdispersion=self.overdispersion,
            dose_effect=rate_ratio,
        )
        kept = drawn[["unit_id", "period", "pilot", "dose", "losses"]]
        kept.attrs = {
            "synthetic": True
        }  # pandas copies attrs deeply at every step: the scenario costs a tenth
        changes = panel.changes(kept, pre=_PRE, post=_POST, counts=["losses"])
        per_period = changes["losses_post"] / self.n_post - changes["losses_pre"] / self.n_pre
        return changes.assign(losses_difference=per_period)


def likeness(changes: pd.DataFrame, *, outcome: str, pilot: str = "pilot") -> Likeness:
    r"""Return, by the method of moments, what draws need to look like the data.

    With levels g of mean 1 and variance h, counts of variance f times their mean given g, and covariances
    within arms,

    .. math:: \hat h = \frac{\mathrm{cov}(y^{pre}, y^{post})}{\bar y^{pre} \bar y^{post}}, \qquad
              \hat f = \frac{s^2_{pre} + s^2_{post} - \hat h (\bar y_{pre}^2 + \bar y_{post}^2)}
                            {\bar y^{pre} + \bar y^{post}},

    cut off at 0 and 1. Identifying assumption: all that the two windows share is the lasting level.

    Parameters
    ----------
    changes : DataFrame
        As `panel.changes` returns it: ``{outcome}_pre, {outcome}_post`` and the pilot status.
    outcome : str
        Base name of a count.
    pilot : str
        Column of the pilot status, true or false.

    Returns
    -------
    Likeness
        Of the units whose two counts and status are known.

    Raises
    ------
    DataError
        If a column is missing or no number.
    UntestableError
        If there are fewer than four units, or no case in one of the windows.
    """
    arm = number(changes, pilot).dropna()
    pair = pd.DataFrame({end: number(changes, f"{outcome}_{end}") for end in ("pre", "post")})
    pair = pair.loc[arm.index].dropna()
    arm, means = arm.loc[pair.index], pair.mean()
    if len(pair) < 4 or not (means > 0).all():
        raise UntestableError(
            f"changes must hold at least four units and cases of {outcome!r} before and after, got "
            f"{len(pair)} units with {pair.sum().to_dict()}; nothing can be simulated from these."
        )
    within = pair - pair.groupby(arm).transform("mean")
    covariance = within.T @ within / (len(pair) - arm.nunique())
    shared = max(float(covariance.loc["pre", "post"] / means.prod()), 0.0)
    own = (np.trace(covariance) - shared * (means**2).sum()) / means.sum()
    return Likeness(
        units=len(pair),
        pilots=int((arm != 0).sum()),
        mean=float(means["pre"]),
        change=float(means["post"] / means["pre"]),
        heterogeneity=shared,
        overdispersion=max(float(own), 1.0),
        n_pre=_pooled(changes.loc[pair.index], "pre", outcome),
        n_post=_pooled(changes.loc[pair.index], "post", outcome),
    )


def _pooled(changes: pd.DataFrame, window: str, outcome: str) -> int:
    """The number of periods that a window pools, which has to be one for all units."""
    found = periods_in(changes, window, outcome=outcome).dropna().unique()
    if len(found) != 1:
        raise DesignError(
            f"changes must pool one number of periods {window}, got {sorted(found.tolist())}; "
            "take one call of panel.changes."
        )
    return int(found[0])
