"""What all tests share."""

from collections.abc import Callable, Generator
from io import BytesIO

import pytest
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
