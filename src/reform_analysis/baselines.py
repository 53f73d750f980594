"""What a base period can have been, given a total and a rounded growth rate."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, inf
from typing import Literal, get_args

from reform_analysis.estimates import DataError, require_choice, require_number, require_whole_number

Rounding = Literal["percent", "tens", "truncated", "more than", "nearly"]
MOST_INTEGERS = 10**7
MOST_CHANGE = 1e9  # percent
SeriesRounding = Literal["percent", "tens", "truncated"]


@dataclass(frozen=True)
class Baseline:
    """What the base period can have been.

    Parameters
    ----------
    low, high : float
        Real bounds of the base count. `high` is inf where nothing bounds it.
    integers : tuple of int or None
        The whole numbers (at least 1) that fit, in order; empty where none does; None where infinitely
        many do.
    """

    low: float
    high: float
    integers: tuple[int, ...] | None


def baseline(value: int, change_pct: float, *, rounding: Rounding = "percent") -> Baseline:
    """Return the base counts from which a printed change leads to `value`.

    Parameters
    ----------
    value : int
        Count in the later period.
    change_pct : float
        Printed change from the base period, in percent, signed.
    rounding : {"percent", "tens", "truncated", "more than", "nearly"}
        How the change was printed. "percent": rounded to the whole percent; half a point either side,
        both ends in. "tens": rounded to tens; five points either side. "truncated": cut towards zero.
        "more than" and "nearly": the words bound the change on one side only, away from zero and towards
        zero; nothing is assumed of the other side.

    Returns
    -------
    Baseline
        All n with 100 (value / n - 1) inside the printed range, in exact arithmetic. An empty set of
        integers is a finding: the value, the change or the rounding is not what it seems. Where the range
        reaches -100, `high` is inf and `integers` None (but empty where nothing can fit: a positive value
        that fell by exactly 100%).

    Raises
    ------
    DataError
        If `value` is no whole number of at least 0 or leaves more than ten million base counts,
        `change_pct` is below -100 or not finite, the rounding is unknown, or "tens" is asked of a change
        that is no multiple of ten.

    Examples
    --------
    >>> baseline(32, -40).integers
    (53,)
    >>> baseline(734, 500).integers
    ()
    >>> baseline(734, 500, rounding="tens").integers
    (122, 123)
    """
    value = require_whole_number("value", value)
    low, high, low_in, high_in = ratio_range(change_pct, rounding)
    if value == 0:
        nothing_below = high is not None and (high < 0 or (high == 0 and not high_in))
        everything = not nothing_below and (low < 0 or (low == 0 and low_in))
        return Baseline(0.0, inf, None) if everything else Baseline(0.0, 0.0, ())
    smallest = Fraction(0) if high is None else (value / high if high > 0 else None)
    if smallest is None:
        return Baseline(inf, inf, ())
    if low <= 0:
        return Baseline(float(smallest), inf, None)
    largest = value / low
    first = max(1, ceil(smallest) if high_in else floor(smallest) + 1)
    last = floor(largest) if low_in else ceil(largest) - 1
    if last - first >= MOST_INTEGERS:
        raise DataError(
            f"value must leave at most {MOST_INTEGERS} base counts, got {value}, which leaves "
            f"{last - first + 1}; count in thousands."
        )
    return Baseline(float(smallest), float(largest), tuple(range(first, last + 1)))


def ratio_range(change_pct: float, rounding: str) -> tuple[Fraction, Fraction | None, bool, bool]:
    """Return the range of later / base that prints as `change_pct`.

    Parameters
    ----------
    change_pct : float
        Printed change, in percent, signed.
    rounding : str
        As in `baseline`.

    Returns
    -------
    low : Fraction
    high : Fraction or None
        None where nothing bounds it.
    low_in, high_in : bool
        Whether each end is in.

    Raises
    ------
    DataError
        As `baseline`.
    """
    require_choice("rounding", rounding, get_args(Rounding))
    way_out = "pass the printed percent, as -40."
    number = require_number("change_pct", change_pct, above=-inf, below=MOST_CHANGE, way_out=way_out)
    change = Fraction(str(change_pct))
    if change < -100:
        raise DataError(
            f"change_pct must be at least -100, got {number:g}; a count cannot fall by more than all."
        )
    ratio = 1 + change / 100
    point = Fraction(1, 100)
    match rounding:
        case "percent":
            return ratio - point / 2, ratio + point / 2, True, True
        case "tens":
            if change % 10:
                raise DataError(
                    f"change_pct must be a multiple of ten for rounding='tens', got {number:g}; "
                    "use rounding='percent'."
                )
            return ratio - 5 * point, ratio + 5 * point, True, True
        case "truncated":
            below, above = (change <= 0) * point, (change >= 0) * point
            return ratio - below, ratio + above, not below, not above
    outward = (change >= 0) == (rounding == "more than")
    return (ratio, None, False, False) if outward else (Fraction(0), ratio, True, False)


def base_sets(
    value: int, change_pct: float, rounding: SeriesRounding
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the whole base counts under `rounding`, and with those under "tens" taken in.

    Parameters
    ----------
    value : int
        Count in the later period.
    change_pct : float
        Printed change, in percent, signed.
    rounding : {"percent", "tens", "truncated"}
        Under "tens" a change that is no multiple of ten is read as "percent".

    Returns
    -------
    plain, worst : tuple of int
        Equal unless `change_pct` is a multiple of ten.

    Raises
    ------
    DataError
        As `baseline`, and for a change that sets no upper bound on the base.
    """
    multiple = change_pct % 10 == 0
    plain = "percent" if rounding == "tens" and not multiple else rounding
    sets = [plain, "tens"] if multiple else [plain]
    found = [baseline(value, change_pct, rounding=name).integers for name in sets]
    if found[0] is None:
        raise DataError(f"a change of {change_pct:g}% sets no upper bound on the base; leave that row out.")
    return found[0], tuple(sorted({n for integers in found for n in integers or ()}))
