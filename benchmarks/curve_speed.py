"""Specification curve against refits, in one run: 216 specifications, 2,000 joint draws, 1,365 units x 6.

    python benchmarks/curve_speed.py [refits]

Refits are extrapolated from a sample of specifications under a drawn relabelling, each a bare fit by
`counts.fit_poisson`. Prints wall and processor time; exit 1 below 100 times, or above 60 seconds of processor
time (of two processors: 30 seconds of wall time if nothing else runs).
"""

import sys
from functools import partial
from time import perf_counter, process_time

import numpy as np
import pandas as pd

from reform_analysis import cell_scores, robustness
from reform_analysis.counts import fit_poisson
from reform_analysis.simulate import draw_panel
from reform_analysis.treatment import treated_fraction

DRAWS = 2000
LEAST, MOST = 100, 60.0
FIT = partial(fit_poisson, unit="unit_id", period="period", inference="cluster")


def panel() -> tuple[pd.DataFrame, robustness.Choices]:
    """The panel and 216 specifications: half of them with weights that every draw makes anew."""
    df = draw_panel(effect=0.5, seed=1)
    df["adopted"] = df["adopted"].where(~df["pilot"], "2021-05")
    codings = {each: treated_fraction(df, coding=each) for each in ("fraction", "binary", "drop")}
    df = df.assign(**{name: share.where(df["pilot"], 0.0) for name, share in codings.items()})
    df = df.assign(
        log_reviews=np.log1p(df["reviews"].astype(float)),
        without_2020=df["period"] != "2020",
        without_2018=df["period"] != "2018",
    )
    units = cell_scores.grid(df, unit="unit_id", period="period").units
    city = df.drop_duplicates("unit_id").set_index("unit_id")["city"].reindex(units)
    choices = robustness.Choices(
        outcomes=["losses", "corrections"],
        codings={name: name for name in codings},
        exposures=[None, "lawsuits_concluded", "population"],
        controls={"none": (), "reviews": ("log_reviews",)},
        samples={"all": None, "without 2020": "without_2020", "without 2018": "without_2018"},
        weights={"equal": None, "city": robustness.StratumWeights(pd.factorize(city)[0])},
    )
    return df, choices


def refit_seconds(df: pd.DataFrame, choices: robustness.Choices, number: int) -> float:
    """Processor seconds of one refit under a relabelling, the mean over some specifications."""
    rng = np.random.default_rng(0)
    rows = choices.frame().sample(number, random_state=0)
    units = df["unit_id"].drop_duplicates()
    begun = process_time()
    for _, row in rows.iterrows():
        donor = dict(zip(units, rng.permutation(units), strict=True))
        coding = df.set_index(["unit_id", "period"])[row["coding"]]
        keys = pd.MultiIndex.from_arrays([df["unit_id"].map(donor), df["period"]])
        drawn = df.assign(drawn=coding.reindex(keys).to_numpy())
        exposure = None if row["exposure"] == "none" else row["exposure"]
        terms = ["drawn", *choices.controls[row["controls"]]]
        FIT(drawn.dropna(subset="drawn"), outcome=row["outcome"], exposure=exposure, terms=terms)
    return (process_time() - begun) / number


def main(arguments: list[str]) -> int:
    df, choices = panel()
    specifications = len(choices.frame())
    wall, processor = perf_counter(), process_time()
    curve = robustness.specification_curve(df, FIT, choices=choices, strata="city", draws=DRAWS, seed=1)
    wall, processor = perf_counter() - wall, process_time() - processor
    each = refit_seconds(df, choices, int(arguments[0]) if arguments else 20)
    refits = each * specifications * DRAWS
    print(curve.result.sentences["en"])
    print(
        f"{specifications} specifications, {DRAWS:,} draws: {wall:.1f} s ({processor:.1f} s of processor); "
        f"refits {refits:,.0f} s (extrapolated from {each:.3f} s each): {refits / processor:,.0f} times"
    )
    return int(refits / processor < LEAST or processor > MOST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
