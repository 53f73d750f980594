"""What no check could examine: a question without its column must not count as one that was answered."""

from collections.abc import Sequence

import pandas as pd

from reform_analysis.estimates import CheckResult
from reform_analysis.refits import in_both
from reform_analysis.wording import LANGUAGES, say

MUST_DECIDE = ("displacement",)
NOT_RUN = "not examined"
# Questions of their own within a group: another check of the group does not answer for them.
_OWN: dict[str, tuple[str, ...]] = {
    "selection": ("baseline_shrinkage",),
    "common_trend": ("placebo_outcomes",),
    "denominator": ("exposure_choices", "displacement", "attribution"),
    "concentration": ("leave_one_out", "series_collapse"),
}


def not_run(checks: Sequence[CheckResult]) -> list[CheckResult]:
    """Return a stand-in, undecided, for each check that must decide and was not run.

    A study that leaves out the column which a check needs then stands no better than one whose check
    decides nothing.

    Parameters
    ----------
    checks : sequence of CheckResult
        Those that ran.

    Returns
    -------
    list of CheckResult
        Without verdict; their notes hold "not examined".
    """
    done = {check.name for check in checks}
    return [
        CheckResult(name, None, in_both(f"check.not_run_{name}"), pd.DataFrame(), notes=(NOT_RUN,))
        for name in MUST_DECIDE
        if name not in done
    ]


def unexamined(groups: pd.DataFrame, checks: Sequence[CheckResult]) -> dict[str, str]:
    """Return the end of a sentence that names every question which no check examined.

    Parameters
    ----------
    groups : DataFrame
        Index: the groups of the scorecard; column ``verdict``.
    checks : sequence of CheckResult
        Those that ran.

    Returns
    -------
    dict of str to str
        Language to text; empty where all was examined.
    """
    done = {check.name for check in checks if NOT_RUN not in check.notes}
    keys: list[str] = []
    for group, verdict in groups["verdict"].items():
        own = [f"check.own_{name}" for name in _OWN.get(str(group), ()) if name not in done]
        keys += [f"check.group_{group}"] if verdict == NOT_RUN else own
    if not keys:
        return dict.fromkeys(LANGUAGES, "")
    return {
        language: say(
            "check.card_unexamined",
            language,
            names=say("check.and", language).join(say(key, language) for key in keys),
        )
        for language in LANGUAGES
    }
