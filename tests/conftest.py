"""What all tests share."""

from collections.abc import Generator

import pytest

collect_ignore_glob = ["reference/*"]  # scripts that made the stored results, with libraries of their own


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A system test that is skipped has not run: it counts as failed."""
    report = yield
    if report.skipped and item.get_closest_marker("system"):
        report.outcome = "failed"
        report.longrepr = f"system test was skipped: {report.longrepr}"
    return report
