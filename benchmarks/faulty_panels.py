"""Panels with one fault each, and clean ones, that `fit_checks.py` draws; as a script it does nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis.simulate import draw_panel

UNITS, PILOTS, MEAN, EFFECT = 400, 80, 0.8, 0.4
TREATMENT = "treated"
STRONG: dict[str, Any] = {"effect": 0.2, "mean": 4.0, "pilots": 120}


def panel(seed: int, **scenario: Any) -> pd.DataFrame:
    options = {"effect": EFFECT, "units": UNITS, "pilots": PILOTS, "counties": 40, "mean": MEAN} | scenario
    df = draw_panel(seed=seed, **options)
    df.attrs = {"synthetic": True}  # pandas copies them, scenario and all, in every step
    return df.assign(**{TREATMENT: (df["pilot"] & (df["period"] >= "2021")).astype(float)})


def thinned(df: pd.DataFrame, column: str, share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.binomial(df[column].to_numpy(dtype=int), share)


def post_share(df: pd.DataFrame, ratio: float) -> np.ndarray:
    return np.where(df[TREATMENT] > 0, ratio, 1.0)


def earlier_trend(seed: int) -> pd.DataFrame:
    """No effect; pilots' losses fall by a quarter a year from 2018 on."""
    df, rng = panel(seed, effect=None, mean=1.6), np.random.default_rng(seed)
    years = df["period"].astype(int) - 2018
    share = np.where(df["pilot"], 0.75**years, 1.0)
    return df.assign(losses=thinned(df, "losses", share, rng))


def everything_falls(seed: int) -> pd.DataFrame:
    """Outcomes that the reform should leave alone fall in pilots too."""
    df, rng = panel(seed), np.random.default_rng(seed)
    return df.assign(corrections=thinned(df, "corrections", post_share(df, EFFECT), rng))


def hidden_by_series(seed: int) -> pd.DataFrame:
    """An effect on a mean of 0.4, and one series of 20 suits in one pilot after the reform.

    At a mean of 0.8 and an effect of 0.6 the series changes the conclusion in half of the panels only, and a
    check of all others is right to pass.
    """
    df, rng = panel(seed, mean=0.4), np.random.default_rng(seed)
    at = rng.choice(np.flatnonzero(df[TREATMENT] > 0))
    series = np.where(np.arange(len(df)) == at, 20, 0)
    return df.assign(net=df["losses"].astype(int) + (series > 0), losses=df["losses"].astype(int) + series)


def made_by_series(seed: int) -> pd.DataFrame:
    """No effect; 15 pilots each with a batch of 10 suits from one act before the reform."""
    df, rng = panel(seed, effect=None), np.random.default_rng(seed)
    early = np.flatnonzero(df["pilot"] & (df["period"] == "2020"))
    hit = np.isin(np.arange(len(df)), rng.choice(early, 15, replace=False))
    counts = df["losses"].astype(int)
    return df.assign(net=counts + hit, losses=counts + 10 * hit)


def one_city(seed: int) -> pd.DataFrame:
    """No effect but in one city, whose pilots' losses vanish."""
    df, rng = panel(seed, effect=None, mean=3.0), np.random.default_rng(seed)
    city = df.loc[df["pilot"], "city"].value_counts().index[0]
    share = np.where((df[TREATMENT] > 0) & (df["city"] == city), 0.0, 1.0)
    return df.assign(losses=thinned(df, "losses", share, rng))


def chosen_on_2020(seed: int) -> pd.DataFrame:
    """No effect; pilots are chosen on their losses of 2020."""
    return panel(seed, effect=None, selection=2.0)


def old_acts_fall(seed: int) -> pd.DataFrame:
    """Losses over acts from before the reform fall as the others do."""
    return old_acts(seed, EFFECT)


def old_acts_stay(seed: int) -> pd.DataFrame:
    """Effect 0.4 on losses over new acts, none on those over old ones."""
    return old_acts(seed, 1.0)


def old_acts(seed: int, ratio: float) -> pd.DataFrame:
    """Half of all losses that there would have been are over old acts; they fall by a ratio."""
    df, rng = panel(seed, effect=None), np.random.default_rng(seed)
    old = thinned(df, "losses", np.full(len(df), 0.5), rng)
    new = df["losses"].astype(int) - old
    df = df.assign(old=old, new=new)
    old, new = (thinned(df, name, post_share(df, r), rng) for name, r in (("old", ratio), ("new", EFFECT)))
    return df.assign(old=old, losses=old + new)


def rolled_out(seed: int) -> pd.DataFrame:
    """Controls take the reform up in 2022 and 2023, and it works there too."""
    return panel(seed, rollout={"2022": 0.4, "2023": 0.4})


def rolled_out_later(seed: int) -> pd.DataFrame:
    """Controls take the reform up in 2022 and 2023, it works there too, and 2021 is the last year used."""
    return rolled_out(seed)


def flagged(seed: int) -> pd.DataFrame:
    """A tenth of the controls is flagged, for nothing."""
    df, rng = panel(seed), np.random.default_rng(seed)
    units = df["unit_id"].unique()
    chosen = rng.choice(units, UNITS // 10, replace=False)
    return df.assign(city_pilot=df["unit_id"].isin(chosen) & ~df["pilot"])


def flagged_without_effect(seed: int) -> pd.DataFrame:
    """A tenth of the controls is flagged, for nothing, and the reform does nothing."""
    df, rng = panel(seed, effect=None), np.random.default_rng(seed)
    chosen = rng.choice(df["unit_id"].unique(), UNITS // 10, replace=False)
    return df.assign(city_pilot=df["unit_id"].isin(chosen) & ~df["pilot"])


def moved_into(name: str, **scenario: Any) -> Callable[[int], pd.DataFrame]:
    """Return a draw in which the losses that go appear in another column."""

    def draw(seed: int) -> pd.DataFrame:
        df, rng = accounts(panel(seed, **scenario | {"effect": None}), seed), np.random.default_rng(seed)
        kept = thinned(df, "losses", post_share(df, scenario.get("effect", EFFECT)), rng)
        moved = df["losses"].astype(int) - kept
        df = df.assign(**{"losses": kept, name: df[name].astype(int) + moved})
        df.attrs |= {"moved": 1.0, "into": name}
        return df

    mean = scenario.get("mean", MEAN)
    draw.__doc__ = f"Losses of a mean of {mean} are not fewer but counted among the {name}"
    return draw


def accounts(df: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Add counts that losses may move into: in a department's name, withdrawals ten times the losses."""
    rng = np.random.default_rng([seed, 7])
    mean = 10 * df.loc[~df["pilot"], "losses"].mean() * rng.gamma(1.0, 1.0, UNITS).repeat(6)
    df = df.assign(department=df["corrections"].astype(int), withdrawals=rng.poisson(mean.astype(float)))
    df.attrs |= {"moved": 0.0}
    return df


def fewer_cases(seed: int) -> pd.DataFrame:
    """Losses fall because cases do, and as many of those concluded are lost."""
    df, rng = panel(seed, effect=None), np.random.default_rng(seed)
    share = post_share(df, EFFECT)
    losses = thinned(df, "losses", share, rng)
    won = df["lawsuits_concluded"].astype(int) - df["losses"].astype(int)
    kept = rng.binomial(won, share)
    return df.assign(losses=losses, lawsuits_concluded=losses + kept)


def clean(seed: int) -> pd.DataFrame:
    """Effect 0.4 and nothing else."""
    return accounts(panel(seed).assign(net=lambda df: df["losses"]), seed)


def small_effect(seed: int) -> pd.DataFrame:
    """Effect 0.6 on independent Poisson suits: a cap alone can cost it its significance."""
    return panel(seed, effect=0.6)


def no_effect(seed: int) -> pd.DataFrame:
    """No effect and no fault."""
    return panel(seed, effect=None)


def strong(seed: int) -> pd.DataFrame:
    """Effect 0.2 on a mean of 4 and nothing else; bounds on the trend ask for much."""
    return panel(seed, **STRONG).assign(net=lambda df: df["losses"])


def strong_with_withdrawals(seed: int) -> pd.DataFrame:
    """Effect 0.2 on a mean of 4, and withdrawals ten times the losses that stay as they were."""
    df = accounts(panel(seed, **STRONG), seed)
    df.attrs["into"] = "withdrawals"
    return df


def strong_and_all_fall(seed: int) -> pd.DataFrame:
    """Effect 0.2 on a mean of 4, but outcomes that the reform should leave alone fall too."""
    df, rng = panel(seed, **STRONG), np.random.default_rng(seed)
    return df.assign(corrections=thinned(df, "corrections", post_share(df, 0.2), rng))


def strong_and_rolled_out(seed: int) -> pd.DataFrame:
    """Effect 0.2 on a mean of 4, but controls take the reform up in 2022 and 2023."""
    return panel(seed, **STRONG, rollout={"2022": 0.4, "2023": 0.4})


def strong_before_the_roll_out(seed: int) -> pd.DataFrame:
    """Effect 0.2 on a mean of 4; controls take the reform up in 2022 and 2023, after the last year used."""
    df = strong_and_rolled_out(seed)
    df.attrs["post"] = ["2021"]
    return df
