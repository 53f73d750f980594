"""What all tests share."""

from collections.abc import Callable, Generator
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from openpyxl import load_workbook

collect_ignore_glob = ["reference/*"]  # scripts that made the stored results, with libraries of their own


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A system test that is skipped has not run: it counts as failed."""
    report = yield
    if report.skipped and item.get_closest_marker("system"):
        report.outcome = "failed"
        report.longrepr = f"system test was skipped: {report.longrepr}"
    return report


def fill(content: bytes, columns: tuple[str, ...], language: str, units: int = 15) -> bytes:
    """Type two periods of some townships into an empty workbook, as a person would."""
    yes, no = ("是", "否") if language == "zh" else ("yes", "no")
    book = load_workbook(BytesIO(content))
    for unit in range(units):
        for period in (2020, 2021):
            pilot = unit < units // 3
            typed = {
                "unit_name": f"{'甲乙丙丁戊己庚辛壬癸子丑寅卯辰'[unit]}镇",
                "county": "东县" if unit % 3 else "西县",
                "city": "甲市",
                "period": period,
                "pilot": yes if pilot else no,
                "adopted": "2021-05" if pilot else None,
                "losses": (7 * unit + period) % 4,
                "corrections": unit % 2,
                "lawsuits_filed": 9 + unit,
                "lawsuits_concluded": 8 + unit,
                "population": 20000 + 1000 * unit,
                "enforcement_own": 5 + (11 * unit + 3 * period) % 40,
                "enforcement_department": 60 + unit,
                "reviews": 10 + (13 * unit + 5 * period) % 50,
                "review_opinions": 5 + unit,
            }
            row = 2 + 2 * unit + period - 2020
            for number, name in enumerate(columns, start=1):
                if typed.get(name) is not None:
                    book.worksheets[0].cell(row, number, typed[name])
    packed = BytesIO()
    book.save(packed)
    return packed.getvalue()


@pytest.fixture(scope="session")
def fill_workbook() -> Callable[..., bytes]:
    """The function that fills the empty workbook of a study: content, its columns, language, units."""
    return fill


PROBE = {
    "parameters": 'language: str = "zh"  # l\ndata: str = ""  # d\noutcome: str = "losses"  # o',
    "reads": "import csv\nfrom reform_analysis import headlines, published\n"
    'rows = list(csv.DictReader(open(data, encoding="utf-8")))\n'
    "counts = {p: sum(int(row[outcome]) for row in rows if row['period'] == p) for p in ('2020', '2021')}\n"
    'print(f"{outcome}: {counts}")',
    "fits": 'result = published.compare_counts(counts["2021"], counts["2020"])\nresult',
    "records": "headlines.record(result)",
}
PROBE_STUDY = """title: 探针 | probe
data: 数据/面板.csv
notebooks: [笔记/probe.ipynb]
languages: [zh, en]
outcomes: [losses, corrections]
plan: plan.yaml
grid: { by: [outcome, language] }
"""
PROBE_PLAN = """title: Losses
alpha: 0.05
hypotheses:
  - id: H1
    statement: Losses fall.
    notebook: probe
    outcome: losses
    support: The interval lies below one.
    refutation: The interval holds one.
"""
PROBE_PANEL = "period,losses,corrections\n2020,53,24\n2021,32,20\n"


def write_probe(folder: Path) -> Path:
    """A study of one's own: a data file, a notebook that records an estimate, a frozen plan and a grid."""
    cells = [
        new_code_cell(source, metadata={"tags": ["parameters"]} if name == "parameters" else {}, id=name)
        for name, source in PROBE.items()
    ]
    cells.insert(1, new_markdown_cell("# Probe", id="title"))
    for name in ("数据", "笔记"):
        (folder / name).mkdir(parents=True)
    nbformat.write(new_notebook(cells=cells), folder / "笔记" / "probe.ipynb")
    (folder / "数据" / "面板.csv").write_text(PROBE_PANEL, encoding="utf-8")
    (folder / "plan.yaml").write_text(PROBE_PLAN, encoding="utf-8")
    (folder / "study.yaml").write_text(PROBE_STUDY, encoding="utf-8")
    from reform_analysis import plan_record  # other tests do without

    plan_record.freeze(folder / "plan.yaml")
    return folder


@pytest.fixture(scope="session")
def probe_study() -> Callable[[Path], Path]:
    """The function that writes that study into a folder."""
    return write_probe


@pytest.fixture(scope="session")
def probe_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of that study: four reports. It is not to be changed."""
    from reform_analysis import report  # other tests do without its second

    folder = write_probe(tmp_path_factory.mktemp("probe") / "我的 study")
    run = report.render(folder / "study.yaml", out=folder / "reports")
    assert run.complete, run.failed
    return run.folder
