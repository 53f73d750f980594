"""Association of doses with the change of an outcome between units, with permutation and multiplicity.

One call is one family: all measures are tested on the same units and the same permutations. What an
association is not: an effect. A dose may answer earlier losses, and counts that were high by chance fall by
themselves; so every result carries the doses' association with the base year, and the test repeated with
the base year left out.
"""

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from reform_analysis import grouped_ranks, influence, permutation, split_score, waiting
from reform_analysis.association_data import Sample, base_sample, main_sample, without_base_sample
from reform_analysis.association_question import Asked
from reform_analysis.estimates import (
    COLUMNS,
    DesignError,
    Estimates,
    StatisticalWarning,
    require_choice,
    require_level,
    require_whole_number,
)
from reform_analysis.permutation import Floats

Method = Literal["spearman", "kendall", "pearson", "partial", "poisson_score"]
METHODS: tuple[Method, ...] = ("spearman", "kendall", "pearson", "partial", "poisson_score")

_NAMES = {
    "spearman": "Spearman rank correlation",
    "kendall": "Kendall tau-b",
    "pearson": "Pearson correlation",
    "partial": "Partial correlation (Pearson, of residuals)",
    "poisson_score": "Conditional Poisson association, per standard deviation of the dose",
}
_NO_SPREAD = 1e-12
_CELLS = 2**16


@dataclass(frozen=True, eq=False, repr=False)
class Association(Estimates):
    """Estimates of an association, with the two that show what the base year does to it.

    Parameters
    ----------
    base_year : Estimates or None
        Each dose against the outcome's base-year level. None where `changes` lacks it or it does not vary.
    without_base_year : Estimates or None
        The same test with the average of earlier years in place of the base year. None likewise.

    See Also
    --------
    Estimates : The fields that come before these.
    """

    base_year: Estimates | None = field(default=None, kw_only=True)
    without_base_year: Estimates | None = field(default=None, kw_only=True)

    def summary(self) -> str:
        """Return all three tables as text.

        Returns
        -------
        str
        """
        parts = [super().summary()]
        for name in ("base_year", "without_base_year"):
            table = getattr(self, name)
            if table is not None:
                parts.append(f"{name}: {table.summary()}")
        return "\n\n".join(parts)


def association(
    changes: pd.DataFrame,
    *,
    measures: Sequence[str],
    outcome: str,
    exposure: str | None = None,
    covariates: Sequence[str] = (),
    method: Method = "spearman",
    strata: str | Sequence[str] | None = None,
    cluster: str | None = None,
    pilot: str = "pilot",
    draws: int = 9999,
    seed: int | np.random.Generator,
    ci_level: float = 0.95,
) -> Association:
    """Test whether an outcome changed more where a dose was larger.

    Identifying assumption of the p-values: given its stratum, a unit's dose (a whole cluster's, where
    `cluster` is given) could as well have been another's. Of the intervals: the studentised statistic is
    distributed as it is under permutation. Neither makes the association causal.

    Parameters
    ----------
    changes : DataFrame
        One row a unit, as `panel.changes` returns it.
    measures : sequence of str
        Columns that hold the doses. They are the family.
    outcome : str
        Base name: ``{outcome}_difference`` is correlated; "poisson_score" (and any method with `exposure`)
        uses ``{outcome}_pre`` and ``{outcome}_post``; ``{outcome}_earlier`` replaces the base year.
    exposure : str, optional
        Base name of the denominator. The correlations then take the difference of the rates.
    covariates : sequence of str
        Numeric columns held fixed; for "partial" (required) and "poisson_score".
    method : {"spearman", "kendall", "pearson", "partial", "poisson_score"}
    strata : str or sequence of str, optional
        Columns within whose values doses are permuted, beside the pilot status.
    cluster : str, optional
        Column of the level at which the dose was assigned or at which units depend on one another.
    pilot : str
        Column of the pilot status. It is a stratum wherever it is there; another name than "pilot" has to be.
    draws : int
        Permutations, at least 99.
    seed : int or numpy.random.Generator
    ci_level : float

    Returns
    -------
    Association
        One term a measure. `std_error` is cluster-robust; `p_value` is by permutation of the studentised
        statistic; the interval inverts the same test with its critical value, so that it holds 0 (1 for a
        ratio) exactly where p exceeds ``1 - ci_level``. `adjusted_p` has ``holm, bh, max_t``. Scale
        "correlation"; "rate_ratio" per standard deviation of the dose for "poisson_score".

    Raises
    ------
    DataError
        If a column is missing or not numeric.
    DesignError
        If an argument breaks its rule, a measure shares its denominator with the outcome, a measure or the
        outcome does not vary within strata, or fewer than four units are left.

    Notes
    -----
    With strata, ranks are those of all units, less their stratum means; tau-b takes the pairs within strata.
    Without strata the estimates are scipy's. Units with a missing value in any column used are left out of
    the whole family and reported. With many units Spearman's standard error comes from grouped ranks
    (`grouped_ranks`).

    References
    ----------
    DiCiccio and Romano (2017), Journal of the American Statistical Association 112, 1211-1220.
    Westfall and Young (1993), Resampling-Based Multiple Testing.
    """
    require_level(ci_level)
    _require_draws(draws, seed)
    if ci_level * (draws + 1) > draws:
        raise DesignError(f"draws must be at least 1 / (1 - ci_level) - 1, got {draws}; draw more.")
    require_choice("method", method, METHODS)
    asked = Asked.of(
        changes,
        measures=measures,
        outcome=outcome,
        exposure=exposure,
        covariates=covariates,
        method=method,
        strata=strata,
        cluster=cluster,
        pilot=pilot,
    )

    settled: dict[str, Any] = {"draws": draws, "seed": seed, "ci_level": ci_level}
    main = _estimates(main_sample(asked), **settled)
    samples = {"base_year": base_sample(asked), "without_base_year": without_base_sample(asked)}
    beside = {name: _estimates(sample, **settled) if sample else None for name, sample in samples.items()}
    return _with_notes(main, beside)


def p_values(
    changes: pd.DataFrame,
    *,
    measures: Sequence[str],
    outcome: str,
    exposure: str | None = None,
    covariates: Sequence[str] = (),
    method: Method = "spearman",
    strata: str | Sequence[str] | None = None,
    cluster: str | None = None,
    pilot: str = "pilot",
    draws: int = 9999,
    seed: int | np.random.Generator,
) -> pd.Series:
    """Return the p-values of `association` alone, for simulations: no intervals and no base-year tables.

    Parameters
    ----------
    changes : DataFrame
    measures : sequence of str
    outcome : str
    exposure : str, optional
    covariates : sequence of str
    method : {"spearman", "kendall", "pearson", "partial", "poisson_score"}
    strata : str or sequence of str, optional
    cluster : str, optional
    pilot : str
    draws : int
    seed : int or numpy.random.Generator
        All as in `association`, whose identifying assumption holds here too.

    Returns
    -------
    Series
        Index `term`: the measures. The numbers are those of `association` with the same seed.

    Raises
    ------
    DataError, DesignError
        As `association`.
    """
    _require_draws(draws, seed)
    require_choice("method", method, METHODS)
    asked = Asked.of(
        changes,
        measures=measures,
        outcome=outcome,
        exposure=exposure,
        covariates=covariates,
        method=method,
        strata=strata,
        cluster=cluster,
        pilot=pilot,
    )
    sample = main_sample(asked)
    observed, drawn = _tested(sample, draws=draws, seed=seed)
    terms = pd.Index(list(sample.doses), name="term")
    return pd.Series(permutation.p_values(observed.statistic, drawn), index=terms, name="p_value")


def _require_draws(draws: int, seed: object) -> None:
    require_whole_number("draws", draws, least=99)
    if not isinstance(seed, np.random.Generator):
        require_whole_number("seed", seed)


def _with_notes(main: Estimates, beside: dict[str, Estimates | None]) -> Association:
    """Join the tables; what could not be computed is said in the notes."""
    absent = [
        f"{name}: not computed, no such column or no variation" for name in beside if beside[name] is None
    ]
    kept = [each.name for each in dataclasses.fields(main) if each.init]
    fields: dict[str, Any] = {"frame": main.to_frame()} | {name: getattr(main, name) for name in kept}
    fields["notes"] = (*main.notes, *absent)
    return Association(**fields, base_year=beside["base_year"], without_base_year=beside["without_base_year"])


def _estimates(sample: Sample, *, draws: int, seed: int | np.random.Generator, ci_level: float) -> Estimates:
    """One family on one sample."""
    design = sample.design
    observed, drawn = _tested(sample, draws=draws, seed=seed)
    statistic = observed.statistic
    critical = permutation.critical_values(drawn, level=ci_level)
    rejected = permutation.exceeds(statistic, critical)
    if sample.split is None:
        each = zip(observed.estimate, observed.std_error, critical, rejected, strict=True)
        rows = [
            _correlation_row(float(r), float(error), float(size), bool(no)) for r, error, size, no in each
        ]
    else:
        tests = zip(sample.doses, critical, rejected, strict=True)
        rows = [_ratio_row(sample, name, float(size), bool(no)) for name, size, no in tests]
    terms = pd.Index(list(sample.doses), name="term")
    moved = "" if design.cluster is None else " of whole clusters"
    frame = pd.DataFrame(rows, index=terms, columns=list(COLUMNS[:4]))
    frame["p_value"] = permutation.p_values(statistic, drawn)
    return Estimates(
        frame=frame,
        scale="correlation" if sample.split is None else "rate_ratio",
        ci_level=ci_level,
        method=f"{_NAMES[sample.method]}; {sample.label}; studentised permutation{moved}, {draws} draws",
        n_obs=sample.n_obs,
        n_units=len(design.stratum),
        n_clusters=None if design.cluster is None else int(design.cluster.max()) + 1,
        adjusted_p=permutation.adjusted(statistic, drawn).set_axis(terms),
        dropped=sample.dropped,
        synthetic=sample.synthetic,
        notes=(*sample.notes, *_open_notes(frame)),
    )


def _tested(
    sample: Sample, *, draws: int, seed: int | np.random.Generator
) -> tuple[influence.Studentised, Floats]:
    """Statistics of the measures as they stand, and under permutation."""
    kernels = _kernels(sample)
    alone = np.arange(len(sample.design.stratum))[None, :]
    found = [kernel.statistics(alone) for kernel in kernels]
    observed = influence.Studentised(
        *(np.concatenate([*map(np.ravel, each)]) for each in zip(*found, strict=True))
    )
    return observed, _draw(sample, kernels, draws=draws, rng=np.random.default_rng(seed))


def _open_notes(frame: pd.DataFrame) -> list[str]:
    """Say, and warn once, which terms have no interval."""
    open_terms = frame.index[frame["ci_low"].isna()].tolist()
    if not open_terms:
        return []
    note = f"no interval for {open_terms}: the units are perfectly ordered or separated by the dose"
    warnings.warn(note, StatisticalWarning, stacklevel=4)
    return [note]


Kernel = influence.Product | influence.Kendall | grouped_ranks.GroupedRanks | split_score.Score


def _kernels(sample: Sample) -> list[Kernel]:
    """One kernel a measure, or one for all of them."""
    design, off, split = sample.design, sample.off, sample.split
    if split is not None:
        return [split_score.score(split, dose) for dose in sample.doses.values()]
    kinds: dict[str, influence.Kind] = {"spearman": "spearman", "kendall": "kendall"}
    kind = kinds.get(sample.method, "pearson")
    y = influence.margin(sample.response, kind=kind, off=off)
    doses = [influence.margin(values, kind=kind, off=off) for values in sample.doses.values()]
    if kind == "kendall":
        return [influence.Kendall(x, y, design) for x in doses]
    if kind == "spearman" and grouped_ranks.pays(design):
        in_x, in_y = (tuple(grouped_ranks.side(each, design) for each in sides) for sides in (doses, [y]))
        return [grouped_ranks.GroupedRanks(tuple(doses), y, in_x, in_y[0], design)]
    ranked = kind == "spearman"
    return [influence.Product(x, y, design, off, ranked=ranked, project=sample.project) for x in doses]


def _draw(sample: Sample, kernels: list[Kernel], *, draws: int, rng: np.random.Generator) -> Floats:
    """Statistics of every kernel under the same permutations, a block at a time."""
    n = len(sample.design.stratum)
    rows = max(1, _CELLS // n)
    donors = permutation.donors(sample.design, draws=draws, rng=rng, rows=rows)
    with waiting.shown(donors, total=-(-draws // rows), unit="block") as each:
        blocks = [
            np.column_stack([kernel.statistics(donor).statistic for kernel in kernels]) for donor in each
        ]
    return np.concatenate(blocks)


def _correlation_row(r: float, error: float, critical: float, rejected: bool) -> list[float]:
    """Estimate, standard error and the interval on Fisher's scale."""
    if abs(r) == 1 or error < _NO_SPREAD:
        return [r, np.nan, np.nan, np.nan]
    reach = critical * error / (1 - r**2)
    ends = (float(np.tanh(np.arctanh(r) + side * reach)) for side in (-1, 1))
    return [r, error, *permutation.agreeing(*ends, null=0.0, rejected=rejected)]


def _ratio_row(sample: Sample, name: str, critical: float, rejected: bool) -> list[float]:
    split, dose = sample.split, sample.doses[name]
    assert split is not None
    fitted = split_score.fit(split, dose)
    found = split_score.interval(split, dose, fitted=fitted, critical=critical, null_rejected=rejected)
    ends = (float(np.exp(end)) for end in found)
    agreed = permutation.agreeing(*ends, null=1.0, rejected=rejected)
    return [float(np.exp(fitted.estimate)), fitted.std_error, *agreed]
