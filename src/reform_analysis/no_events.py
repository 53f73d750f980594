"""An arm of a comparison without any event: nothing to compare, and the exact test of the totals."""

from reform_analysis import did
from reform_analysis.effect_design import Design, attempt
from reform_analysis.panel_texts import label
from reform_analysis.wording import p_text, ratio_text, say


def nothing_to_compare(design: Design, *, language: str = "en") -> tuple[str, ...]:
    """Return that an arm has no event in any period used, so that no change of it can be told.

    With no event in an arm every ratio of the arms' changes fits the data equally well: the unit effects of
    a Poisson model take up the zeros, and given its margins the table of the four totals has one outcome.

    Parameters
    ----------
    design : Design
    language : {"zh", "en"}

    Returns
    -------
    tuple of str
        What is missing, and the exact test of the four totals. Empty where both arms have events.
    """
    pilot = design.frame["pilot"].astype(bool)
    arms = {"pilots": design.frame[pilot], "others": design.frame[~pilot]}
    totals = {name: float(rows[design.outcome].sum()) for name, rows in arms.items()}
    empty = [name for name, total in totals.items() if not total]
    if not empty:
        return ()
    key = "both" if len(empty) == len(arms) else empty[0]
    units = {name: f"{rows['unit_id'].nunique():,}" for name, rows in arms.items()}
    events = {f"{name}_events": f"{total:,.0f}" for name, total in totals.items()}
    periods = say("format.list", language).join([*design.before, *design.after])
    outcome = label(design.outcome, None, language)
    said = say(f"no_events.{key}", language, outcome=outcome, periods=periods, **units, **events)
    return said, *_exact(design, language)


def _exact(design: Design, language: str) -> tuple[str, ...]:
    """The exact test of the four totals, where units with every period leave both arms."""
    windows = {"pre": list(design.before), "post": list(design.after)}
    asked = {**design.columns, "treatment": "pilot", "exposure": design.exposure}
    found = attempt(did.two_by_two, design.frame, **asked, **windows)
    if found is None:
        return ()
    row = found.to_frame().iloc[0]
    ends = {name: ratio_text(row[f"ci_{name}"]) for name in ("low", "high")}
    return (say("no_events.exact", language, p=p_text(row["p_value"]), **ends),)
