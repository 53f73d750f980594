"""Rules of the canonical panel: every breach at once, with sheet, row, column, value and rule."""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors

from reform_analysis.cells import UNITS, half_width
from reform_analysis.estimates import DataError, require_choice
from reform_analysis.messages import Message, lines, message
from reform_analysis.panel_columns import ATTRIBUTES, COUNTS, OUTCOMES, PANEL
from reform_analysis.panel_types import CELLS, Fault, require_plain, settle_types
from reform_analysis.periods import PERIOD, frequency
from reform_analysis.rate_counts import RATES

_AT_MOST = {
    "losses": "lawsuits_concluded",
    "corrections": "reconsiderations_concluded",
    "losses_net_of_series": "losses",
    "corrections_net_of_series": "corrections",
}
_WITHIN_UNIT = ("county", "city", "pilot", "adopted")
_Ratio = tuple[int, int, Fraction | None]

_DOUBLE = 4 * Fraction(2) ** -52  # a rate that was computed, not printed, carries a few roundings of a double
_PRINTED = re.compile(r"[-+]?[\d,\s]*(?:\.(?P<places>\d*))?\s*(?P<unit>[^-+\d.,\s]*)")


def validate_panel(frame: pd.DataFrame, *, cells: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the panel in its declared types, or name all its faults at once.

    Beside each column's own declaration (`panel_columns.PANEL`) these rules hold: a unit and period stand
    once; a unit lies in one county and a county in one city; pilot status and adoption are constant within
    a unit; where any unit has a date of adoption every pilot has one (others may have one too, for the reform
    was rolled out); one frequency a panel; ``losses <= lawsuits_concluded`` and ``corrections <=
    reconsiderations_concluded`` (not against filed: a case lost this year may have been filed last year);
    counts net of series are at most the counts; a printed rate is its counts' ratio, rounded or cut at its
    last printed decimal; a base printed a year later (``losses_previous``) is the count of that year's own
    row, and printed growth (``losses_growth``, against one year earlier whatever the frequency) is the
    counts' growth.

    Parameters
    ----------
    frame : DataFrame
        One row a unit and period. Columns that the declaration does not know are covariates.
    cells : DataFrame, optional
        Where the values stood: columns ``row`` (position, from 0), ``column``, ``sheet``, ``excel_row``,
        ``excel_column``, ``raw``, and optionally ``unit``, the header's for bare numbers (% of 败诉率(%)).
        Faults then name the cell, or the row of a value that has none of its own, as an identifier made of
        names; printed decimals are read off `raw` and `unit`.

    Returns
    -------
    DataFrame
        A copy, index 0, 1, 2, ...: counts Int64, rates float, texts str with "" for empty. ``attrs`` are
        kept; ``attrs["synthetic"]`` is True if it was or if any row says so.

    Raises
    ------
    DataError
        Listing every fault, or naming an attribute with an unknown value, columns of several levels, or
        `cells` without its columns.

    Examples
    --------
    >>> place = {"unit_name": "甲镇", "county": "乙县", "city": "丙市", "pilot": False, "adopted": ""}
    >>> row = {"unit_id": "1", "period": 2021, **place, "losses": 7, "lawsuits_concluded": 143}
    >>> validate_panel(pd.DataFrame([row]))["period"].tolist()
    ['2021']
    """
    for name, choices in ATTRIBUTES.items():
        if name in getattr(frame, "attrs", {}):
            require_choice(f"attrs[{name!r}]", frame.attrs[name], choices)
    settled, faults = _check(frame, cells)
    if faults:
        listed = _located(faults, settled, cells)
        told = [message("cell.line", fault=fault) for fault in listed]
        raise DataError(lines(message("panel_fault.head", n=len(faults)), *told))
    made_up = "synthetic" in settled and bool(settled["synthetic"].any())
    settled.attrs["synthetic"] = made_up or bool(frame.attrs.get("synthetic", False))
    return settled


def panel_faults(frame: pd.DataFrame, *, cells: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the faults of a panel as a table.

    Parameters
    ----------
    frame : DataFrame
        As in `validate_panel`.
    cells : DataFrame, optional
        As in `validate_panel`.

    Returns
    -------
    DataFrame
        One row a fault; columns ``sheet, excel_row, excel_column, row, column, value, rule``. `row` is the
        position from 0. What is not known (a fault of the whole table, no `cells`, the letter of a value
        without a cell of its own) is missing.
    """
    faults = _check(frame, cells)[1]
    table = pd.DataFrame([vars(fault) for fault in faults], columns=["row", "column", "value", "rule"])
    table = table.astype({"row": "Int64", "column": "str", "value": "object", "rule": "str"})
    places = _Places(cells)
    found = [places.of(row, column) for row, column in zip(table["row"], table["column"], strict=True)]
    where = pd.DataFrame(found, columns=["sheet", "excel_row", "excel_column"], dtype="object")
    return pd.concat([where, table], axis=1)


def _check(frame: pd.DataFrame, cells: pd.DataFrame | None) -> tuple[pd.DataFrame, list[Fault]]:
    """Settle the types, then apply every rule; one fault a cell, the first found."""
    require_plain(frame, cells)
    settled, faults = settle_types(frame.reset_index(drop=True))
    faults += [fault for rule in _RULES for fault in rule(settled)]
    faults += _unique(settled, _Places(cells))
    faults += _rates(settled, cells) + _growth(settled, cells)
    cell_faults = {(f.row, f.column): f for f in reversed(faults) if f.row is not None}
    whole = [fault for fault in faults if fault.row is None]
    return settled, whole + [cell_faults[key] for key in sorted(cell_faults, key=_position)]


def _position(key: tuple[int | None, str]) -> tuple[int, str]:
    return (-1 if key[0] is None else key[0]), key[1]


def _at(
    frame: pd.DataFrame, wrong: pd.Series, column: str, rule: str | pd.Series | Callable[[int], str]
) -> list[Fault]:
    """One fault a row where `wrong` holds; a rule may be text, a text each row, or made from the row."""
    rows = np.flatnonzero(wrong.fillna(False).to_numpy(dtype=bool)).tolist()
    if isinstance(rule, pd.Series):
        rules = rule.iloc[rows].tolist()
    else:
        rules = [rule if isinstance(rule, str) else rule(row) for row in rows]
    return [Fault(int(r), column, frame[column].iloc[r], text) for r, text in zip(rows, rules, strict=True)]


def _declared(frame: pd.DataFrame) -> list[Fault]:
    """The columns' own declarations, by pandera."""
    try:
        PANEL.validate(frame, lazy=True)
    except SchemaErrors as found:
        return [
            Fault(None, "", case.failure_case, message("panel_fault.column", name=case.failure_case))
            if pd.isna(case.index)
            else Fault(int(case.index), case.column, case.failure_case, case.check)
            for case in found.failure_cases.itertuples()
        ]
    return []


def _some_content(frame: pd.DataFrame) -> list[Fault]:
    faults = [] if len(frame) else [Fault(None, "", 0, message("panel_fault.rows"))]
    if not set(OUTCOMES) & set(frame.columns):
        rule = message("panel_fault.outcome", names=list(OUTCOMES))
        faults.append(Fault(None, "", list(frame.columns), rule))
    return faults


def _unique(frame: pd.DataFrame, places: "_Places") -> list[Fault]:
    if not {"unit_id", "period"} <= set(frame.columns):
        return []
    again = frame.duplicated(["unit_id", "period"])
    if not again.any():
        return []
    first = frame.groupby(["unit_id", "period"], sort=False)["unit_id"].transform(lambda ids: ids.index[0])
    rules = "a unit and period may stand only once; this row repeats " + first.map(
        lambda row: places.row(int(row))
    )
    return _at(frame, again, "unit_id", rules)


def _constant(frame: pd.DataFrame) -> list[Fault]:
    """What may not change within a unit, and a county's city."""
    faults = []
    pairs = [("unit_id", column, message(f"panel_fault.within_{column}")) for column in _WITHIN_UNIT]
    pairs.append(("county", "city", message("panel_fault.county_city")))
    for group, column, rule in pairs:
        if {group, column} <= set(frame.columns):
            faults += _unlike(frame, group, column, rule)
    return faults


def _unlike(frame: pd.DataFrame, group: str, column: str, rule: str) -> list[Fault]:
    """Rows that differ from the commonest value of their group (the first of equally common ones)."""
    several = frame.groupby(group)[column].transform("nunique") > 1
    some = frame.loc[several, [group, column]]
    usual = some.groupby(group)[column].agg(lambda values: values.value_counts(sort=False).idxmax())
    expected = frame[group].map(usual)
    return _at(
        frame,
        several & (frame[column] != expected),
        column,
        lambda row: message("panel_fault.elsewhere", rule=rule, value=repr(expected.iloc[row])),
    )


def _dated_pilots(frame: pd.DataFrame) -> list[Fault]:
    """A pilot without a date beside dated units would count as never treated."""
    if not {"pilot", "adopted"} <= set(frame.columns) or not (frame["adopted"] != "").any():
        return []
    rule = message("panel_fault.dated")
    return _at(frame, frame["pilot"] & (frame["adopted"] == ""), "adopted", rule)


def _one_frequency(frame: pd.DataFrame) -> list[Fault]:
    if "period" not in frame.columns:
        return []
    good = frame["period"].str.fullmatch(PERIOD)
    letters = frame["period"].where(good).map(frequency, na_action="ignore")
    if letters.nunique() < 2:
        return []
    usual = letters.value_counts(sort=False).idxmax()
    other = good & (letters != usual)
    example = frame.loc[good & (letters == usual), "period"].iloc[0]
    return _at(frame, other, "period", message("panel_fault.frequency", example=example))


def _bounded(bound: str, values: pd.Series, row: int) -> Message:
    return message("panel_fault.at_most", bound=bound, value=str(values.iloc[row]))


def _at_most(frame: pd.DataFrame) -> list[Fault]:
    faults = []
    for count, bound in _AT_MOST.items():
        if {count, bound} <= set(frame.columns):
            rule = partial(_bounded, bound, frame[bound])
            faults += _at(frame, frame[count] > frame[bound], count, rule)
    return faults


_RULES: tuple[Callable[[pd.DataFrame], list[Fault]], ...] = (
    _declared,
    _some_content,
    _constant,
    _dated_pilots,
    _one_frequency,
    _at_most,
)


def _rates(frame: pd.DataFrame, cells: pd.DataFrame | None) -> list[Fault]:
    """Printed rates against the counts they are made of."""
    faults = []
    for name, rate in RATES.items():
        if {name, rate.numerator, *rate.denominator} <= set(frame.columns):
            below = frame[list(rate.denominator)].sum(axis=1, skipna=False)
            formula = f"{rate.numerator} / {' + '.join(rate.denominator)}"
            faults += _misprinted(
                frame, name, _ratio(frame[rate.numerator], below, rate.scale), formula, cells
            )
    return faults


def _growth(frame: pd.DataFrame, cells: pd.DataFrame | None) -> list[Fault]:
    """Printed bases and growth rates against the rows of one year earlier."""
    faults: list[Fault] = []
    if not {"unit_id", "period"} <= set(frame.columns):
        return faults
    for count in (name for name in COUNTS if name in frame.columns):
        printed, growth = f"{count}_previous", f"{count}_growth"
        if not {printed, growth} & set(frame.columns):
            continue
        base = _year_earlier(frame, count)
        if printed in frame.columns:
            rule = "the base was revised: the row of one year earlier says " + base.astype("str")
            faults += _at(frame, frame[printed] != base, printed, rule)
            base = frame[printed].fillna(base)
        if growth in frame.columns:
            formula = f"{count} / {count} of one year earlier - 1"
            faults += _misprinted(frame, growth, _ratio(frame[count], base, less=1), formula, cells)
    return faults


def _year_earlier(frame: pd.DataFrame, count: str) -> pd.Series:
    """The unit's count in the same period of the year before; missing where there is no such row."""
    good = frame["period"].str.fullmatch(PERIOD)
    before = frame["period"].where(good, "0001")
    before = (before.str[:4].astype(int) - 1).astype("str").str.zfill(4) + before.str[4:]
    rows = frame[good].drop_duplicates(["unit_id", "period"]).set_index(["unit_id", "period"])[count]
    found = rows.reindex(pd.MultiIndex.from_arrays([frame["unit_id"], before]))
    return found.reset_index(drop=True)


def _ratio(above: pd.Series, below: pd.Series, scale: int = 1, less: int = 0) -> dict[int, _Ratio]:
    """The exact ``scale * above / below - less`` of each row where both are known."""
    known = np.flatnonzero((above.notna() & below.notna()).to_numpy())
    tops, bottoms = above.iloc[known].astype(int), below.iloc[known].astype(int)
    return {
        int(row): (top, bottom, Fraction(scale * top, bottom) - less if bottom else None)
        for row, top, bottom in zip(known, tops, bottoms, strict=True)
    }


def _misprinted(
    frame: pd.DataFrame, name: str, ratios: dict[int, _Ratio], formula: str, cells: pd.DataFrame | None
) -> list[Fault]:
    """Rows whose printed number is not that of their counts."""
    raw, faults = _raw(cells, name), []
    unknown = (None, "")
    for row, printed in enumerate(frame[name].tolist()):
        if row not in ratios or np.isnan(printed):
            continue
        top, bottom, true = ratios[row]
        if true is None or not _prints_as(true, printed, _decimals(*raw.get(row, unknown), printed)):
            value = "which has no value: leave the cell empty" if true is None else f"so {float(true):.4g}"
            rule = f"contradicts its counts: {formula} is {top} / {bottom}, {value}"
            faults.append(Fault(row, name, printed, rule))
    return faults


def _prints_as(true: Fraction, printed: float, decimals: int) -> bool:
    """Whether `true` prints as `printed`, rounded or cut towards zero at that decimal."""
    unit, shown = Fraction(10) ** -decimals, round(Fraction(repr(printed)), decimals)
    rounded = abs(shown - true) <= unit / 2 + _DOUBLE * abs(true)
    cut = true * shown >= 0 and 0 <= abs(true) - abs(shown) < unit
    return rounded or cut


def _decimals(raw: object, unit: str, printed: float) -> int:
    """Decimals a number was printed with, by its cell or, failing that, by itself.

    Of 4.9% three, as of 4.9 under a header with (%): a printed unit of ten times a power counts with it.
    """
    text = half_width(raw) if isinstance(raw, str) else ""
    found = _PRINTED.fullmatch(text) if text else None
    unit = (found["unit"].lower() or unit) if found else ""
    if found and (not unit or unit in UNITS):
        factor = UNITS[unit][1] if unit else Decimal(1)
        return len(found["places"] or "") - factor.adjusted()
    shortest = Decimal(f"{printed:.12g}").normalize()
    return max(0, -int(shortest.as_tuple().exponent))


def _raw(cells: pd.DataFrame | None, column: str) -> dict[int, tuple[object, str]]:
    """The cells' own content and the unit of the header, by row, of one column."""
    if cells is None:
        return {}
    own = cells[cells["column"] == column]
    units = own["unit"] if "unit" in own.columns else [""] * len(own)
    return dict(zip(own["row"].astype(int), zip(own["raw"], units, strict=True), strict=True))


class _Places:
    """Where the values of a panel stood."""

    def __init__(self, cells: pd.DataFrame | None) -> None:
        self.cells: dict[tuple[int, str], tuple[object, ...]] = {}
        self.rows: dict[int, tuple[object, ...]] = {}
        if cells is not None:
            for row, column, *place in cells[list(CELLS)].itertuples(index=False, name=None):
                self.cells.setdefault((int(row), column), tuple(place))
                self.rows.setdefault(int(row), tuple(place[:2]))

    def of(self, row: Any, column: str) -> tuple[object, object, object]:
        """Sheet, row and letter of a value; without a cell of its own, those of its row."""
        if pd.isna(row):
            return None, pd.NA, None
        sheet, excel_row, letter, *_ = self.cells.get((int(row), column), (None, pd.NA, None))
        if letter is None and int(row) in self.rows:
            sheet, excel_row = self.rows[int(row)]
        return sheet, excel_row, letter

    def row(self, row: int) -> str:
        """A row by its sheet and number there, or by its position in the panel."""
        if row not in self.rows:
            return f"row {row}"
        sheet, excel_row = self.rows[row]
        return f"sheet {sheet!r}, row {excel_row}" if sheet else f"row {excel_row} of the file"


def _located(faults: Iterable[Fault], frame: pd.DataFrame, cells: pd.DataFrame | None) -> list[str]:
    """One line a fault: where, what, why."""
    places = _Places(cells)
    found: list[str] = []
    for fault in faults:
        if fault.row is None:
            found.append(fault.rule)
            continue
        sheet, excel_row, letter, raw = places.cells.get((fault.row, fault.column), (None,) * 4)
        value = fault.value if raw is None else raw
        where = places.row(fault.row) + _keys(fault.row, frame)
        if letter is not None:
            kind = "sheet_cell" if sheet else "cell"
            named = {"sheet": sheet} if sheet else {}
            where = message(f"panel_fault.{kind}", cell=f"{letter}{excel_row}", **named)
        told = {"where": where, "column": fault.column, "value": repr(value), "rule": fault.rule}
        found.append(message("panel_fault.line", **told))
    return found


def _keys(row: int, frame: pd.DataFrame) -> str:
    keys = [str(frame[name].iloc[row]) for name in ("unit_id", "period") if name in frame.columns]
    return f" ({', '.join(keys)})" if keys else ""
