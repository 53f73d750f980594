"""A contrast is a power of the ratio: against a refit with the dose in other units."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reform_analysis import counts
from reform_analysis.estimates import DataError, DesignError

PANEL = pd.read_csv(Path(__file__).parent / "reference" / "counts_synthetic.csv", dtype={"period": str})
COLUMNS = {"outcome": "losses", "exposure": "population", "unit": "unit_id", "period": "period"}
FITTED = counts.fit_poisson(PANEL, terms=["treated", "dose_post"], inference="hc", **COLUMNS)


@pytest.mark.parametrize("size", [0.25, -2.0])
def test_a_contrast_is_the_fit_with_the_dose_in_other_units(size: float) -> None:
    found = counts.dose_contrast(FITTED, sizes={"dose_post": size, "treated": 1})
    scaled = PANEL.assign(dose_post=PANEL["dose_post"] / size)
    refit = counts.fit_poisson(scaled, terms=["dose_post", "treated"], inference="hc", **COLUMNS)
    np.testing.assert_allclose(found.to_frame(), refit.to_frame(), rtol=1e-7)
    np.testing.assert_allclose(found.vcov, refit.vcov, rtol=1e-7)
    assert list(found.to_frame().index) == [f"dose_post {size:+g}", "treated +1"]
    assert (found.ci_level, found.n_obs) == (FITTED.ci_level, FITTED.n_obs)


def test_a_difference_is_multiplied() -> None:
    fitted = counts.fit_linear(PANEL, terms=["dose_post"], inference="iid", **COLUMNS)
    found = counts.dose_contrast(fitted, sizes={"dose_post": -3}).to_frame().iloc[0]
    row = fitted.to_frame().loc["dose_post"]
    np.testing.assert_allclose(found["estimate"], -3 * row["estimate"])
    np.testing.assert_allclose([found["ci_low"], found["ci_high"]], [-3 * row["ci_high"], -3 * row["ci_low"]])
    np.testing.assert_allclose(found["std_error"], 3 * row["std_error"])


@pytest.mark.parametrize(
    ("sizes", "error"),
    [
        ({}, DesignError),
        ({"absent": 1}, DesignError),
        ({"dose_post": 0}, DesignError),
        ({"dose_post": "1"}, DataError),
    ],
)
def test_wrong_sizes_are_refused(sizes: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error, match="^sizes"):
        counts.dose_contrast(FITTED, sizes=sizes)
