"""The plug-in protocol: what maketables prints of a result."""

import maketables
import numpy as np
import pandas as pd
import pytest

from reform_analysis.estimates import Estimates

FRAME = pd.DataFrame(
    [[0.6038, 0.2239, 0.3767, 0.9538, 0.029456]],
    columns=["estimate", "std_error", "ci_low", "ci_high", "p_value"],
    index=pd.Index(["treated"], name="term"),
)


def result(**given) -> Estimates:
    settings = {"scale": "rate_ratio", "ci_level": 0.95, "method": "exact", "n_obs": 178, "n_units": 89}
    return Estimates(FRAME, **{**settings, **given})


def test_ratios_are_handed_over_as_logarithms_with_the_errors_of_the_logs() -> None:
    table = result().__maketables_coef_table__
    assert table.index.name == "Coefficient"
    wanted = [np.log(0.6038), 0.2239, 0.029456, np.log(0.3767), np.log(0.9538)]
    assert table.loc["treated"].to_dict() == pytest.approx(
        dict(zip(["b", "se", "p", "ci95l", "ci95u"], wanted, strict=True))
    )


def test_differences_are_handed_over_as_they_are() -> None:
    table = result(scale="difference", ci_level=0.9).__maketables_coef_table__
    assert table.loc["treated", ["b", "se", "ci90l"]].tolist() == [0.6038, 0.2239, 0.3767]


def test_maketables_prints_estimate_error_stars_sizes_and_synthetic() -> None:
    table = maketables.ETable([result(synthetic=True), result(scale="difference")]).df
    shown = {index[1]: row.tolist() for index, row in table.iterrows()}
    # log(0.6038) = -0.5045; maketables prints three decimals, two stars below 0.05.
    assert [" ".join(cell.split()) for cell in shown["treated"]] == ["-0.505** (0.224)", "0.604** (0.224)"]
    assert shown["Observations"] == ["178", "178"]
    assert shown["Data"] == ["SYNTHETIC", "-"]
    assert shown["Scale"] == ["log rate_ratio", "difference"]
    assert "Clusters" not in shown


def test_real_data_have_no_line_of_their_own() -> None:
    assert "synthetic" not in result().__maketables_default_stat_keys__
    assert result().__maketables_stat__("r2") is None
