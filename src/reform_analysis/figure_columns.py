"""Columns of the published and the context figures, and of the concurrent reforms."""

from typing import Literal

import pandera.pandas as pa

from reform_analysis.columns import column, one_of

ValueKind = Literal["exact", "lower bound", "upper bound", "about"]
ChangeKind = Literal["percent", "more than", "nearly"]
Level = Literal["input", "activity", "outcome"]
PlaceLevel = Literal["city", "court", "county", "province", "nation"]
BearsOn = Literal["pilots", "controls", "both", "outcome"]

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
        "description_zh": "行名，供函数与笔记本使用。",
        "required": True,
    },
)

_QUOTE = column(
    "string",
    ("Quote", "原文"),
    (
        "Words of the source that hold the figure, verbatim, at most 40 characters.",
        "含该数的原文，逐字，至多40字。",
    ),
    pa.Check.str_length(max_value=40, error="must have at most 40 characters"),
)
_VALUE_KIND = column(
    "string",
    ("Kind of value", "数值性质"),
    (
        "exact, lower bound, upper bound or about; empty without a value.",
        "确数、下限、上限或约数；无数值则空。",
    ),
    one_of(ValueKind, blank=True),
    blank=True,
)
_VALUE = column(
    "number",
    ("Value", "数值"),
    (
        "The figure, in `unit`; empty where the source gives only a change.",
        "以 unit 为单位的数；来源只给增幅则空。",
    ),
    nullable=True,
)
_UNIT = column(
    "string",
    ("Unit", "单位"),
    ("Unit code of the value; empty without a value.", "数值的单位代码；无数值则空。"),
    blank=True,
)
_NOTE = column(
    "string",
    ("Note", "备注"),
    ("What a reader has to know; for doubtful rows the reason.", "读者须知；存疑者注明理由。"),
    blank=True,
)
_NOTE_ZH = column(
    "string", ("Note (Chinese)", "备注（中文）"), ("The same in Chinese.", "备注的中文。"), blank=True
)

FIGURES = pa.DataFrameSchema(
    {
        "domain": column(
            "integer",
            ("Domain", "领域"),
            (
                "Subsection (1 to 10) of the article's section 3; empty outside the ten.",
                "文章第三部分的小节（1至10）；十项之外则空。",
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
                "89 pilots（89个试点）、province（全省），或文中地名。",
            ),
        ),
        "period": column(
            "string",
            ("Period", "时期"),
            (
                "'2021', 'since 2021' (no end date given), 'since launch' or 'undated'.",
                "2021、since 2021（自2021年以来，未注明截止）、since launch（自试点以来）"
                "或 undated（未注明）。",
            ),
            pa.Check.isin(["2021", "since 2021", "since launch", "undated"], error="unknown period"),
        ),
        "change_pct": column(
            "number",
            ("Change (%)", "增减（%）"),
            ("Printed change against the base period, signed, in percent.", "较基期的增减，带符号，百分比。"),
            pa.Check.ge(-100, error="must be at least -100"),
            nullable=True,
        ),
        "change_kind": column(
            "string",
            ("Kind of change", "增减性质"),
            (
                "percent, more than or nearly; empty without a change.",
                "percent（百分比）、more than（超过）、nearly（接近）；无则空。",
            ),
            one_of(ChangeKind, blank=True),
            blank=True,
        ),
        "base_period": column(
            "string",
            ("Base period", "基期"),
            ("Period the change is measured against; empty without a change.", "增减的比较时期；无则空。"),
            pa.Check.isin(["", "2020", "undated"], error="must be empty, '2020' or 'undated'"),
            blank=True,
        ),
        "level": column(
            "string",
            ("Level", "层次"),
            ("input, activity or outcome.", "input（投入）、activity（活动）、outcome（结果）。"),
            one_of(Level),
        ),
        "doubtful": column(
            "boolean",
            ("Doubtful", "存疑"),
            ("True if the source contradicts itself; see note.", "来源自相矛盾则为真，见备注。"),
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
    metadata={"title_zh": "公布的数字", "description_zh": "文章第三、四部分的每一个数字，一行一数。"},
)

CONTEXT = pa.DataFrameSchema(
    {
        "place_zh": column("string", ("Place (Chinese)", "地方"), ("Place, in Chinese.", "地名。")),
        "place_en": column(
            "string", ("Place (English)", "地方（英文）"), ("Place, in English.", "地名的英文。")
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
            ("Year, or first..last.", "年份，或 起..止。"),
            pa.Check.str_matches(
                r"^\d{4}(-\d\d)?(\.\.\d{4}(-\d\d)?)?$", error="must be a year, a month or first..last"
            ),
        ),
        "measure_zh": column(
            "string", ("Measure (Chinese)", "指标"), ("What is measured, in Chinese.", "指标。")
        ),
        "measure_en": column(
            "string", ("Measure (English)", "指标（英文）"), ("What is measured, in English.", "指标的英文。")
        ),
        "value": _VALUE,
        "value_kind": _VALUE_KIND,
        "unit": _UNIT,
        "change": column(
            "number",
            ("Change", "增减"),
            ("Printed change of this value, in `change_unit`.", "该数的增减，单位见 change_unit。"),
            nullable=True,
        ),
        "change_unit": column(
            "string",
            ("Unit of change", "增减单位"),
            ("percent or points; empty without a change.", "percent（百分比）或 points（百分点）；无则空。"),
            pa.Check.isin(["", "percent", "points"], error="must be empty, 'percent' or 'points'"),
            blank=True,
        ),
        "base_period": column(
            "string",
            ("Base period", "基期"),
            ("Period of comparison; empty without a change.", "比较时期；无则空。"),
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

REFORMS = pa.DataFrameSchema(
    {
        "date": column(
            "string",
            ("Date", "日期"),
            (
                "Year, month or day, as the source or its table gives it; empty if undated.",
                "年、月或日，依来源或其表；未注明则空。",
            ),
            pa.Check.str_matches(r"^([0-9]{4}(-[0-9]{2}){0,2})?\Z", error="must be a date or empty"),
            blank=True,
        ),
        "place_zh": column("string", ("Place (Chinese)", "地方"), ("Place, in Chinese.", "地名。")),
        "place_en": column(
            "string", ("Place (English)", "地方（英文）"), ("Place, in English.", "地名的英文。")
        ),
        "place_level": column(
            "string",
            ("Level of place", "层级"),
            ("city, court, county, province or nation.", "市、法院、县、省或全国。"),
            one_of(PlaceLevel),
        ),
        "bears_on": column(
            "string",
            ("Bears on", "所及"),
            (
                "pilots or controls alone, both, or outcome: how cases are heard, counted or rewarded.",
                "pilots（试点）、controls（对照）、both（两者），或 outcome（案件如何审理、计数、考核）。",
            ),
            one_of(BearsOn),
        ),
        "reform_zh": column("string", ("Reform (Chinese)", "改革"), ("What was done.", "内容。")),
        "reform_en": column(
            "string", ("Reform (English)", "改革（英文）"), ("The same in English.", "内容的英文。")
        ),
        "quote": column(
            "string",
            ("Quote", "原文"),
            ("Words of the source, verbatim, at most 40 characters.", "原文，逐字，至多40字。"),
            pa.Check.str_length(max_value=40, error="must have at most 40 characters"),
        ),
        "url": column(
            "string",
            ("Address", "网址"),
            ("Page it was seen on; empty for the article.", "所见网页；出自文章则空。"),
            pa.Check.str_matches(r"^(http.*)?\Z", error="must be an address or empty"),
            blank=True,
        ),
        "note": _NOTE,
        "note_zh": _NOTE_ZH,
    },
    index=_ID,
    strict=True,
    ordered=True,
    title="Concurrent reforms",
    description=(
        "What else happened to townships, controls and courts, as far as the article and the context pages "
        "say. It is not complete: a reform without a source is not here."
    ),
    metadata={
        "title_zh": "同期改革",
        "description_zh": "文章与背景网页所载、与试点同期的其他改革。本表不全：无出处者不收。",
    },
)
