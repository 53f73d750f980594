"""In a study whose language is Chinese the command line speaks Chinese; elsewhere it speaks English."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reform_analysis import scaffold
from reform_analysis.cli import main
from reform_analysis.estimates import DataError
from reform_analysis.messages import message
from reform_analysis.speech import refusal, spoken

ENGLISH = re.compile(r"[A-Za-z]+ [a-z]+ [a-z]+|^Error|No faults|is ready")  # three words in a row, or a lead


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new study in Chinese, which is the current folder."""
    folder = scaffold.write_study(tmp_path / "研究", language="zh")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def zh_run(probe_study: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a run of a study in Chinese, and what rendering it printed."""
    folder = probe_study(tmp_path_factory.mktemp("zh") / "我的研究")
    text = (folder / "study.yaml").read_text(encoding="utf-8").replace("[zh, en]", "[zh]")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    said = spoken_text("render", folder / "study.yaml", "--out", folder / "reports", code=0)
    return next((folder / "reports").glob("*/run.json")).parent, said


def test_a_run_is_told_in_chinese(zh_run: tuple[Path, str]) -> None:
    folder, said = zh_run
    *reports, last = said.splitlines()
    lines = [re.sub(r"\d+\.\d 秒", "<n> 秒", line) for line in reports]
    assert "probe（losses、zh）：probe.losses.zh.html，<n> 秒" in lines
    assert last == f"{folder}（2份报告，完成2份）"


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(main, list(map(str, arguments)))


def without_commands(said: str) -> str:
    """The text without the commands that it proposes."""
    return re.sub("reform-analysis( [a-z]+)+", "", said)


def spoken_text(*arguments: str | Path, code: int) -> str:
    """What a command prints, which is Chinese throughout."""
    done = run(*arguments)
    assert done.exit_code == code, (done.output, done.exception)
    assert re.search("[\u4e00-\u9fff]", done.output)
    assert not ENGLISH.search(without_commands(done.output)), done.output
    return str(done.output)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("languages: [zh]\n", "zh"),
        ("languages: [zh, en]\n", "zh"),
        ("languages: [en, zh]\n", "en"),
        ("title: zh\nlanguages:\n- en  # zh\n", "en"),
        ("languages:  # en\n  - 'zh'\ntitle: en\n", "zh"),
        ("languages:\n  [\n    zh,\n  ]\n", "zh"),
        ('\ufefflanguages: ["zh"]\nnonsense: [', "zh"),
        ("title: zh\n", "en"),
        ("languages: [fr]\ntitle: zh\n", "en"),
        ("", "en"),
    ],
)
def test_the_first_language_of_the_study_counts(text: str, language: str, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    assert spoken(None, tmp_path) == language
    assert spoken(None, tmp_path / "study.yaml") == language


def test_the_study_is_found_above_what_a_command_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "study.yaml").write_text("languages: [zh]", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("languages: [zh]", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert spoken(None) == "en"
    assert spoken(None, None, "a/reports/1") == "zh"
    assert spoken(None, "a/none.yaml") == "zh"
    assert spoken(None, "b.yaml") == "zh"
    assert spoken("en", "a") == "en"
    assert spoken("fr", "a") == "zh"
    monkeypatch.chdir(tmp_path / "a")
    assert spoken(None, tmp_path) == "zh"


def test_an_error_without_chinese_gets_a_chinese_lead_that_names_the_command() -> None:
    deep, known = DataError("no rank"), DataError(message("refused.kernel"))
    assert refusal(deep, "zh", command="cite") == "错误：cite 没有完成，程序的原文（英文）：no rank"
    assert refusal(deep, "en", command="cite") == "Error: no rank"
    assert refusal(known, "zh", command="render") == "错误：缺少内核python3；请安装ipykernel。"


@pytest.mark.parametrize("asked", [(), ("study.yaml",), ("--language", "zh")])
@pytest.mark.usefixtures("study")
def test_a_dry_run_counts_in_chinese(asked: tuple[str, ...]) -> None:
    said = spoken_text("render", "--only", "02", "--dry-run", *asked, code=0)
    assert said == "02_panel.zh\n共1份报告；没有运行。\n"
    english = run("render", "--only", "02", "--dry-run", "--language", "en")
    assert english.output.endswith("1 reports; nothing was run.\n")


def edited(study: Path, text: str) -> None:
    with (study / "study.yaml").open("a", encoding="utf-8") as file:
        file.write(text)


def broken(study: Path, name: str) -> None:
    (study / "notebooks" / name).write_text("{}", encoding="utf-8")


REFUSED: dict[str, tuple[Callable[[Path], Any], tuple[str, ...], str]] = {
    "no study file": (lambda _: None, ("没有.yaml",), "研究文件 没有.yaml 无法读取（没有这个文件或文件夹）"),
    "unknown key": (
        lambda s: edited(s, "otcomes: [losses]\n"),
        (),
        "没有“otcomes”这个键；是否想写“outcomes”？",
    ),
    "wrong type": (lambda s: edited(s, "outcomes: losses\nseed: a\n"), (), "outcomes须为列表，现为'losses'"),
    "key twice": (lambda s: edited(s, "languages: [en]\n"), (), "键“languages”出现两次"),
    "no mapping": (lambda s: (s / "a.yaml").write_text("- a"), ("a.yaml",), "须由`key: value`的行组成"),
    "no data file": (lambda s: edited(s, "data: 没有.xlsx\n"), (), "data须为文件，现为“没有.xlsx”"),
    "no notebook": (lambda s: edited(s, "plan: 没有.yaml\n"), (), "分析计划"),
    "no such notebook": (lambda _: None, ("--only", "12"), "没有名称以“12”开头的笔记本"),
    "broken notebook": (lambda s: broken(s, "02_panel.ipynb"), (), "不是第4版格式的笔记本"),
    "no parameter": (lambda _: None, ("-p", "ci_levl=0.9"), "没有声明参数“ci_levl”；是否想写“ci_level”？"),
    "wrong value": (lambda _: None, ("-p", "ci_level=a"), "须为float，现为'a'；请写数字，如0.95"),
    "no language": (lambda _: None, ("--language", "fr"), "没有语言“fr”；可用的有：en、zh"),
    "shard": (lambda _: None, ("--shard", "3/2"), "shard须为i/n"),
    "where": (lambda _: None, ("--where", "county=a"), "“county”不是网格的键"),
    "no grid column": (
        lambda s: edited(s, "grid: {by: [conty]}\n"),
        (),
        "面板中没有这一列；是否想写“county”？",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_render_refuses_is_named_in_chinese(case: str, study: Path) -> None:
    spoil, arguments, expected = REFUSED[case]
    spoil(study)
    said = spoken_text("render", *arguments, code=1)
    assert said.startswith("错误：")
    assert expected in said
    assert not (study / "reports" / "cache").exists()


@pytest.mark.usefixtures("study")
def test_an_output_without_chinese_letters_is_no_crash() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reform_analysis.cli", "render", "--only", "02", "--dry-run"],
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert rb"\u5171" in done.stdout


FILLED = "statement: 败诉下降\n    support: 区间在1以下\n    refutation: 区间含1"


def planned(study: Path) -> Path:
    """The study with a plan that can be frozen, and is named."""
    text = "title: 计划\nalpha: 0.05\nhypotheses:\n  - id: H1\n    notebook: 04_pilot_effect\n"
    (study / "plan.yaml").write_text(f"{text}    outcome: losses\n    {FILLED}\n", encoding="utf-8")
    edited(study, "plan: plan.yaml\n")
    return study / "plan.yaml"


def test_freezing_and_checking_a_plan_is_told_in_chinese(study: Path) -> None:
    planned(study)
    assert "没有冻结" in spoken_text("plan", "check", code=3)
    said = spoken_text("plan", "freeze", code=0)
    assert re.match(r"第1版已冻结，时间 [-\d]{10} [:\d]{8} UTC。\nSHA-256 [0-9a-f]{64}\n", said)
    assert "study.yaml 没有指定数据文件。在 reports 中没有找到就自己的数据出的报告。" in said
    assert said.endswith("已记录在 plan.frozen.json；请提交它，并将它或它的SHA-256存证。\n")
    assert "No report on own data was found" in (study / "plan.frozen.json").read_text(encoding="utf-8")
    assert "计划《计划》" in spoken_text("plan", "check", code=0)
    assert "计划已经冻结，是第1版" in spoken_text("plan", "freeze", code=1)
    (study / "plan.yaml").write_text("# \n" + planned(study).read_text(encoding="utf-8"), encoding="utf-8")
    (study / "study.yaml").write_text("languages: [zh]\n", encoding="utf-8")
    assert "中有冻结的计划，不会被覆盖" in spoken_text("plan", "freeze", code=1)
    assert "注意：study.yaml 没有`plan:`一行" in spoken_text("plan", "freeze", "--amend", "补充", code=0)


def test_a_plan_is_not_held_against_a_study_that_names_another(study: Path) -> None:
    planned(study)
    (study / "study.yaml").write_text("languages: [zh]\nplan: other.yaml\n", encoding="utf-8")
    assert "注意：study.yaml 指定的是另一份计划 other.yaml" in spoken_text("plan", "freeze", code=0)


PLANS: dict[str, tuple[Callable[[Path], Any], tuple[str, ...], str]] = {
    "no plan": (
        lambda s: (s / "plan.yaml").unlink(),
        (),
        "分析计划 plan.yaml 无法读取（没有这个文件",
    ),
    "unknown key": (
        lambda s: planned(s).write_text("titel: a\nalpha: 0\n", encoding="utf-8"),
        (),
        "没有“titel”这个键；是否想写“title”？",
    ),
    "incomplete": (lambda _: None, (), "每个假设都须填写statement、outcome、support、refutation"),
    "no study": (planned, ("--study", "没有.yaml"), "--study须为文件，现为 没有.yaml"),
    "no reason": (planned, ("--amend", " "), "--amend须用文字写明理由"),
    "nothing to amend": (planned, ("--amend", "补充"), "这份尚未冻结"),
    "broken record": (
        lambda s: (planned(s), (s / "plan.frozen.json").write_text("{")),
        (),
        "计划的记录 plan.frozen.json 无法读取",
    ),
}


@pytest.mark.parametrize("case", PLANS)
def test_what_freezing_refuses_is_named_in_chinese(case: str, study: Path) -> None:
    spoil, arguments, expected = PLANS[case]
    spoil(study)
    said = run("plan", "freeze", *arguments)
    assert said.exit_code == 1
    assert expected in said.stderr
    assert case == "broken record" or not ENGLISH.search(said.output), said.output  # pydantic's own words


def test_headings_of_deviations_are_refused_in_chinese(study: Path) -> None:
    planned(study)
    text = "## 2026-11-24 · H7 · post · x\n## 2026-13-01 · H1 · post · x\n## x · H1 · post · x\n## 改\n"
    (study / "deviations.md").write_text(text, encoding="utf-8")
    said = spoken_text("plan", "check", code=1)
    assert "没有编号为“H7”的假设；是否想写“H1”？可用的有：H1、plan" in said
    assert "日历上没有这一天" in said
    assert "标题须写作" in said


def test_a_run_is_packed_and_verified_in_chinese(zh_run: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = zh_run
    assert spoken_text("pack", folder.parent, code=0).startswith(f"已写出{folder}.pack.zip（")
    (folder.parents[1] / "x.zip").write_bytes(b"x")
    assert "已有别的内容" in spoken_text("pack", folder, "--out", folder.parents[1] / "x.zip", code=1)
    assert "--include须为研究文件夹之内的文件" in spoken_text("pack", folder, "--include", tmp_path, code=1)
    assert "--statement须为UTF-8编码的文本" in spoken_text("pack", folder, "--statement", "没有.md", code=1)
    assert "请去掉其中之一" in spoken_text(
        "pack", folder, "--without-data", "--include", folder.parents[1] / "数据" / "面板.csv", code=1
    )
    packed = f"{folder}.pack.zip"
    assert "没有运行任何程序。" in spoken_text("verify", packed, code=0)
    assert "没有运行。同意则回答y" in spoken_text("verify", packed, "--rerun", code=3)
    assert "--data须为文件，现为 没有.csv" in spoken_text("verify", packed, "--data", "没有.csv", code=3)
    assert "包内没有的文件" in spoken_text("verify", packed, "--data", packed, code=3)
    spoken_text("pack", folder, "--without-data", "--out", folder.parent / "b.zip", code=0)
    lacking = spoken_text("verify", folder.parent / "b.zip", "--rerun", "--yes", code=3)
    assert "包内没有“数据/面板.csv”；请用--data给出文件" in lacking


def test_what_pack_and_verify_refuse_is_named_in_chinese(zh_run: tuple[Path, str], tmp_path: Path) -> None:
    base = shutil.copytree(zh_run[0].parents[1], tmp_path / "研究")
    folder = base / "reports" / zh_run[0].name
    assert "RUN须为一次运行的文件夹" in spoken_text("pack", base / "没有", code=1)
    assert "错误：复现包须为zip压缩文件" in spoken_text("verify", base / "plan.yaml", code=3)
    assert "（没有这个文件或文件夹）" in spoken_text("verify", base / "没有.zip", code=3)
    (base / "数据" / "面板.csv").write_text("x")
    assert "已改动或缺失；请重新运行render，或加--without-data" in spoken_text("pack", folder, code=1)
    (base / "笔记" / "probe.ipynb").write_text("{}")
    assert "笔记本 probe 须与运行时一样" in spoken_text("pack", folder, code=1)
    edited(base, "# \n")
    assert "研究文件须为运行时所用的那一份" in spoken_text("pack", folder, code=1)
    next(folder.glob("*.html")).write_text("x")
    assert "运行的文件须与写出时一样，以下不同或缺失：probe" in spoken_text("pack", folder, code=1)


def test_a_new_study_is_announced_in_its_language(study: Path) -> None:
    said = spoken_text("init", "新的研究", code=0)
    assert said == "新的研究 已写好。接下来：进入该文件夹，运行 reform-analysis render --only 02\n"
    assert "languages: [zh]" in (study / "新的研究" / "study.yaml").read_text(encoding="utf-8")
    assert run("init", "new", "--language", "en").output.startswith("new is ready. Next: go there")
    assert "中已有文件；请换一个名称" in spoken_text("init", "新的研究", code=1)
    assert "FOLDER须为新的，现为文件" in spoken_text("init", "plan.yaml", code=1)
    assert "请先建立" in spoken_text("init", "没有/研究", code=1)
    assert "FOLDER不能是当前文件夹" in spoken_text("init", ".", code=1)
    assert "它含有某些文件系统不允许的字符；" in spoken_text("init", "a?b", code=1)


def test_what_cite_refuses_is_named_in_chinese(study: Path) -> None:
    assert "不存在" in spoken_text("cite", "reports/没有", code=1)
    assert "现为 data；请写reports中的一次运行" in spoken_text("cite", "data", code=1)
    (study / "a.ipynb").write_text("x")
    assert "REPORT须为笔记本，a.ipynb 不是" in spoken_text("cite", "a.ipynb", code=1)


PANEL = "unit_id,unit_name,county,city,period,pilot,adopted,losses,lawsuits_concluded\n"
ROWS = "1,甲镇,乙县,丙市,2020,true,2021-05,1,5\n1,甲镇,{county},丙市,2021,{pilot},2021-05,{losses},5\n"
FAULTY = {
    "a dash": (
        {"losses": "—"},
        "单元格H3（losses）：“—”是横线；请写明dash_means（命令行用--dash-means）为missing",
    ),
    "no number": ({"losses": "两件"}, "1个单元格无法读取；请在文件中改正：\n  工作表“面板.csv”，单元格H3"),
    "not whole": ({"losses": "1.5"}, "“1.5”不是整数；请填件数"),
    "too many": ({"losses": "7"}, "单元格H3，losses列：'7'：至多为lawsuits_concluded，即5"),
    "two counties": ({"county": "丁县"}, "一个单位只属于一个县；别处为"),
    "no flag": ({"pilot": "也许"}, "须写明是或否"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_what_validate_finds_is_named_in_chinese(case: str, study: Path) -> None:
    changed, expected = FAULTY[case]
    row = {"county": "乙县", "pilot": "true", "losses": "0", **changed}
    (study / "data" / "面板.csv").write_text(PANEL + ROWS.format(**row), encoding="utf-8")
    assert expected in spoken_text("validate", "data/面板.csv", code=1)


def test_files_that_validate_cannot_read_are_named_in_chinese(study: Path) -> None:
    (study / "空.csv").write_text("")
    (study / "头.csv").write_text(PANEL, encoding="utf-8")
    (study / "好.csv").write_text(
        PANEL + ROWS.format(county="乙县", pilot="true", losses=0), encoding="utf-8"
    )
    (study / "缺.csv").write_text("unit_name,period,losses\n甲镇,2020,1\n", encoding="utf-8")
    assert "没有这个文件" in spoken_text("validate", "没有.xlsx", code=1)
    assert "空.csv 是空的" in spoken_text("validate", "空.csv", code=1)
    assert "头.csv：" in spoken_text("validate", "头.csv", code=1)
    assert "须有pilot列" in spoken_text("validate", "缺.csv", code=1)
    assert "没有错误。" in spoken_text("validate", "好.csv", code=0)
    assert "--sheet须为 好.csv 的工作表" in spoken_text("validate", "好.csv", "--sheet", "a", code=1)
    assert "No faults." in run("validate", "好.csv", "--language", "en").output
