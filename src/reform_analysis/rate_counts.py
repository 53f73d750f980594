"""Which rate is made of which counts, for the printed rates and for those computed here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """A rate and the counts it is made of.

    Parameters
    ----------
    numerator : str
        Count above the line.
    denominator : tuple of str
        Counts whose sum stands below the line.
    scale : int
        The rate is per this many of the denominator.
    """

    numerator: str
    denominator: tuple[str, ...]
    scale: int = 1


RATES: dict[str, Rate] = {
    "loss_rate": Rate("losses", ("lawsuits_concluded",)),
    "correction_rate": Rate("corrections", ("reconsiderations_concluded",)),
    "devolution_share": Rate("enforcement_own", ("enforcement_own", "enforcement_department")),
    "opinions_per_review": Rate("review_opinions", ("reviews",)),
    "reviews_per_1000": Rate("reviews", ("population",), 1000),
}
