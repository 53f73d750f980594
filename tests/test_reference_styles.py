"""References against the examples that GB/T 7714-2015 and the APA manual print."""

import re

import pytest

from reform_analysis import cite
from reform_analysis.estimates import DataError
from reform_analysis.reference_styles import STYLES, formatted


def item(kind: str, authors: str, title: str, **fields: object) -> dict:
    names = [
        {"family": name.split(",")[0], "given": name.split(",")[1].strip()}
        if "," in name
        else {"literal": name}
        for name in authors.split(";")
    ]
    return {
        "id": "k",
        "type": kind,
        "author": names,
        "title": title,
        **{k.replace("_", "-"): v for k, v in fields.items()},
    }


def dated(*parts: int) -> dict:
    return {"date-parts": [list(parts)]}


# Examples of GB/T 7714-2015 (section 8 and annex A), with a space after each mark as in the standard's text.
STANDARD = [
    (
        item(
            "article-journal",
            "李,炳穆",
            "韩国图书馆法",
            container_title="图书情报工作",
            issued=dated(2008),
            volume="56",
            issue="2",
            page="6-12",
        ),
        "李炳穆. 韩国图书馆法[J]. 图书情报工作, 2008, 56(2): 6-12.",
    ),
    (
        item(
            "article-journal",
            "Kanamori,Hiroo",
            "Shaking without quaking",
            container_title="Science",
            issued=dated(1998),
            volume="279",
            issue="5359",
            page="2063",
        ),
        "KANAMORI H. Shaking without quaking[J]. Science, 1998, 279(5359): 2063.",
    ),
    (
        item(
            "article-journal",
            "袁,训来;陈,哲;肖,书海;万,斌",
            "蓝田生物群: 一个认识多细胞生物起源和早期演化的新窗口",
            container_title="科学通报",
            issued=dated(2012),
            volume="55",
            issue="34",
            page="3219",
        ),
        "袁训来, 陈哲, 肖书海, 等. 蓝田生物群: 一个认识多细胞生物起源和早期演化的新窗口[J]. "
        "科学通报, 2012, 55(34): 3219.",
    ),
    (
        item(
            "book",
            "徐,光宪;王,祥云",
            "物质结构",
            edition="2",
            publisher="科学出版社",
            publisher_place="北京",
            issued=dated(2010),
        ),
        "徐光宪, 王祥云. 物质结构[M]. 2版. 北京: 科学出版社, 2010.",
    ),
    (
        item(
            "report",
            "World Health Organization",
            "Factors regulating the immune response: report of WHO Scientific Group",
            publisher="WHO",
            publisher_place="Geneva",
            issued=dated(1970),
        ),
        "World Health Organization. Factors regulating the immune response: report of WHO "
        "Scientific Group[R]. Geneva: WHO, 1970.",
    ),
    (
        item(
            "article-newspaper",
            "李,勇",
            "“一带一路”助推非洲工业化(国际论坛)",
            container_title="人民日报",
            issued=dated(2017, 5, 3),
            page="03",
        ),
        "李勇. “一带一路”助推非洲工业化(国际论坛)[N]. 人民日报, 2017-05-03(03).",
    ),
    (
        item(
            "paper-conference",
            "Fourney,M E",
            "Advances in holographic photoelasticity",
            container_title="Symposium on Applications of Holography in Mechanics",
            publisher="ASME",
            publisher_place="New York",
            issued=dated(1971),
            page="17-38",
        ),
        "FOURNEY M E. Advances in holographic photoelasticity[C]//Symposium on Applications "
        "of Holography in Mechanics. New York: ASME, 1971: 17-38.",
    ),
]


@pytest.mark.parametrize(("reference", "printed"), STANDARD)
def test_gbt7714_prints_the_standards_examples(reference: dict, printed: str) -> None:
    assert formatted(reference, "gbt7714") == printed


def test_gbt7714_without_volume_and_with_more_than_three_latin_names() -> None:
    four = item(
        "article-journal",
        "Gu,Kangxia;Ng,Hon Keung Tony;Tang,Man Lai;Schucany,William R.",
        "T",
        container_title="J",
        issued=dated(2008),
        issue="4",
    )
    assert formatted(four, "gbt7714") == "GU K, NG H K T, TANG M L, et al. T[J]. J, 2008(4)."


APA = [
    (
        "liang1986",
        "Liang, K.-Y., & Zeger, S. L. (1986). Longitudinal data analysis using generalized "
        "linear models. Biometrika, 73(1), 13–22.",
    ),
    (
        "cohen1988",
        "Cohen, J. (1988). Statistical power analysis for the behavioral sciences (2nd ed.). "
        "Lawrence Erlbaum Associates.",
    ),
    (
        "neyman1959",
        "Neyman, J. (1959). Optimal asymptotic tests of composite statistical hypotheses. In "
        "U. Grenander (Ed.), Probability and statistics: The Harald Cramér volume (pp. "
        "213–234). Wiley.",
    ),
    (
        "chen2024",
        "Chen, J., & Roth, J. (2024). Logs with zeros? Some problems and solutions. The "
        "Quarterly Journal of Economics, 139(2), 891–936.",
    ),
]


@pytest.mark.parametrize(("key", "printed"), APA)
def test_apa_by_the_manuals_templates(key: str, printed: str) -> None:
    assert formatted(cite.catalogue()[key], "apa") == printed


def test_bibtex_escapes_and_keeps_capitals() -> None:
    entry = formatted(cite.catalogue()["hausman1984"], "bibtex")
    assert entry.startswith(
        "@article{hausman1984,\n  author = {Hausman, Jerry and Hall, Bronwyn H. and Griliches, Zvi},\n"
    )
    assert (
        "title = {{Econometric models for count data with an application to the patents-R\\&D "
        "relationship}}," in entry
    )
    assert "pages = {909--938}," in entry


@pytest.mark.parametrize("key", list(cite.catalogue()))
@pytest.mark.parametrize("style", STYLES)
def test_every_reference_in_every_style(key: str, style: str) -> None:
    text = formatted(cite.catalogue()[key], style)
    assert not re.search(r"None|\bnan\b|\(\)|, ,|\.\.|: \.|  (?!\w+ = )", text)
    if style == "bibtex":
        assert text.count("{") == text.count("}")
        assert not re.search(r"(?<!\\)[&%#]", text)


def test_unknown_kinds_and_styles_are_named() -> None:
    with pytest.raises(DataError, match="type must be one of"):
        formatted(item("song", "A,B", "t"), "apa")
    with pytest.raises(DataError, match="style must be one of"):
        formatted(cite.catalogue()["holm1979"], "mla")
