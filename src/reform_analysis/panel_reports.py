"""What a panel holds: balance, gaps, zeros, units without any event, totals by arm."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from reform_analysis.estimates import DataError
from reform_analysis.measures import as_numbers, need_columns, need_constant
from reform_analysis.panel_columns import COUNTS
from reform_analysis.panel_texts import label
from reform_analysis.periods import in_order, plain_periods
from reform_analysis.synthetic_mark import is_synthetic
from reform_analysis.wording import say

EVERYONE = "all"
PLACES = ("county", "city")
_ARMS = {EVERYONE: "all", "pilot": "pilot", "not pilot": "other"}


@dataclass(frozen=True, eq=False, repr=False)
class PanelReport:
    """What a panel holds.

    Parameters
    ----------
    counts : DataFrame
        One row a count and arm: ``count, arm, units, cells, missing, zeros, units_without, total, stock``.
        `cells` are rows with a value, `zeros` those of 0, `units_without` units with a value in some period
        and 0 in all of those. `total` is over all periods; where `stock` is true, that of the last period.
    totals : DataFrame
        One row a count, arm and period: ``count, arm, period, total, cells``.
    gaps : DataFrame
        Columns ``unit, period``: rows a balanced panel would have and this one lacks.
    n_units, n_rows : int
    periods : tuple of str
        In order.
    date_basis, loss_definition : str
        The panel's attributes; empty where it states none.
    undated_pilots : int
        Pilots without a date of adoption.
    synthetic : bool
    without : tuple of str
        Those of county and city that the panel has no column for.
    """

    counts: pd.DataFrame
    totals: pd.DataFrame
    gaps: pd.DataFrame
    n_units: int
    n_rows: int
    periods: tuple[str, ...]
    date_basis: str
    loss_definition: str
    undated_pilots: int
    synthetic: bool
    without: tuple[str, ...] = ()

    @property
    def balanced(self) -> bool:
        """Whether every unit has a row in every period.

        Returns
        -------
        bool
        """
        return len(self.gaps) == 0

    def to_frame(self) -> pd.DataFrame:
        """Return the counts by arm.

        Returns
        -------
        DataFrame
            A copy of `counts`.
        """
        return self.counts.copy()

    def shown(self, language: str = "en") -> pd.DataFrame:
        """Return the counts by arm as they are read: names, headings and numbers as texts.

        Parameters
        ----------
        language : {"en", "zh"}

        Returns
        -------
        DataFrame
            The rows of `counts`; the columns are the headings in that language. A missing total is a dash.
        """
        arms = self.counts["arm"]
        heads = {
            "series": [label(name, None, language) for name in self.counts["count"]],
            "arm": [say(f"arm.{_ARMS[arm]}", language) if arm in _ARMS else str(arm) for arm in arms],
        }
        for name in ("units", "cells", "missing", "zeros", "units_without", "total"):
            heads[name] = ["–" if pd.isna(number) else f"{number:,.0f}" for number in self.counts[name]]
        return pd.DataFrame({say(f"panel_table.{key}", language): texts for key, texts in heads.items()})

    def summary(self, language: str = "en") -> str:
        """Return the report as text; nothing is printed.

        Parameters
        ----------
        language : {"en", "zh"}

        Returns
        -------
        str
        """
        return "\n".join([*self.sentences(language), self.shown(language).to_string(index=False)])

    def to_html(self, language: str = "en") -> str:
        """Return the report as HTML.

        Parameters
        ----------
        language : {"en", "zh"}

        Returns
        -------
        str
        """
        lines = "".join(f"<p>{escape(line)}</p>" for line in self.sentences(language))
        table: str = self.shown(language).to_html(index=False)
        return lines + table

    def sentences(self, language: str) -> list[str]:
        """Return what the panel is, in whole sentences.

        Parameters
        ----------
        language : {"en", "zh"}

        Returns
        -------
        list of str
        """
        lines = [say("panel.synthetic", language)] if self.synthetic else []
        first, last = self.periods[0], self.periods[-1]
        size = {"units": self.n_units, "periods": len(self.periods), "rows": self.n_rows}
        lines.append(say("panel.size", language, **size, first=first, last=last))
        lines.append(say("panel.balanced" if self.balanced else "panel.gaps", language, n=len(self.gaps)))
        lines.append(say(f"panel.date_basis_{self.date_basis or 'unknown'}", language))
        lines.append(say(f"panel.loss_{self.loss_definition or 'unknown'}", language))
        stocks = self.counts.loc[self.counts["stock"], "count"].drop_duplicates()
        if len(stocks):
            names = say("panel.and", language).join(label(name, None, language) for name in stocks)
            lines.append(say("panel.stocks", language, names=names, last=last))
        if self.undated_pilots:
            lines.append(say("panel.undated", language, n=self.undated_pilots))
        return lines

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.to_html()


def panel_report(
    panel: pd.DataFrame,
    *,
    unit: str = "unit_id",
    period: str = "period",
    arm: str | None = "pilot",
    counts: Sequence[str] | None = None,
    stocks: Sequence[str] = ("population",),
) -> PanelReport:
    """Return what a panel holds, before anything is estimated from it.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period.
    unit, period : str
        Columns.
    arm : str or None
        Column that is constant within a unit and splits the units; None for all together.
    counts : sequence of str, optional
        By default every declared count that the panel has.
    stocks : sequence of str
        Those of the counts that are there at a time, as residents are, and so are not added up over periods.

    Returns
    -------
    PanelReport

    Raises
    ------
    DataError
        If a column is missing or no number, the panel is empty, a unit and period stands twice, or `arm`
        varies within a unit.

    Examples
    --------
    >>> frame = pd.DataFrame({"unit_id": ["a", "b"], "period": "2020", "losses": [0, 2]})
    >>> panel_report(frame, arm=None).to_frame()[["zeros", "units_without", "total"]].values.tolist()
    [[1.0, 1.0, 2.0]]
    """
    names = [name for name in COUNTS if name in panel.columns] if counts is None else list(counts)
    need_columns(panel, [unit, period, *names, *([arm] if arm else [])])
    if panel.empty or panel.duplicated([unit, period]).any():
        raise DataError("panel must have rows, each unit and period once; validate it with validate_panel.")
    panel = panel.assign(**{period: plain_periods(panel[period])})
    arms = _arms(panel, unit, arm)
    cells = as_numbers(panel, names).assign(unit=panel[unit], period=panel[period], arm=arms)
    long = cells.melt(["unit", "period", "arm"], var_name="count").dropna(subset="arm")
    order = in_order(panel[period])
    totals = _by_period(long, names, order)
    return PanelReport(
        counts=_with_stocks(_by_arm(long, names), totals, stocks, str(order[-1])),
        totals=totals,
        gaps=_gaps(panel, unit, period, order),
        n_units=panel[unit].nunique(),
        n_rows=len(panel),
        periods=tuple(str(value) for value in order),
        undated_pilots=_undated(panel, unit),
        synthetic=is_synthetic(panel),
        date_basis=str(panel.attrs.get("date_basis", "")),
        loss_definition=str(panel.attrs.get("loss_definition", "")),
        without=tuple(name for name in PLACES if name not in panel.columns),
    )


def _arms(panel: pd.DataFrame, unit: str, arm: str | None) -> pd.Series:
    """The arm of each row as a text; a true-or-false column gives its name and "not" its name."""
    if arm is None:
        return pd.Series(EVERYONE, index=panel.index)
    need_constant(panel, arm, unit=unit)
    if pd.api.types.is_bool_dtype(panel[arm]):
        return panel[arm].map({True: arm, False: f"not {arm}"})
    return panel[arm].astype("str")


def _by_arm(long: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    long = long.assign(known=long["value"].notna(), zero=long["value"] == 0)
    keys = ["count", "arm"]
    table = long.groupby(keys, sort=False).agg(
        units=("unit", "nunique"), cells=("known", "sum"), rows=("known", "size"), zeros=("zero", "sum")
    )
    per_unit = long.groupby([*keys, "unit"], sort=False)["value"].agg(["max", "min"])
    table["units_without"] = ((per_unit["max"] == 0) & (per_unit["min"] == 0)).groupby(keys).sum()
    table["missing"] = table["rows"] - table["cells"]
    table["total"] = long.groupby(keys)["value"].sum(min_count=1)
    columns = [*keys, "units", "cells", "missing", "zeros", "units_without", "total"]
    return _in_order(table.reset_index(), names)[columns]


def _with_stocks(table: pd.DataFrame, totals: pd.DataFrame, stocks: Sequence[str], last: str) -> pd.DataFrame:
    """The counts by arm, a stock's total that of the last period; missing where none is known then."""
    final = totals[totals["period"] == last].set_index(["count", "arm"])["total"]
    ends = final.reindex(pd.MultiIndex.from_frame(table[["count", "arm"]])).to_numpy()
    stock = table["count"].isin(list(stocks))
    return table.assign(total=table["total"].where(~stock, ends), stock=stock)


def _by_period(long: pd.DataFrame, names: list[str], order: list[object]) -> pd.DataFrame:
    grouped = long.groupby(["count", "arm", "period"], sort=False)["value"]
    table = pd.DataFrame({"total": grouped.sum(min_count=1), "cells": grouped.count()}).reset_index()
    table["period"] = pd.Categorical(table["period"], categories=order, ordered=True)
    table = _in_order(table.sort_values(["arm", "period"]), names)
    return table.assign(period=table["period"].astype("str"))


def _in_order(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Rows in the order of the counts, then by arm as they stand."""
    rank = table["count"].map({name: place for place, name in enumerate(names)})
    return table.iloc[np.argsort(rank.to_numpy(), kind="stable")].reset_index(drop=True)


def _gaps(panel: pd.DataFrame, unit: str, period: str, order: list[object]) -> pd.DataFrame:
    full = pd.MultiIndex.from_product([pd.unique(panel[unit]), order], names=["unit", "period"])
    missing = full.difference(pd.MultiIndex.from_frame(panel[[unit, period]]), sort=False)
    return missing.to_frame(index=False)


def _undated(panel: pd.DataFrame, unit: str) -> int:
    if not {"pilot", "adopted"} <= set(panel.columns):
        return 0
    undated = panel["adopted"].isna() | (panel["adopted"] == "")
    return int(panel.loc[panel["pilot"].fillna(False).astype(bool) & undated, unit].nunique())
