"""Columns of the list of townships, of the renamed ones and of the former counties."""

import pandera.pandas as pa

from reform_analysis.columns import column

_COUNTY = column("string", ("County", "县（市、区）"), ("County, in full.", "县（市、区）全称。"))

_DATE = column(
    "string",
    ("Date", "日期"),
    (
        "Year, month or day of the change; empty where the source gives none.",
        "变更的年、月或日；来源未载则空。",
    ),
    pa.Check.str_matches(r"^([0-9]{4}(-[0-9]{2}){0,2})?\Z", error="must be a date or empty"),
    blank=True,
)
_SOURCE = {
    "quote": column(
        "string",
        ("Quote", "原文"),
        (
            "Words of the page, verbatim, at most 40 characters; … stands for words left out. Where it "
            "does not hold both names, the note says why the page is still the source.",
            "该页原文，逐字，至多40字；“…”为略去的文字。未同时含新旧名称的，备注说明何以仍为出处。",
        ),
        pa.Check.str_length(max_value=40, error="must have at most 40 characters"),
    ),
    "url": column(
        "string",
        ("Address", "网址"),
        ("Page the change was seen on.", "载明变更的网页。"),
        pa.Check.str_startswith("http", error="must be an address"),
    ),
    "note": column("string", ("Note", "备注"), ("What a reader has to know.", "读者须知。"), blank=True),
    "note_zh": column(
        "string", ("Note (Chinese)", "备注（中文）"), ("The same in Chinese.", "备注的中文。"), blank=True
    ),
}

TOWNSHIPS = pa.DataFrameSchema(
    {
        "city": column("string", ("City", "设区市"), ("City, in full.", "设区市全称。")),
        "county": _COUNTY,
        "township": column(
            "string",
            ("Township", "乡镇（街道）"),
            ("Township, town or street, in full.", "乡镇（街道）全称。"),
        ),
        "code9": column(
            "string",
            ("Code", "代码"),
            (
                "Nine-digit code of this list. Issuers' codes differ for 213 units: join on county and name.",
                "本名单的九位代码。各发布方的代码有213个不一致：请按县与名称连接。",
            ),
            pa.Check.str_matches(r"^[0-9]{9}\Z", error="must be nine digits"),
        ),
    },
    unique=["county", "township"],
    strict=True,
    ordered=True,
    title="Townships of Zhejiang",
    description=(
        "The 1,365 townships, towns and streets of the province on 31 December 2025. 38 names stand in more "
        "than one county."
    ),
    metadata={
        "title_zh": "浙江省乡镇（街道）名单",
        "description_zh": "2025年12月31日全省1365个乡镇（街道）。有38个名称不止一县使用。",
        "key": ("county", "township"),
    },
)

RENAMES = pa.DataFrameSchema(
    {
        "county": _COUNTY,
        "old_name": column("string", ("Former name", "原名"), ("Name before the change.", "变更前的名称。")),
        "township": column(
            "string", ("Township", "乡镇（街道）"), ("Name in the list of 2025.", "2025年名单中的名称。")
        ),
        "date": _DATE,
        **_SOURCE,
    },
    unique=["county", "old_name"],
    strict=True,
    ordered=True,
    title="Renamed townships",
    description=(
        "Former names of townships in the list of 2025, each with the page that says so. It is not complete: "
        "a former name without a source is not here."
    ),
    metadata={
        "title_zh": "更名的乡镇（街道）",
        "description_zh": "2025年名单所列乡镇（街道）的原名，逐一注明出处。本表不全：无出处者不收。",
        "key": ("county", "old_name"),
    },
)

FORMER_COUNTIES = pa.DataFrameSchema(
    {
        "former_county": column(
            "string",
            ("Former county", "原县（市、区）"),
            ("County before the change.", "变更前的县（市、区）。"),
        ),
        "county": column(
            "string",
            ("County", "县（市、区）"),
            ("County in the list of 2025.", "2025年名单中的县（市、区）。"),
        ),
        "townships": column(
            "string",
            ("Townships", "乡镇（街道）"),
            (
                "Units that the source names as moved, by their names in the list of 2025, joined by 、; "
                "empty where the former county became, or became part of, the county as a whole.",
                "来源点名划转的乡镇（街道），用2025年名单中的名称，以“、”相连；"
                "原县整体改设或并入的，此列空。",
            ),
            blank=True,
        ),
        "date": _DATE,
        **_SOURCE,
    },
    unique=["former_county", "county"],
    strict=True,
    ordered=True,
    title="Former counties",
    description=(
        "Counties that were renamed, merged or lost townships to another one, each with the page that says "
        "so. It is not complete: a change without a source is not here."
    ),
    metadata={
        "title_zh": "原县（市、区）",
        "description_zh": "更名、合并或划出乡镇（街道）的县（市、区），逐一注明出处。"
        "本表不全：无出处者不收。",
        "key": ("former_county", "county"),
    },
)
