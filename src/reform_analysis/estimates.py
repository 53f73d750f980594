"""What every method returns, and what every method raises.

`Estimates` is the one result type: a frame of estimates and what is needed to read it. The confidence
level belongs to the fit; nothing here changes an interval afterwards.
"""

from dataclasses import InitVar, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from reform_analysis.exclusions import excluded_ends
from reform_analysis.maketables_plugin import MaketablesPlugin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COLUMNS = ("estimate", "std_error", "ci_low", "ci_high", "p_value")

Scale = Literal["rate_ratio", "odds_ratio", "difference", "log_rate_ratio", "correlation", "proportion"]
SCALES: tuple[Scale, ...] = get_args(Scale)


class DataError(ValueError):
    """The data break a rule: a wrong value, an unknown id, a changed file."""


class DesignError(ValueError):
    """The question cannot be asked this way: a wrong argument, an impossible comparison."""


class UntestableError(DesignError):
    """The question is sound, but these data hold nothing to test: a report says so and goes on."""


class ReportError(RuntimeError):
    """A report could not be rendered."""


class StatisticalWarning(UserWarning):
    """Statistical trouble that does not stop a fit; it also stays in the result's notes."""


MOST_EVENTS = 10**12  # beyond it counts are not told apart in double precision arithmetic of tails


def require_whole_number(name: str, value: object, *, least: int = 0) -> int:
    """Return `value` as an int, or say which argument is no whole number of at least `least`.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What the caller passed. 32 and 32.0 are whole numbers; True, NaN, "32" and 32.5 are not.
    least : int
        The smallest number allowed; the greatest is `MOST_EVENTS`.

    Returns
    -------
    int

    Raises
    ------
    DataError
        If `value` is not a whole number, or out of bounds.
    """
    integral = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not integral and not (isinstance(value, (float, np.floating)) and float(value).is_integer()):
        raise DataError(f"{name} must be a whole number, got {value!r}; pass the count itself.")
    whole = int(value)  # type: ignore[call-overload]
    if not least <= whole <= MOST_EVENTS:
        shown = whole if abs(whole) <= MOST_EVENTS else "a number beyond that"
        raise DataError(
            f"{name} must be at least {least} and at most {MOST_EVENTS}, got {shown}; check the count."
        )
    return int(whole)


def require_number(
    name: str, value: object, *, above: float = -np.inf, below: float = np.inf, way_out: str
) -> float:
    """Return `value` as a float strictly between two bounds, or say which argument breaks the rule.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What the caller passed.
    above, below : float
        Open bounds.
    way_out : str
        The last clause of the message: what to pass instead.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If `value` is not a number or lies outside the bounds.
    """
    numeric = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not numeric or not above < value < below:  # type: ignore[operator]
        raise DataError(f"{name} must be {_bounds(above, below)}, got {value!r}; {way_out}")
    return float(value)  # type: ignore[arg-type]


def _bounds(above: float, below: float) -> str:
    if np.isinf(above) and np.isinf(below):
        return "a finite number"
    return f"a number above {above:g}" if np.isinf(below) else f"a number between {above:g} and {below:g}"


def require_level(value: object) -> float:
    """Return a confidence level, or say what is wrong with it.

    Parameters
    ----------
    value : object
        What the caller passed as `ci_level`.

    Returns
    -------
    float
        Between one half and one: a lower level is no statement of confidence.

    Raises
    ------
    DataError
        If it is no such number.
    """
    return require_number("ci_level", value, above=0.5, below=1, way_out="pass 0.95 for 95%.")


def percent(level: float) -> str:
    """Return a confidence level in percent, without rounding it away.

    Parameters
    ----------
    level : float

    Returns
    -------
    str

    Examples
    --------
    >>> percent(0.95), percent(0.9999999)
    ('95', '99.99999')
    """
    return f"{100 * level:.10g}"


def require_choice(name: str, value: object, choices: "Iterable[str]") -> str:
    """Return `value` if it is one of `choices`, or name the argument and the choices.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What the caller passed.
    choices : iterable of str
        The values allowed.

    Returns
    -------
    str

    Raises
    ------
    DataError
        If `value` is not one of them.
    """
    allowed = list(choices)
    if not isinstance(value, str) or value not in allowed:
        raise DataError(f"{name} must be one of {allowed}, got {value!r}; choose one of these.")
    return value


def _beyond(low: float, high: float) -> str:
    ends = [f"{side} {end:.4g}" for side, end in (("below", low), ("above", high)) if not np.isnan(end)]
    return f"only ratios {' or '.join(ends)} are excluded" if ends else "nothing is excluded"


@dataclass(frozen=True, eq=False)
class Estimates(MaketablesPlugin):
    """Estimates with their intervals, and what is needed to read them.

    On the scales "rate_ratio" and "odds_ratio" `estimate`, `ci_low` and `ci_high` are ratios and
    `std_error` is that of the **log** ratio. On every other scale all four share one unit. What is
    undefined is NaN, never 0.

    Parameters
    ----------
    frame : DataFrame
        Index `term`, columns ``estimate, std_error, ci_low, ci_high, p_value``.
    scale : str
        "rate_ratio", "odds_ratio", "difference", "log_rate_ratio", "correlation" or "proportion".
    ci_level : float
        Level of the intervals, fixed at the fit.
    method : str
        The estimator and its inference, in words.
    n_obs : int
        Rows (counts, unit-periods) the estimate used.
    n_units, n_clusters : int or None
        Units and clusters used; None where the method has none.
    vcov : DataFrame or None
        Covariance on the estimation scale (the log for ratios), term x term.
    adjusted_p : DataFrame or None
        Index `term`, columns among ``holm, bh, max_t``.
    p_central : Series or None
        Index `term`: twice the smaller tail, at most 1. It agrees with a central interval and is what
        multiplicity and break-evens use. None where `p_value` is already that.
    dropped : DataFrame
        Columns ``arm, reason, n``: what was left out of the estimate. Empty where nothing was.
    synthetic : bool
        True if any datum was made up.
    notes : tuple of str
        What a reader has to know beside the numbers.

    Raises
    ------
    DataError
        If the level is not between one half and one.
    DesignError
        If the frame has other columns, or the scale is unknown.
    """

    frame: InitVar[pd.DataFrame]
    scale: Scale
    ci_level: float
    method: str
    n_obs: int
    n_units: int | None = None
    n_clusters: int | None = None
    vcov: pd.DataFrame | None = None
    adjusted_p: pd.DataFrame | None = None
    p_central: pd.Series | None = None
    dropped: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["arm", "reason", "n"]))
    synthetic: bool = False
    notes: tuple[str, ...] = ()

    _frame: pd.DataFrame = field(init=False)

    def __post_init__(self, frame: pd.DataFrame) -> None:
        if tuple(frame.columns) != COLUMNS or frame.index.name != "term":
            raise DesignError(
                f"frame must have index 'term' and columns {list(COLUMNS)}, got index "
                f"{frame.index.name!r} and {list(frame.columns)}; build it with these names."
            )
        if self.scale not in SCALES:
            raise DesignError(
                f"scale must be one of {list(SCALES)}, got {self.scale!r}; choose one of these."
            )
        require_level(self.ci_level)
        object.__setattr__(self, "_frame", frame.astype(float).copy())

    def to_frame(self) -> pd.DataFrame:
        """Return the estimates.

        Returns
        -------
        DataFrame
            A copy. Index `term`; columns ``estimate, std_error, ci_low, ci_high, p_value``.
        """
        return self._frame.copy()

    def summary(self) -> str:
        """Return the frame and its reading instructions as text; nothing is printed.

        Returns
        -------
        str
        """
        head, *rest = self._reading()
        return "\n".join([head, *rest[:1], self._frame.to_string(), *rest[1:]])

    def _reading(self) -> list[str]:
        """What stands around the frame: method and level, sizes, what was left out, notes."""
        synthetic = "SYNTHETIC DATA. " if self.synthetic else ""
        sizes = {"n_obs": self.n_obs, "n_units": self.n_units, "n_clusters": self.n_clusters}
        return [
            f"{synthetic}{self.method} ({self.scale}, {percent(self.ci_level)}% interval)",
            ", ".join(f"{name} = {n}" for name, n in sizes.items() if n is not None),
            *self._excluded(),
            *(f"left out: {row.n} ({row.arm}): {row.reason}" for row in self.dropped.itertuples()),
            *self.notes,
        ]

    def _excluded(self) -> list[str]:
        """What each ratio whose interval holds 1 excludes."""
        if self.scale != "rate_ratio":
            return []
        rows = self._frame[["ci_low", "ci_high"]].itertuples(name=None)
        found = {str(term): excluded_ends(low, high, scale=self.scale) for term, low, high in rows}
        return [f"{term}: the interval holds 1; {_beyond(*ends)}" for term, ends in found.items() if ends]

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        head, *rest = (f"<p>{escape(line)}</p>" for line in self._reading())
        return f"{head}{self._frame.to_html()}{''.join(rest)}"


@dataclass(frozen=True, eq=False)
class CheckResult:
    """What a check of a result found: a sentence, the numbers behind it, and whether it passed.

    Parameters
    ----------
    name : str
        The check, as its function is called.
    passed : bool or None
        None where the check is for information: no outcome of it speaks for or against the result alone.
    sentences : mapping of str to str
        Language to the sentence that states what was found, with its numbers: ``{"zh": ..., "en": ...}``.
    frame : DataFrame
        The numbers, one row a variant of the check.
    synthetic : bool
        True if any datum was made up.
    notes : tuple of str
        What a reader has to know beside the numbers.
    variant : str
        Which one of several that the function makes, as ``smoothness`` of the bounds on the trend.

    Raises
    ------
    DesignError
        If `passed` is neither a bool nor None, or a language is missing.
    """

    name: str
    passed: bool | None
    sentences: "Mapping[str, str]"
    frame: InitVar[pd.DataFrame]
    synthetic: bool = False
    notes: tuple[str, ...] = ()
    variant: str = ""

    _frame: pd.DataFrame = field(init=False)

    def __post_init__(self, frame: pd.DataFrame) -> None:
        if self.passed is not None and not isinstance(self.passed, bool):
            raise DesignError(f"passed must be True, False or None, got {self.passed!r}; convert it.")
        if set(self.sentences) != {"zh", "en"}:
            raise DesignError(f"sentences must have 'zh' and 'en', got {list(self.sentences)}; give both.")
        object.__setattr__(self, "_frame", frame.copy())

    @property
    def verdict(self) -> str:
        """The outcome in words.

        Returns
        -------
        {"passed", "failed", "for information"}
        """
        return "for information" if self.passed is None else "passed" if self.passed else "failed"

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers behind the sentence.

        Returns
        -------
        DataFrame
            A copy.
        """
        return self._frame.copy()

    def summary(self) -> str:
        """Return verdict, sentence, numbers and notes as text; nothing is printed.

        Returns
        -------
        str
        """
        return "\n".join([self._head(), self.sentences["en"], self._frame.to_string(), *self.notes])

    def _head(self) -> str:
        return f"{'SYNTHETIC DATA. ' if self.synthetic else ''}{self.name}: {self.verdict}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        lines = (f"<p>{escape(line)}</p>" for line in (self._head(), self.sentences["en"]))
        notes = (f"<p>{escape(note)}</p>" for note in self.notes)
        return f"{''.join(lines)}{self._frame.to_html()}{''.join(notes)}"
