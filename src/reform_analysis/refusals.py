"""Refusals in the language of a report: what a fit or a check says of data that it cannot use.

Errors speak English, to whoever calls a function. Those that plausible panels meet have a sentence in both
languages in the catalogue; the part of the message that names the rule finds it.
"""

from reform_analysis.wording import say

_KNOWN = {  # the first part that a message holds counts
    "pre must hold at least": "few_pre",
    "n_pre must leave a period": "few_periods",
    "needs at least two periods before": "few_periods",
    "mbar must be given for smoothness": "few_bends",
    "vcov must have full rank": "few_clusters_for_bounds",
    "must be consecutive with the reference": "gap",
    "the event study must have events in both arms": "no_event_study",
    "coefficients and vcov must be finite": "no_event_study",
    "must have events in two periods before": "few_levels",
    "must have a base-period level that varies": "same_levels",
    "no control is flagged": "no_contamination",
    "must have rows of both arms": "one_arm",
    "must have units that are never treated": "one_arm",
    "separate all events": "separated",
    "must vary where there are events": "no_events_of_arm",
    "must vary beside": "no_variation",
    "must leave units with events": "no_events",
    "must have events in at least two periods": "no_events",
    "must have events in units": "no_events",
    "must leave rows with every value known": "no_rows",
    "must be separate periods of the panel": "no_values",
    "must name periods of the panel": "no_values",
    "must both name periods of the panel": "no_values",
    "must vary around what units": "fitted_exactly",
    "must have two values or more in the rows used": "one_cluster",
    "must leave more rows than parameters": "few_rows",
    "rows without missing values": "few_rows",
    "must have at least three groups": "few_groups",
    "must be at least two units with an event": "few_events",
    "both arms must have events": "few_events",
    "must have an event": "few_events",
    "must have a row in every period": "few_complete",
    "must span the target": "no_overlap",
    "must vary each given the others": "collinear_controls",
    "outcome must vary": "same_outcome",
    "must leave another assignment": "no_assignment",
    "must differ between units": "no_assignment",
    "must hold a loss": "no_losses_either",
    "must give groups with counted losses": "no_losses_either",
    "needs rows before and after in two groups": "no_losses_either",
    "must converge": "no_convergence",
    "did not converge": "no_convergence",
    "could be estimated: there was none": "none_estimated",
}


def refusal(message: str, language: str) -> str:
    """Return what an error says of the data, in words.

    Parameters
    ----------
    message : str
        Of a `DesignError`, or of one that quotes it.
    language : {"zh", "en"}

    Returns
    -------
    str
        Empty where the catalogue has no sentence for it.

    Examples
    --------
    >>> refusal("by 'city' must have at least three groups, got 2; take units.", "en")
    'There are fewer than three groups to leave out.'
    >>> refusal("seed must be whole, got 'a'.", "en")
    ''
    """
    return next((say(f"robustness.{key}", language) for part, key in _KNOWN.items() if part in message), "")
