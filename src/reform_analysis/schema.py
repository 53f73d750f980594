"""Columns of every table, declared once.

A declaration validates the frame, prints the data dictionary and gives the Table Schema of the data
package; title and description stand in it, in both languages, and nowhere else.
"""

from typing import Any, Literal

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from reform_analysis.columns import column, one_of
from reform_analysis.estimates import DataError

ValueKind = Literal["exact", "lower bound", "upper bound", "about"]
ChangeKind = Literal["percent", "more than", "nearly"]
Level = Literal["input", "activity", "outcome"]
PlaceLevel = Literal["city", "court", "county", "province", "nation"]

PUBLISHED_SCOPES = ("89 pilots", "province")
_ID = pa.Index(
    str,
    [pa.Check.str_matches(r"^[a-z][a-z0-9_]*$", error="must be lower-case letters, digits and _")],
    unique=True,
    name="id",
    title="Identifier",
    description="Name of the row, used by the functions and notebooks.",
    metadata={
        "type": "string",
        "title_zh": "标识",
        "description_zh": "行名,供函数与笔记本使用。",
        "required": True,
    },
)

_QUOTE = column(
    "string",
    ("Quote", "原文"),
    (
        "Words of the source that hold the figure, verbatim, at most 40 characters.",
        "含该数的原文,逐字,至多40字。",
    ),
    pa.Check.str_length(max_value=40, error="must have at most 40 characters"),
)
_VALUE_KIND = column(
    "string",
    ("Kind of value", "数值性质"),
    (
        "exact, lower bound, upper bound or about; empty without a value.",
        "确数、下限、上限或约数;无数值则空。",
    ),
    one_of(ValueKind, blank=True),
    blank=True,
)
_VALUE = column(
    "number",
    ("Value", "数值"),
    (
        "The figure, in `unit`; empty where the source gives only a change.",
        "以 unit 为单位的数;来源只给增幅则空。",
    ),
    nullable=True,
)
_UNIT = column(
    "string",
    ("Unit", "单位"),
    ("Unit code of the value; empty without a value.", "数值的单位代码;无数值则空。"),
    blank=True,
)
_NOTE = column(
    "string",
    ("Note", "备注"),
    ("What a reader has to know; for doubtful rows the reason.", "读者须知;存疑者注明理由。"),
    blank=True,
)
_NOTE_ZH = column(
    "string", ("Note (Chinese)", "备注(中文)"), ("The same in Chinese.", "备注的中文。"), blank=True
)

FIGURES = pa.DataFrameSchema(
    {
        "domain": column(
            "integer",
            ("Domain", "领域"),
            (
                "Subsection (1 to 10) of the article's section 3; empty outside the ten.",
                "文章第三部分的小节(1至10);十项之外则空。",
            ),
            pa.Check.in_range(1, 10, error="must lie between 1 and 10"),
            nullable=True,
        ),
        "label_zh": column(
            "string", ("Label (Chinese)", "名称"), ("What is counted, in Chinese.", "所计事项。")
        ),
        "label_en": column(
            "string", ("Label (English)", "英文名称"), ("What is counted, in English.", "所计事项的英文。")
        ),
        "value": _VALUE,
        "value_kind": _VALUE_KIND,
        "unit": _UNIT,
        "scope": column(
            "string",
            ("Scope", "范围"),
            (
                "'89 pilots', 'province', or the place as the article names it.",
                "89 pilots(89个试点)、province(全省),或文中地名。",
            ),
        ),
        "period": column(
            "string",
            ("Period", "时期"),
            (
                "'2021', 'since 2021' (no end date given), 'since launch' or 'undated'.",
                "2021、since 2021(自2021年以来,未注明截止)、since launch(自试点以来)或 undated(未注明)。",
            ),
            pa.Check.isin(["2021", "since 2021", "since launch", "undated"], error="unknown period"),
        ),
        "change_pct": column(
            "number",
            ("Change (%)", "增减(%)"),
            ("Printed change against the base period, signed, in percent.", "较基期的增减,带符号,百分比。"),
            pa.Check.ge(-100, error="must be at least -100"),
            nullable=True,
        ),
        "change_kind": column(
            "string",
            ("Kind of change", "增减性质"),
            (
                "percent, more than or nearly; empty without a change.",
                "percent(百分比)、more than(超过)、nearly(接近);无则空。",
            ),
            one_of(ChangeKind, blank=True),
            blank=True,
        ),
        "base_period": column(
            "string",
            ("Base period", "基期"),
            ("Period the change is measured against; empty without a change.", "增减的比较时期;无则空。"),
            pa.Check.isin(["", "2020", "undated"], error="must be empty, '2020' or 'undated'"),
            blank=True,
        ),
        "level": column(
            "string",
            ("Level", "层次"),
            ("input, activity or outcome.", "input(投入)、activity(活动)、outcome(结果)。"),
            one_of(Level),
        ),
        "doubtful": column(
            "boolean",
            ("Doubtful", "存疑"),
            ("True if the source contradicts itself; see note.", "来源自相矛盾则为真,见备注。"),
        ),
        "quote": _QUOTE,
        "note": _NOTE,
        "note_zh": _NOTE_ZH,
    },
    index=_ID,
    checks=[
        pa.Check(
            lambda frame: frame["change_pct"].isna() == (frame["change_kind"] == ""),
            error="change_pct and change_kind come together",
        ),
        pa.Check(
            lambda frame: frame["value"].isna() == (frame["value_kind"] == ""),
            error="value and value_kind come together",
        ),
        pa.Check(
            lambda frame: frame["value"].notna() | frame["change_pct"].notna(),
            error="a row needs a value or a change",
        ),
        pa.Check(
            lambda frame: ~frame["doubtful"] | (frame["note"] != ""),
            error="a doubtful row needs its reason in note",
        ),
    ],
    strict=True,
    ordered=True,
    title="Published figures",
    description="Every figure of sections 3 and 4 of the article, one row a figure.",
    metadata={"title_zh": "公布的数字", "description_zh": "文章第三、四部分的每一个数字,一行一数。"},
)

CONTEXT = pa.DataFrameSchema(
    {
        "place_zh": column("string", ("Place (Chinese)", "地方"), ("Place, in Chinese.", "地名。")),
        "place_en": column(
            "string", ("Place (English)", "地方(英文)"), ("Place, in English.", "地名的英文。")
        ),
        "place_level": column(
            "string",
            ("Level of place", "层级"),
            ("city, court, county, province or nation.", "市、法院、县、省或全国。"),
            one_of(PlaceLevel),
        ),
        "period": column(
            "string",
            ("Period", "时期"),
            ("Year, or first..last.", "年份,或 起..止。"),
            pa.Check.str_matches(
                r"^\d{4}(-\d\d)?(\.\.\d{4}(-\d\d)?)?$", error="must be a year, a month or first..last"
            ),
        ),
        "measure_zh": column(
            "string", ("Measure (Chinese)", "指标"), ("What is measured, in Chinese.", "指标。")
        ),
        "measure_en": column(
            "string", ("Measure (English)", "指标(英文)"), ("What is measured, in English.", "指标的英文。")
        ),
        "value": _VALUE,
        "value_kind": _VALUE_KIND,
        "unit": _UNIT,
        "change": column(
            "number",
            ("Change", "增减"),
            ("Printed change of this value, in `change_unit`.", "该数的增减,单位见 change_unit。"),
            nullable=True,
        ),
        "change_unit": column(
            "string",
            ("Unit of change", "增减单位"),
            ("percent or points; empty without a change.", "percent(百分比)或 points(百分点);无则空。"),
            pa.Check.isin(["", "percent", "points"], error="must be empty, 'percent' or 'points'"),
            blank=True,
        ),
        "base_period": column(
            "string",
            ("Base period", "基期"),
            ("Period of comparison; empty without a change.", "比较时期;无则空。"),
            blank=True,
        ),
        "quote": _QUOTE,
        "url": column(
            "string",
            ("Address", "网址"),
            ("Page the figure was seen on.", "数字所在网页。"),
            pa.Check.str_startswith("http", error="must be an address"),
        ),
        "note": _NOTE,
        "note_zh": _NOTE_ZH,
    },
    index=_ID,
    checks=[
        pa.Check(
            lambda frame: frame["change"].isna() == (frame["change_unit"] == ""),
            error="change and change_unit come together",
        )
    ],
    strict=True,
    ordered=True,
    title="Context figures",
    description="Figures on administrative litigation and reconsideration outside the article.",
    metadata={"title_zh": "背景数字", "description_zh": "文章之外的行政诉讼与行政复议数字。"},
)

TABLES: dict[str, pa.DataFrameSchema] = {"published/figures.csv": FIGURES, "context/context.csv": CONTEXT}


def validate(frame: pd.DataFrame, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Return `frame` if it meets the declaration, or name every fault at once.

    Parameters
    ----------
    frame : DataFrame
        The table to check.
    schema : pandera.pandas.DataFrameSchema
        Its declaration: `FIGURES` or `CONTEXT`.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        Listing column, row, value and rule of each fault.
    """
    try:
        return schema.validate(frame, lazy=True)
    except SchemaErrors as found:
        cases = found.failure_cases.drop_duplicates(["column", "check", "index"])
        faults = [
            f"column {c.column}, row {c.index}: {c.failure_case!r}: {c.check}" for c in cases.itertuples()
        ]
        raise DataError(
            f"{schema.title}: {len(faults)} fault(s); correct the table:\n  " + "\n  ".join(faults)
        ) from None


def table_schema(schema: pa.DataFrameSchema) -> dict[str, Any]:
    """Return the declaration as a Table Schema (Data Package v2).

    Parameters
    ----------
    schema : pandera.pandas.DataFrameSchema

    Returns
    -------
    dict
    """
    fields = []
    for name, field in _columns(schema):
        entry = {
            "name": name,
            "type": field.metadata["type"],
            "title": field.title,
            "description": field.description,
        }
        entry["constraints"] = {"required": field.metadata["required"]}
        fields.append(entry)
    return {"fields": fields, "primaryKey": ["id"], "missingValues": [""]}


def dictionary(schema: pa.DataFrameSchema, *, language: str = "en") -> str:
    """Return the data dictionary of a table in Markdown.

    Parameters
    ----------
    schema : pandera.pandas.DataFrameSchema
    language : {"en", "zh"}

    Returns
    -------
    str
        A heading, a sentence and one table row a column.
    """
    chinese = language == "zh"
    meta = schema.metadata or {}
    head = [
        f"### {meta['title_zh'] if chinese else schema.title}",
        "",
        meta["description_zh"] if chinese else schema.description,
        "",
    ]
    names = ("列", "类型", "名称", "说明") if chinese else ("Column", "Type", "Title", "Description")
    lines = [f"| {' | '.join(names)} |", "|---|---|---|---|"]
    for name, field in _columns(schema):
        title = field.metadata["title_zh"] if chinese else field.title
        description = field.metadata["description_zh"] if chinese else field.description
        lines.append(f"| `{name}` | {field.metadata['type']} | {title} | {description} |")
    return "\n".join([*head, *lines]) + "\n"


def _columns(schema: pa.DataFrameSchema) -> list[tuple[str, Any]]:
    return [(schema.index.name, schema.index), *schema.columns.items()]


def require_columns(figures: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in figures.columns]
    if missing:
        raise DataError(f"figures lack the columns {missing}; pass a frame such as load_figures() returns.")


def require_rows(figures: pd.DataFrame, ids: tuple[str, ...]) -> None:
    missing = [name for name in ids if name not in figures.index]
    if missing:
        raise DataError(
            f"figures have no usable row {missing}; there are {sorted(figures.index)}: "
            "add the rows, or name other ids."
        )
    repeated = figures.index[figures.index.duplicated()].unique().tolist()
    if repeated:
        raise DataError(f"figures have the ids {repeated} more than once; give each row its own.")
