"""Columns of the canonical panel: one row a unit and period.

`PANEL` is the one place where a column's name, type, titles, description, unit and bounds stand.
"""

import re
from typing import Literal, get_args

import pandera.pandas as pa

from reform_analysis.columns import column
from reform_analysis.estimates import DataError
from reform_analysis.periods import PERIOD, date_parts

DateBasis = Literal["filed", "decided"]
LossDefinition = Literal["strict", "with_compensation", "with_withdrawal"]

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "date_basis": get_args(DateBasis),
    "loss_definition": get_args(LossDefinition),
}


def _is_date(text: str) -> bool:
    """Whether a text is empty, a year, a month or a day of the calendar."""
    try:
        date_parts(text)
    except DataError:
        return False
    return True


def _text(
    title: tuple[str, str],
    description: tuple[str, str],
    *checks: pa.Check,
    blank: bool = False,
    optional: bool = False,
) -> pa.Column:
    return column("string", title, description, *checks, blank=blank, optional=optional)


_AS_PUBLISHED = (
    "Number of the period, counted as the published figure of this id.",
    "本期数，口径同公布数字中的同名项。",
)


def _count(unit: str, title: tuple[str, str], description: tuple[str, str] = _AS_PUBLISHED) -> pa.Column:
    """A count a panel may lack, and may lack for some rows."""
    least = pa.Check.ge(0, error="must be at least 0")
    return column("integer", title, description, least, nullable=True, unit=unit, optional=True)


def _rate(
    title: tuple[str, str], description: tuple[str, str], *, unit: str = "ratio", share: bool = True
) -> pa.Column:
    """A printed or computed rate; a share lies between 0 and 1."""
    if share:
        bound = pa.Check.in_range(0, 1, error="must lie between 0 and 1 (4.9% is 0.049)")
    else:
        bound = pa.Check.ge(0, error="must be at least 0")
    return column("number", title, description, bound, nullable=True, unit=unit, optional=True)


_KEYS = {
    "unit_id": _text(
        ("Unit", "单位标识"),
        (
            "Identifier of the township, the same in every period; a text, even if it looks like a number.",
            "乡镇（街道）标识，各期一致；即使形如数字也是文本。",
        ),
    ),
    "unit_name": _text(("Name", "单位名称"), ("Name of the township or street.", "乡镇（街道）名称。")),
    "county": _text(
        ("County", "县（市、区）"),
        (
            "County the unit lies in. A panel may lack it; then nothing is clustered, summed or left out by "
            "county.",
            "所属县（市、区）。面板可以没有此列，但不能按县聚类、合计或逐一剔除。",
        ),
        optional=True,
    ),
    "city": _text(
        ("City", "设区市"),
        (
            "City the county lies in. A panel may lack it; then nothing is clustered, assigned or left out "
            "by city.",
            "所属设区市。面板可以没有此列，但不能按市聚类、在市内重新指派或逐一剔除。",
        ),
        optional=True,
    ),
    "period": _text(
        ("Period", "时期"),
        (
            "2021, 2021H1 or 2021Q2; one frequency a panel.",
            "年（2021）、半年（2021H1）或季（2021Q2）；一份面板只用一种频率。",
        ),
        pa.Check.str_matches(rf"^(?:{PERIOD})\Z", error="must be like 2021, 2021H1 or 2021Q2"),
    ),
    "pilot": column(
        "boolean",
        ("Pilot", "试点"),
        ("True if the unit was chosen as a pilot.", "选为试点则为真。"),
    ),
    "adopted": _text(
        ("Adopted", "实施日期"),
        (
            "Year, month or day the unit took up the reform (2021, 2021-05, 2021-05-17); empty if never.",
            "开始实施改革的年、月或日（2021、2021-05、2021-05-17）；从未实施则空。",
        ),
        pa.Check(
            _is_date, element_wise=True, error="must be empty, or a date like 2021, 2021-05, 2021-05-17"
        ),
        blank=True,
    ),
}

_OUTCOMES = {
    "losses": _count(
        "case",
        ("Administrative litigation losses", "行政诉讼败诉"),
        (
            "First-instance cases the unit lost; which count as lost is said by loss_definition.",
            "一审败诉案件；何为败诉，由 loss_definition 说明。",
        ),
    ),
    "corrections": _count(
        "case",
        ("Reconsideration corrections", "行政复议被纠错"),
        ("Reconsideration cases in which the unit's act was corrected.", "行政行为被复议纠错的案件。"),
    ),
    "losses_net_of_series": _count(
        "case",
        ("Litigation losses net of series", "系列案计一件的败诉"),
        (
            "losses, each batch of suits over one act of the unit counted once.",
            "losses 中因同一行政行为引发的系列诉讼只计一件。",
        ),
    ),
    "corrections_net_of_series": _count(
        "case",
        ("Reconsideration corrections net of series", "系列案计一件的被纠错"),
        (
            "corrections, each batch of reconsideration cases over one act of the unit counted once.",
            "corrections 中因同一行政行为引发的系列复议只计一件。",
        ),
    ),
}

_DENOMINATORS = {
    "lawsuits_filed": _count(
        "case",
        ("Lawsuits filed", "行政诉讼收案"),
        ("First-instance cases filed in the period.", "本期受理的一审案件。"),
    ),
    "lawsuits_concluded": _count(
        "case",
        ("Lawsuits concluded", "行政诉讼审结"),
        (
            "First-instance cases concluded in the period, rulings included, "
            "non-litigation enforcement excluded.",
            "本期审结的一审案件，含裁定结案，不含非诉执行案件。",
        ),
    ),
    "reconsiderations_filed": _count(
        "case",
        ("Reconsiderations filed", "行政复议收案"),
        ("Reconsideration cases accepted in the period.", "本期受理的复议案件。"),
    ),
    "reconsiderations_concluded": _count(
        "case",
        ("Reconsiderations concluded", "行政复议审结"),
        ("Reconsideration cases concluded in the period.", "本期审结的复议案件。"),
    ),
    "disputes": _count(
        "case",
        ("Administrative disputes", "行政争议发案量"),
        ("Administrative disputes that arose in the period.", "本期发生的行政争议。"),
    ),
    "population": _count("person", ("Residents", "常住人口"), ("Residents of the unit.", "辖区常住人口。")),
}

_MEASURES = {
    "enforcement_own": _count(
        "case",
        ("Enforcement in the township's own name", "以镇街名义执法"),
        ("Enforcement cases handled in the township's own name.", "以乡镇（街道）名义办理的执法案件。"),
    ),
    "enforcement_department": _count(
        "case",
        ("Enforcement in the name of higher-level departments", "以上级部门名义执法"),
        ("Enforcement cases handled in a department's name.", "以上级部门名义办理的执法案件。"),
    ),
    "reviews": _count(
        "case",
        ("Legality reviews", "开展合法性审查"),
        ("Legality reviews carried out.", "开展的合法性审查。"),
    ),
    "review_opinions": _count(
        "item",
        ("Legality review opinions", "提出合法性审查意见"),
        ("Opinions given in legality reviews.", "合法性审查中提出的意见。"),
    ),
}

# Ids and titles of data/published/figures.csv; a test holds that they agree.
_DOMAINS = {
    "leadership_meetings": _count(
        "event", ("Leadership meetings on rule-of-law work", "党政班子专题研究法治工作")
    ),
    "coordination_staff": _count(
        "person",
        ("Full-time staff of the rule-of-law coordination offices", "法治建设统筹协调办事机构专职人员"),
    ),
    "staff_law_degree": _count(
        "person",
        (
            "Coordination staff with a bachelor's degree or higher in law",
            "专职人员中法律专业本科以上学历者",
        ),
    ),
    "staff_bar_qualified": _count(
        "person",
        (
            "Coordination staff with the national legal professional qualification",
            "专职人员中具有国家统一法律职业资格者",
        ),
    ),
    "governance_mechanisms": _count("mechanism", ("New social governance mechanisms", "新建社会治理机制")),
    "disputes_screened": _count("case", ("Disputes found by screening", "排查矛盾纠纷")),
    "disputes_mediated": _count("case", ("Disputes mediated", "调处化解矛盾纠纷")),
    "petition_backlog_resolved": _count("case", ("Backlog petition cases resolved", "化解信访积案")),
    "officers": _count("person", ("Enforcement officers", "现有执法人员")),
    "auxiliary_officers": _count("person", ("Auxiliary enforcement officers", "现有执法辅助人员")),
    "enforcement_appraisals": _count("event", ("Enforcement appraisals", "执法评议")),
    "case_file_reviews": _count("case", ("Enforcement case-file reviews", "执法案卷评查")),
    "democratic_villages": _count(
        "village",
        (
            "New democratic rule-of-law villages (communities), provincial level or above",
            "新建省级以上民主法治村（社区）",
        ),
    ),
    "publicity_sites": _count("site", ("New legal publicity sites", "新增法治宣传阵地")),
    "rule_of_law_leaders": _count("person", ("New rule-of-law leaders", "新增“法治带头人”")),
    "law_savvy_residents": _count("person", ("New law-savvy residents", "新增“法律明白人”")),
    "publicity_events": _count("event", ("Legal publicity events", "法治宣传活动")),
    "digital_projects": _count("project", ("New digital projects for legal work", "新建涉法数字化项目")),
    "digital_spending": column(
        "number",
        ("Spending on digital projects for legal work", "涉法数字化投入经费"),
        _AS_PUBLISHED,
        pa.Check.ge(0, error="must be at least 0"),
        nullable=True,
        unit="wan_yuan",
        optional=True,
    ),
    "fengqiao_stations": _count(
        "site",
        (
            "New Fengqiao-style stations (police, justice, court, procuratorate)",
            "新建成“枫桥式”派出所、司法所、法庭、检察室",
        ),
    ),
}

OUTCOMES = tuple(_OUTCOMES)
DENOMINATORS = tuple(_DENOMINATORS)
MEASURES = tuple(_MEASURES)
DOMAINS = tuple(_DOMAINS)
COUNTS = (*OUTCOMES, *DENOMINATORS, *MEASURES, *(name for name in DOMAINS if name != "digital_spending"))

_RATES = {
    "loss_rate": _rate(
        ("Loss rate", "败诉率"),
        ("losses / lawsuits_concluded, as a share.", "败诉件数除以一审审结件数，以小数计。"),
    ),
    "correction_rate": _rate(
        ("Correction rate", "复议纠错率"),
        ("corrections / reconsiderations_concluded, as a share.", "纠错件数除以复议审结件数，以小数计。"),
    ),
    "devolution_share": _rate(
        ("Devolution share", "执法下沉比重"),
        (
            "enforcement_own / (enforcement_own + enforcement_department), as a share.",
            "以镇街名义执法占全部执法的比重，以小数计。",
        ),
    ),
    "opinions_per_review": _rate(
        ("Opinions per review", "每件审查意见数"),
        ("review_opinions / reviews.", "审查意见数除以审查件数。"),
        share=False,
    ),
    "reviews_per_1000": _rate(
        ("Reviews per 1,000 residents", "每千人审查件数"),
        ("1000 reviews / population.", "审查件数除以常住人口，乘以1000。"),
        share=False,
    ),
}

_NAMES = "|".join(COUNTS)
_FAMILIES = {
    rf"^(?:{_NAMES})_previous$": column(
        "integer",
        ("Base as printed", "所载上年同期数"),
        (
            "What this period's table prints for the same count one year earlier; it must agree with the "
            "count in that period's own row.",
            "本期报表所载上年同期数，须与该期本行所载一致。",
        ),
        pa.Check.ge(0, error="must be at least 0"),
        nullable=True,
        optional=True,
        family="*_previous",
    ),
    rf"^(?:{_NAMES})_growth$": column(
        "number",
        ("Growth as printed", "所载同比增减"),
        (
            "Printed change of the count against one year earlier, as a fraction (-40% is -0.4); it must "
            "agree with the counts. The growth of a zero is undefined and stays empty.",
            "报表所载同比增减，以小数计（-40%即-0.4），须与件数相符；上年为零则无定义，留空。",
        ),
        pa.Check.ge(-1, error="must be at least -1 (a count cannot fall by more than all)"),
        nullable=True,
        optional=True,
        family="*_growth",
    ),
}

_SYNTHETIC = column(
    "boolean",
    ("Synthetic", "合成数据"),
    ("True if the row was made up; real panels lack the column.", "合成的行则为真；真实面板无此列。"),
    optional=True,
)

PANEL = pa.DataFrameSchema(
    {
        **_KEYS,
        **_OUTCOMES,
        **_DENOMINATORS,
        **_MEASURES,
        **_DOMAINS,
        **_RATES,
        **_FAMILIES,
        "synthetic": _SYNTHETIC,
    },
    title="Township panel",
    description=(
        "One row a unit and period. A count that is not known is missing, never 0; other columns are free "
        "covariates. The panel's attributes say how cases are dated (date_basis: filed or decided) and "
        "which count as lost (loss_definition: strict, with_compensation or with_withdrawal)."
    ),
    metadata={
        "title_zh": "乡镇（街道）面板",
        "description_zh": (
            "每行一个单位、一个时期。未知的件数为缺失，不是零；其余各列为自选协变量。面板属性说明案件按何日期归期"
            "（date_basis：filed 立案、decided 裁判）及何为败诉（loss_definition：strict 狭义、"
            "with_compensation 含判令赔偿或补偿、with_withdrawal 含撤诉）。"
        ),
        "key": ("unit_id", "period"),
    },
)


def kind_of(name: str) -> str:
    """Return the declared type of a column of the panel.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        "string", "integer", "number", "boolean", or "" for a covariate the declaration does not know.

    Examples
    --------
    >>> kind_of("losses"), kind_of("losses_previous"), kind_of("gdp")
    ('integer', 'integer', '')
    """
    if name in PANEL.columns:
        return str(PANEL.columns[name].metadata["type"])
    families = [field for pattern, field in PANEL.columns.items() if field.regex and re.match(pattern, name)]
    return str(families[0].metadata["type"]) if families else ""
