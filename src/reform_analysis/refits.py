"""Refits of one estimate under variants of the data or the specification, read side by side.

What every check of a fit shares: the fit is a callable `fit(df, **spec) -> Estimates`, a variant is a frame
with a specification, and what each variant concludes is read off its p-value and direction alone.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd

from reform_analysis import waiting
from reform_analysis.estimates import (
    COLUMNS,
    CheckResult,
    DesignError,
    Estimates,
    Scale,
    StatisticalWarning,
    UntestableError,
    percent,
)
from reform_analysis.panel_texts import label
from reform_analysis.reliability import FEW_TREATED, UNRELIABLE
from reform_analysis.wording import LANGUAGES, Limit, catalogue, p_text, say

FALL, RISE, UNDECIDED, NOT_ESTIMATED = "fall", "rise", "undecided", "not estimated"


class Fit(Protocol):
    """A fit of one specification; keywords given here replace those it was built with."""

    def __call__(self, df: pd.DataFrame, /, **spec: Any) -> Estimates:
        """Return the estimates of `df` under `spec`."""


@dataclass(frozen=True, eq=False)
class Variant:
    """One refit.

    Parameters
    ----------
    name : str
        What is varied, in a word or two.
    data : DataFrame
        The rows to fit.
    spec : mapping of str to object
        Keywords passed to the fit.
    """

    name: str
    data: pd.DataFrame
    spec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Refits:
    """What the variants found.

    Parameters
    ----------
    frame : DataFrame
        Index `variant`; columns ``estimate, std_error, ci_low, ci_high, p_value, n_obs, conclusion, reason``.
        `conclusion` is "fall", "rise", "undecided" or "not estimated"; `reason` says why not.
    scale : str
        Scale of the estimates; a ratio means no effect at 1, everything else at 0.
    ci_level : float
        Level of the intervals; a conclusion is drawn where p is at most 1 less it.
    synthetic : bool
        True if any datum was made up.
    notes : tuple of str
        The statistical warnings of the fits, each once.
    unreliable : bool
        Whether the first fit said that no test by cluster is reliable: too few clusters hold treated, or
        never treated, units.
    """

    frame: pd.DataFrame
    scale: Scale
    ci_level: float
    synthetic: bool
    notes: tuple[str, ...]
    unreliable: bool = False

    def __getitem__(self, variant: str) -> pd.Series:
        return self.frame.loc[variant]


def null_value(scale: str) -> float:
    """Return the value that means no effect.

    Parameters
    ----------
    scale : str

    Returns
    -------
    float
        1 for a ratio, 0 for every other scale.

    Examples
    --------
    >>> null_value("rate_ratio"), null_value("difference")
    (1.0, 0.0)
    """
    return 1.0 if scale in ("rate_ratio", "odds_ratio") else 0.0


def concluded(estimate: float, p_value: float, *, scale: str, ci_level: float) -> str:
    """Return what one estimate concludes.

    Parameters
    ----------
    estimate, p_value : float
    scale : str
    ci_level : float

    Returns
    -------
    {"fall", "rise", "undecided", "not estimated"}

    Examples
    --------
    >>> concluded(0.6, 0.01, scale="rate_ratio", ci_level=0.95)
    'fall'
    """
    if np.isnan(estimate) or np.isnan(p_value):
        return NOT_ESTIMATED
    if p_value > 1 - ci_level:
        return UNDECIDED
    return FALL if estimate < null_value(scale) else RISE


def refit_all(fit: Fit, variants: Iterable[Variant], *, term: str | None = None) -> Refits:
    """Fit every variant and read one term of each.

    Parameters
    ----------
    fit : callable
        ``fit(df, **spec) -> Estimates``.
    variants : iterable of Variant
        In the order of the frame.
    term : str, optional
        Row of the estimates that is checked; by default the first.

    Returns
    -------
    Refits

    Raises
    ------
    DesignError
        If a fit returns no `Estimates` or has no such term, or variants are on different scales or levels.
    UntestableError
        If not one of the variants can be estimated.

    Notes
    -----
    A variant that the fit refuses (`DesignError`: nothing to test in its rows, a term that no longer varies)
    is a row of NaN with its reason. An error in the data is raised.
    """
    rows: dict[str, dict[str, Any]] = {}
    fitted, notes = list[Estimates](), dict[str, None]()
    with waiting.shown(variants, unit="fit") as each:
        for variant in each:
            try:
                estimates, warned = _quietly(fit, variant)
            except DesignError as refused:
                rows[variant.name] = _unread(str(refused))
                continue
            if not isinstance(estimates, Estimates):
                got = type(estimates).__name__
                raise DesignError(f"fit must return Estimates, got {got}; return what fit_poisson returns.")
            notes |= dict.fromkeys(warned)
            fitted.append(estimates)
            rows[variant.name] = _row(estimates, term)
    if not fitted:
        reasons = "; ".join(dict.fromkeys(str(row["reason"]).rstrip(".") for row in rows.values()))
        raise UntestableError(f"no variant could be estimated: {reasons or 'there was none'}.")
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")
    unreliable = any(note.endswith(UNRELIABLE) for note in fitted[0].notes)
    made_up = any(each.synthetic for each in fitted)
    return Refits(frame, *_common(fitted), made_up, tuple(notes), unreliable)


def _quietly(fit: Fit, variant: Variant) -> tuple[Estimates, list[str]]:
    """A fit and its statistical warnings, kept as notes: a check refits often and need not repeat them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", StatisticalWarning)
        estimates = fit(variant.data, **variant.spec)
    for other in (each for each in caught if not issubclass(each.category, StatisticalWarning)):
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    return estimates, [str(each.message) for each in caught if issubclass(each.category, StatisticalWarning)]


def _unread(reason: str) -> dict[str, Any]:
    return dict.fromkeys(COLUMNS, np.nan) | {"n_obs": 0, "conclusion": NOT_ESTIMATED, "reason": reason}


def _row(estimates: Estimates, term: str | None) -> dict[str, Any]:
    frame = estimates.to_frame()
    name = frame.index[0] if term is None else term
    if name not in frame.index:
        raise DesignError(f"term must be one of {list(frame.index)}, got {term!r}; name a term of the fit.")
    row = frame.loc[name]
    found = concluded(row["estimate"], row["p_value"], scale=estimates.scale, ci_level=estimates.ci_level)
    unread = "" if found != NOT_ESTIMATED else "the fit gives no estimate or no p-value"
    return {**row.to_dict(), "n_obs": estimates.n_obs, "conclusion": found, "reason": unread}


def _common(fitted: list[Estimates]) -> tuple[Scale, float]:
    """The one scale and the one level of all variants."""
    kinds = {(each.scale, each.ci_level) for each in fitted}
    if len(kinds) > 1:
        raise DesignError(
            f"variants must share one scale and level, got {sorted(kinds)}; fix them in the fit."
        )
    return kinds.pop()


def holm(p_values: pd.Series) -> pd.Series:
    """Return Holm-adjusted p-values; missing ones stay missing and do not count.

    Parameters
    ----------
    p_values : Series

    Returns
    -------
    Series

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> holm(pd.Series([0.01, float("nan"), 0.04])).tolist()
    [0.02, nan, 0.04]
    """
    # statsmodels' multipletests collects garbage in every call, which takes longer than the refits.
    known = p_values.astype(float).dropna()
    ordered = known.iloc[np.argsort(known.to_numpy(), kind="stable")]
    raised = np.maximum.accumulate(ordered.to_numpy() * np.arange(len(ordered), 0, -1))
    adjusted = pd.Series(np.nan, index=p_values.index, dtype=float)
    adjusted.loc[ordered.index] = np.minimum(raised, 1.0)
    return adjusted


def in_words(row: pd.Series, ci_level: float, *, excluded: bool = True) -> Callable[[str], str]:
    """Return a function that writes an estimate, its interval and its p-value in a language.

    Parameters
    ----------
    row : Series
        With ``estimate, ci_low, ci_high, p_value``.
    ci_level : float
    excluded : bool
        Whether a null result says which values it excludes.

    Returns
    -------
    callable
        Language to text. Without an interval the p-value stands alone; that there is none is said.
    """
    if np.isnan(row["estimate"]):
        return lambda language: say("check.estimate_none", language)
    values = {"estimate": row["estimate"], "p": p_text(row["p_value"])}
    if np.isnan(row[["ci_low", "ci_high"]].to_numpy(dtype=float)).any():
        return lambda language: say("check.estimate_only", language, **values)
    values |= {"level": percent(ci_level), "low": row["ci_low"], "high": Limit(row["ci_high"])}
    null, low = excluded and row["p_value"] > 1 - ci_level, row["ci_low"]
    key = f"check.estimate{('_open' if low in (0, -np.inf) else '_null') if null else ''}"
    least = f"{low:{'.2f' if round(low, 2) else '.2g'}}"
    return lambda language: say(key, language, least=least, **values)


def variant_name(name: object) -> Callable[[str], str]:
    """Return a function that writes the name of a variant, or of a column, in a language.

    Parameters
    ----------
    name : object
        A variant's name, as "without 2020", or a column's, as "losses"; any other name stays as it is.

    Returns
    -------
    callable
        Language to text.

    Examples
    --------
    >>> variant_name("without 2020")("zh"), variant_name("losses")("en")
    ('去除2020', 'Administrative litigation losses')
    """
    text = str(name)
    slug = f"check.variant_{text.replace(' ', '_')}"
    if slug in catalogue():
        return lambda language: say(slug, language)
    for start in ("at most ", "without "):
        if text.startswith(start):
            key = f"check.variant_{start.strip().replace(' ', '_')}"
            return lambda language: say(key, language, n=text.removeprefix(start))
    return lambda language: label(text, None, language)


def listed(names: Iterable[object]) -> Callable[[str], str]:
    """Return a function that writes names one after the other in a language.

    Parameters
    ----------
    names : iterable

    Returns
    -------
    callable
        Language to text.
    """
    texts = [variant_name(name) for name in names]
    return lambda language: say("check.and", language).join(text(language) for text in texts)


def in_both(key: str, **values: Any) -> dict[str, str]:
    """Return a sentence of the catalogue in both languages.

    Parameters
    ----------
    key : str
    **values
        Fields; one that can be called is called with the language.

    Returns
    -------
    dict of str to str
    """
    return {
        language: say(key, language, **{k: v(language) if callable(v) else v for k, v in values.items()})
        for language in LANGUAGES
    }


def joined(*parts: Mapping[str, str]) -> dict[str, str]:
    """Return sentences of both languages one after the other.

    Parameters
    ----------
    *parts : mapping of str to str

    Returns
    -------
    dict of str to str
        Chinese without a space between them, English with one.
    """
    spaces = {"zh": "", "en": " "}
    return {language: spaces[language].join(part[language] for part in parts) for language in LANGUAGES}


def as_check(
    name: str,
    found: Refits,
    *,
    passed: bool | None,
    sentences: Mapping[str, str],
    frame: pd.DataFrame | None = None,
    notes: tuple[str, ...] = (),
    variant: str = "",
) -> CheckResult:
    """Return a check made of refits; one whose tests are not reliable decides nothing, and says so.

    Parameters
    ----------
    name : str
    found : Refits
    passed : bool or None
    sentences : mapping of str to str
    frame : DataFrame, optional
        By default that of the refits.
    notes : tuple of str
        Stand before the warnings of the fits.
    variant : str
        As of `CheckResult`.

    Returns
    -------
    CheckResult
    """
    shown = found.frame if frame is None else frame
    verdict = None if passed is None or found.unreliable else bool(passed)
    if found.unreliable:
        sentences = joined(sentences, in_both("check.few_treated", n=FEW_TREATED))
    return CheckResult(name, verdict, sentences, shown, found.synthetic, (*notes, *found.notes), variant)
