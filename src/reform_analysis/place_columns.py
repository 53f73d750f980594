"""Columns of the list of townships and of the renamed ones."""

import pandera.pandas as pa

from reform_analysis.columns import column

_COUNTY = column("string", ("County", "县（市、区）"), ("County, in full.", "县（市、区）全称。"))

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
        "date": column(
            "string",
            ("Date", "日期"),
            (
                "Year, month or day of the change; empty where the source gives none.",
                "变更的年、月或日；来源未载则空。",
            ),
            pa.Check.str_matches(r"^([0-9]{4}(-[0-9]{2}){0,2})?\Z", error="must be a date or empty"),
            blank=True,
        ),
        "quote": column(
            "string",
            ("Quote", "原文"),
            ("Words of the page, verbatim, at most 40 characters.", "该页原文，逐字，至多40字。"),
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
