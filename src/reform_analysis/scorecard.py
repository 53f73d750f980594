"""The page a referee reads first: what was asked and found, what would overturn it, how strong the design is.

Mediation is never read as causal here: an estimate by dose or by measure compares units that chose how much
of the reform to take up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from functools import partial
from html import escape

import pandas as pd

from reform_analysis.brief_numbers import briefly
from reform_analysis.conclusions import nothing_to_overturn
from reform_analysis.estimates import CheckResult, DesignError, Estimates
from reform_analysis.refits import FALL, NOT_ESTIMATED, concluded, in_both, in_words, joined, null_value
from reform_analysis.unexamined import MUST_DECIDE, NOT_RUN, not_run, unexamined
from reform_analysis.wording import LANGUAGES, catalogue, say

GROUPS: dict[str, tuple[str, ...]] = {
    "selection": ("baseline_shrinkage", "selection_simulation", "dose_on_baseline"),
    "common_trend": ("common_trend_bounds", "placebo_dates", "placebo_outcomes"),
    "denominator": ("exposure_choices", "displacement", "attribution"),
    "concentration": ("leave_one_out", "series_collapse"),
    "reporting": ("reconcile",),
    "controls": ("contamination",),
    "specification": ("timing_codings", "specification_curve", "oster_delta"),
}
REQUIRED = ("selection", "common_trend", "denominator")
# A pass of these alone answers no question: doses say nothing on how pilots were chosen, and placebos of few
# events find nothing whatever the trend.
_WEAK = ("dose_on_baseline", "placebo_dates", "placebo_outcomes")
_INFORMATION = ("matched",)  # never passes or fails
_PASSED = ("passed", "passed in part")
_STRENGTH = ("excluded_ratio", "detectable_ratio", "power")
_LIMITS = ("common_trend_bounds", "leave_one_out", "e_value", "oster_delta")


@dataclass(frozen=True, eq=False)
class Scorecard:
    """What a study has shown, and what would overturn it.

    Parameters
    ----------
    frame : DataFrame
        One row a check, in the order given: ``check, verdict, asked_zh, asked_en, found_zh, found_en``.
    groups : DataFrame
        Index ``group`` (the questions that decide): ``verdict`` ("passed", "passed in part" where
        another check stayed undecided or displacement
        was not examined, "failed", "for information", "not examined"), ``checks`` done,
        ``against`` (whether it keeps the fall from being shown).
    shown : bool
        Whether the fall is shown to be an effect.
    sentences : mapping of str to tuple of str
        Language to sentences; the first says whether the fall is shown to be an effect.
    synthetic : bool
    """

    frame: InitVar[pd.DataFrame]
    groups: pd.DataFrame
    shown: bool
    sentences: Mapping[str, tuple[str, ...]]
    synthetic: bool = False

    _frame: pd.DataFrame = field(init=False)

    def __post_init__(self, frame: pd.DataFrame) -> None:
        object.__setattr__(self, "_frame", frame.copy())

    def to_frame(self) -> pd.DataFrame:
        """Return the checks.

        Returns
        -------
        DataFrame
            A copy.
        """
        return self._frame.copy()

    def table(self, *, language: str = "en") -> pd.DataFrame:
        """Return the checks in words, to be printed.

        Parameters
        ----------
        language : {"zh", "en"}

        Returns
        -------
        DataFrame
            Columns: what was asked, the verdict, what was found.
        """
        verdicts = self._frame["verdict"].str.replace(" ", "_")
        columns = {
            "asked": self._frame[f"asked_{language}"],
            "verdict": [say(f"check.verdict_{verdict}", language) for verdict in verdicts],
            "found": self._frame[f"found_{language}"],
        }
        return pd.DataFrame({say(f"check.card_{key}", language): list(of) for key, of in columns.items()})

    def summary(self, *, language: str = "en") -> str:
        """Return the page as text; nothing is printed.

        Parameters
        ----------
        language : {"zh", "en"}

        Returns
        -------
        str
        """
        synthetic = "SYNTHETIC DATA.\n" if self.synthetic else ""
        lines = "\n".join(self.sentences[language])
        return f"{synthetic}{lines}\n{self._frame[['check', 'verdict']].to_string()}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        head = "<p>SYNTHETIC DATA.</p>" if self.synthetic else ""
        lines = "".join(f"<p>{escape(line)}</p>" for line in self.sentences["en"])
        return f"{head}{lines}{self.table().to_html(index=False)}"


def scorecard(results: Iterable[CheckResult], estimates: Estimates, *, term: str | None = None) -> Scorecard:
    """Return the page a referee reads first.

    A fall is called shown to be an effect only if the estimate itself concludes a fall, each of the three
    questions that can make one up (selection, common trend, denominator) was examined and no check of it
    failed, and no check of what the result rests on (few units, series, reporting, controls that were
    reformed too, codings and specifications) failed. Placebos and doses that pass do not answer a question
    alone: the bounds on a common trend must. Nor do exposures for displacement: it must have been examined,
    and full displacement excluded. A study without a column into which cases may have moved therefore shows
    no effect, however strong: leaving a column out never helps. Other questions need not have been examined,
    but the sentence that calls the fall an effect names each that was not.

    Parameters
    ----------
    results : iterable of CheckResult
        The checks, other questions than those among them; a check may come more than once, as one by unit
        and one by city.
    estimates : Estimates
        The result that was checked.
    term : str, optional
        Row of `estimates`; by default the first.

    Returns
    -------
    Scorecard

    Raises
    ------
    DesignError
        If no check is given, or `estimates` has no such term.

    Notes
    -----
    Where the estimate is undecided, checks of what would overturn it (`oster_delta`, `specification_curve`)
    are for information: there is nothing to overturn.

    "Shown" is short for: the estimate survives what was tried. No list of checks proves the assumption that
    pilots would otherwise have changed as the others did.
    """
    checks = list(results)
    if not checks:
        raise DesignError("results must hold at least one check, got none; run the checks first.")
    frame = estimates.to_frame()
    name = frame.index[0] if term is None else term
    if name not in frame.index:
        raise DesignError(f"term must be one of {list(frame.index)}, got {term!r}; name a term.")
    checks = [nothing_to_overturn(check, estimates, term=name) for check in checks]
    row = frame.loc[name]
    found = concluded(row["estimate"], row["p_value"], scale=estimates.scale, ci_level=estimates.ci_level)
    asked = [*checks, *not_run(checks)]
    groups = _groups(asked)
    shown = found == FALL and not groups["against"].any()
    first = _first(row, estimates, found, groups, asked)
    parts = [
        first,
        *_details(groups, asked),
        *_overturning(checks, shown),
        _strength(checks, groups, estimates),
        in_both("check.card_mediation"),
    ]
    sentences: dict[str, tuple[str, ...]] = {
        language: tuple(part[language] for part in parts) for language in LANGUAGES
    }
    synthetic = estimates.synthetic or any(check.synthetic for check in checks)
    return Scorecard(_table(checks), groups, shown, sentences, synthetic)


def _groups(checks: Sequence[CheckResult]) -> pd.DataFrame:
    """Verdict over each question: failed if any check failed, passed if one on the pilots passed.

    It is passed in part where another one, which might have, stayed undecided.
    """
    rows = {}
    for group, names in GROUPS.items():
        done = [check for check in checks if check.name in names]
        verdicts = {check.passed for check in done if check.passed is False or check.name not in _WEAK}
        undecided = _undecided(done)
        decided = "failed" if False in verdicts else _PASSED[bool(undecided)] if True in verdicts else ""
        ran = [check.name for check in done if NOT_RUN not in check.notes]
        verdict = decided or ("for information" if ran else NOT_RUN)
        unsettled = any(check.name in MUST_DECIDE for check in undecided)
        against = unsettled or _speaks_against(group, verdict)
        rows[group] = {"verdict": verdict, "checks": ", ".join(dict.fromkeys(ran)), "against": against}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


def _undecided(done: Sequence[CheckResult]) -> list[CheckResult]:
    """Those that might have passed or failed and did neither."""
    return [check for check in done if check.passed is None and check.name not in (*_WEAK, *_INFORMATION)]


def _speaks_against(group: str, verdict: str) -> bool:
    """A question that decides must have been answered; the others only must not have failed."""
    return verdict not in _PASSED if group in REQUIRED else verdict == "failed"


def _first(
    row: pd.Series, estimates: Estimates, found: str, groups: pd.DataFrame, checks: Sequence[CheckResult]
) -> dict[str, str]:
    """Whether the fall is shown to be an effect, with the numbers that speak for and against it."""
    estimate = in_words(row, estimates.ci_level, excluded=False)
    if found == NOT_ESTIMATED:
        return in_both("check.card_not_estimated")
    if found == FALL and not groups["against"].any():
        missing = unexamined(groups, checks)
        return in_both("check.card_shown", estimate=estimate, missing=lambda language: missing[language])
    fell = row["estimate"] < null_value(estimates.scale)
    key = "not_shown" if found == FALL else "undecided" if fell else "no_fall"
    if key == "undecided" and row["ci_low"] <= 0:
        key = "undecided_open"
    reasons = partial(_reasons, groups, checks)
    return in_both(f"check.card_{key}", estimate=estimate, smallest=float(row["ci_low"]), reasons=reasons)


def _named(groups: pd.DataFrame) -> list[str]:
    """The questions that must be answered, and those that speak against the result."""
    return [str(name) for name in groups.index if name in REQUIRED or groups.loc[name, "against"]]


def _details(groups: pd.DataFrame, checks: Sequence[CheckResult]) -> list[dict[str, str]]:
    """One sentence a question: why it matters, what was decided, and by which checks; no numbers."""
    return [_detail(name, groups.loc[name], checks) for name in _named(groups)]


def _said(group: pd.Series) -> str:
    """The verdict over a question in words: one that speaks against and did not fail is undecided."""
    open_ = group["against"] and group["verdict"] in ("for information", "passed in part")
    return "undecided" if open_ else str(group["verdict"])


def _detail(group: str, row: pd.Series, checks: Sequence[CheckResult]) -> dict[str, str]:
    done, key = [check for check in checks if check.name in GROUPS[group]], row["verdict"].replace(" ", "_")
    said = _said(row).replace(" ", "_")
    return {
        language: say(
            "check.card_detail",
            language,
            title=_capital(say(f"check.group_{group}", language)),
            verdict=say(f"check.verdict_{said}", language),
            stake=say(f"check.stake_{group}", language),
            decided=say(f"check.decided_{key}", language),
            checks=_by_verdict(done, language),
        ).rstrip()
        for language in LANGUAGES
    }


def _by_verdict(done: Sequence[CheckResult], language: str) -> str:
    """What the checks asked, each question once a verdict: what failed first, then what is undecided."""
    listed = []
    told = [(NOT_RUN if NOT_RUN in check.notes else check.verdict, check) for check in done]
    for verdict in ("failed", NOT_RUN, "for information", "passed"):
        alike = [check for each, check in told if each == verdict]
        if alike:
            asked = dict.fromkeys(_asked(check, language) for check in alike)
            said = say(f"check.verdict_{verdict.replace(' ', '_')}", language)
            values = {"verdict": _capital(said), "names": say("check.card_also", language).join(asked)}
            listed.append(say("check.card_asked_of", language, **values))
    return "".join(listed)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _asked(check: CheckResult, language: str) -> str:
    names = [f"check.asked_{name}" for name in (f"{check.name}_{check.variant}", check.name)]
    return next((say(key, language) for key in names if key in catalogue()), check.name)


def _reasons(groups: pd.DataFrame, checks: Sequence[CheckResult], language: str) -> str:
    texts = (_reason(name, _said(groups.loc[name]), checks, language) for name in _named(groups))
    return say("check.card_between", language).join(texts)


def _reason(group: str, verdict: str, checks: Sequence[CheckResult], language: str) -> str:
    """The question, its verdict, and what its failed checks found; else the first and the undecided ones."""
    done = [check for check in checks if check.name in GROUPS[group]]
    undecided = _undecided(done)
    first = [check for check in done[:1] if check not in undecided]
    must = [check for check in undecided if check.name in MUST_DECIDE]
    failed = [check for check in done if check.passed is False] or must or [*first, *undecided]
    inside = say("check.card_between", language).join(briefly(failed, language))
    values = {"title": say(f"check.group_{group}", language)}
    values["verdict"] = say(f"check.verdict_{verdict.replace(' ', '_')}", language)
    key = "check.card_reason" if inside else "check.card_no_reason"
    return say(key, language, **values, inside=inside)


def _overturning(checks: Sequence[CheckResult], shown: bool) -> list[dict[str, str]]:
    """What would overturn the conclusion: the limits of what was passed, every other check that failed."""
    decisive = {name for names in GROUPS.values() for name in names}
    limits = [check for check in checks if check.name in _LIMITS and check.passed is not False]
    failed = [check for check in checks if check.passed is False and (check.name not in decisive)]
    parts = []
    for key, group in {"limits": limits if shown else [], "failed": failed}.items():
        if group:
            texts = joined(*(check.sentences for check in group))
            parts.append(joined(in_both(f"check.card_{key}"), texts))
    return parts


def _strength(checks: Sequence[CheckResult], groups: pd.DataFrame, estimates: Estimates) -> dict[str, str]:
    """How strong the design is: sizes, checks by verdict, and what it could have found."""
    verdicts = pd.Series([check.verdict for check in checks]).value_counts()
    unexamined = int((groups.loc[list(REQUIRED), "verdict"] == "not examined").sum())
    counted = in_both(
        "check.card_strength",
        units=lambda language: _number(estimates.n_units, language),
        clusters=lambda language: _number(estimates.n_clusters, language),
        rows=f"{estimates.n_obs:,}",
        passed=int(verdicts.get("passed", 0)),
        failed=int(verdicts.get("failed", 0)),
        informing=int(verdicts.get("for information", 0)),
        unexamined=unexamined,
    )
    power = [check.sentences for check in checks if check.name in _STRENGTH]
    return joined(counted, *(power or [in_both("check.card_no_power")]))


def _number(value: int | None, language: str) -> str:
    return say("format.not_given", language) if value is None else f"{value:,}"


def _table(checks: Sequence[CheckResult]) -> pd.DataFrame:
    rows = [
        {
            "check": check.name,
            "verdict": check.verdict,
            **{f"asked_{lang}": _asked(check, lang) for lang in LANGUAGES},
            **{f"found_{lang}": check.sentences[lang] for lang in LANGUAGES},
        }
        for check in checks
    ]
    return pd.DataFrame(rows)
