"""How often tests of drawn samples reject: shares with exact Monte Carlo intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from reform_analysis.estimates import COLUMNS, Estimates


def rejections(
    found: Mapping[float, Sequence[float]],
    *,
    level: float,
    ci_level: float,
    method: str,
    clusters: int | None = None,
) -> Estimates:
    """Return the shares of p-values up to a level.

    Parameters
    ----------
    found : mapping of float to sequence of float
        P-values of the draws at each rate ratio, NaN where a draw held nothing to test: it counts as not
        rejected. All ratios have the same number of draws.
    level : float
        A p-value up to this rejects.
    ci_level : float
        Level of the interval (Clopper-Pearson).
    method : str
    clusters : int, optional
        Of the test.

    Returns
    -------
    Estimates
        Scale "proportion", one term a ratio; `n_obs` is the number of draws, `std_error` the Monte Carlo
        error; notes say how many draws had no p-value.
    """
    draws = len(next(iter(found.values())))
    rows = [_share(sum(p <= level for p in values), draws, ci_level) for values in found.values()]
    index = pd.Index([f"{ratio:g}" for ratio in found], name="term")
    undefined = {ratio: sum(np.isnan(p) for p in values) for ratio, values in found.items()}
    return Estimates(
        frame=pd.DataFrame(rows, index=index, columns=list(COLUMNS)),
        scale="proportion",
        ci_level=ci_level,
        method=method,
        n_obs=draws,
        n_clusters=clusters,
        synthetic=True,
        notes=tuple(
            f"ratio {ratio:g}: no p-value in {n} of {draws} panels" for ratio, n in undefined.items() if n
        ),
    )


def _share(found: int, draws: int, ci_level: float) -> tuple[float, ...]:
    ends = stats.binomtest(int(found), draws).proportion_ci(ci_level, method="exact")
    share = found / draws
    return share, float(np.sqrt(share * (1 - share) / draws)), float(ends.low), float(ends.high), np.nan
