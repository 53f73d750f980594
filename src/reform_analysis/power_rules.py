"""Rules of the arguments of the formula for the smallest ratio detected."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reform_analysis.estimates import DataError, require_level, require_number, require_whole_number


def check_design(given: Mapping[str, Any]) -> None:
    """Hold the arguments of `power.detectable_ratio` against their rules.

    Parameters
    ----------
    given : mapping of str to object

    Raises
    ------
    DataError
        If one breaks its rule.
    """
    for name in ("pilots", "pre", "post"):
        require_whole_number(name, given[name], least=1)
    for name, what in (("mean", "losses"), ("exposure", "the exposure")):
        require_number(name, given[name], above=0, way_out=f"pass {what} of a unit and period.")
    if not given["dose"]:  # controls play no part in that of a dose
        _check_controls(given["controls"], given["control_mean"])
    _require_at_least_one(given, "inflation", "cluster_size")
    _check_observed(given["observed"])
    if given["icc"] != 0:
        require_number("icc", given["icc"], above=0, below=1, way_out="pass 0 for none.")
    size = 1 - require_level(given["ci_level"])  # a test finds no effect that often
    require_number("power", given["power"], above=size, below=1, way_out="pass 0.8 for 80%.")


def _check_controls(controls: Any, mean: Any) -> None:
    """Either none that adds noise, or a number of units and their level."""
    if mean is not None:
        require_number("control_mean", mean, above=0, way_out="leave it out for the mean.")
    if controls is None:
        raise DataError("controls must be a whole number of at least 1 or infinite, got None; leave it out.")
    if controls != np.inf:
        require_whole_number("controls", controls, least=1)


def _require_at_least_one(given: Mapping[str, Any], *names: str) -> None:
    for name in names:
        value = given[name]
        if not _numeric(value) or not 1 <= value < np.inf:
            raise DataError(f"{name} must be a finite number of at least 1, got {value!r}; pass 1 for none.")


def _numeric(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _check_observed(observed: Any) -> None:
    four = isinstance(observed, Sequence) and len(observed) == 4 and all(map(_numeric, observed))
    if not four or not all(0 < share <= 1 for share in observed):
        rule = "four shares above 0 and up to 1, of pilots before and after, then of controls"
        raise DataError(f"observed must be {rule}, got {observed!r}; leave it out for a balanced panel.")
