"""Warnings begin exactly where their rules say."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis import count_sample
from reform_analysis.estimates import DesignError, StatisticalWarning
from reform_analysis.reliability import require_clusters, troubles, warned


def sample(*, clusters: int, treated: int, events: int = 50) -> count_sample.Sample:
    """Two units a cluster in two periods; one of them is treated in the first `treated` clusters."""
    unit, period = (each.ravel() for each in np.indices((2 * clusters, 2)))
    cluster = unit // 2
    x = (unit % 2 == 0) & (cluster < treated) & (period == 1)
    columns = {"u": unit, "t": period, "c": cluster, "x": x.astype(int), "y": 0}
    df = pd.DataFrame(columns)
    df.loc[0, "y"] = events
    names = {"outcome": "y", "terms": ["x"], "unit": "u", "period": "t", "cluster": "c"}
    return count_sample.sample(df, exposure=None, treatment=None, **names)


@pytest.mark.parametrize(
    ("clusters", "treated", "events", "expected"),
    [
        (30, 6, 20, []),
        (29, 6, 20, ["few clusters: 29, fewer than 30"]),
        (30, 5, 20, ["few clusters with treated units: 5 for 'x', fewer than 6"]),
        (30, 6, 19, ["little information: 19 events for 2 coefficients and period effects"]),
    ],
)
def test_each_rule_has_its_bound(clusters: int, treated: int, events: int, expected: list[str]) -> None:
    found = troubles(sample(clusters=clusters, treated=treated, events=events), clustered=True)
    assert len(found) == len(expected)
    for note, start in zip(found, expected, strict=True):
        assert note.startswith(start)


def test_clusters_without_never_treated_units_are_told() -> None:
    whole = sample(clusters=30, treated=30)
    everywhere = np.where(whole.cluster < 25, whole.period, whole.terms_values[:, 0] * 0).astype(float)
    found = troubles(
        count_sample.dataclasses.replace(whole, terms_values=everywhere[:, None]), clustered=True
    )
    assert found == [
        "few clusters with never treated units: 5 for 'x', fewer than 6; no test by cluster is reliable"
    ]


def test_without_clusters_only_events_are_counted() -> None:
    assert troubles(sample(clusters=3, treated=1), clustered=False) == []
    assert troubles(sample(clusters=3, treated=1, events=1), clustered=False, events=False) == []


def test_each_note_warns_once_where_the_user_stands() -> None:
    with pytest.warns(StatisticalWarning) as caught:
        assert warned(["one", "two"], depth=0) == ("one", "two")
    assert [str(each.message) for each in caught] == ["one", "two"]
    assert {each.filename for each in caught} == {__file__}


def test_one_cluster_is_refused() -> None:
    require_clusters(2)
    with pytest.raises(DesignError, match="^cluster must have two values"):
        require_clusters(1)
