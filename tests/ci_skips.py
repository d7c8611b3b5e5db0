"""A pytest plugin: with ``CI`` set, a skipped test fails the run, unless its reason is expected.

What a test needs and a laptop may lack, continuous integration installs; a skip there means that
something is no longer tested.
"""

import os
from collections.abc import Generator

import pytest

# Beginnings of the reasons for which a test may be skipped in CI too.
EXPECTED: tuple[str, ...] = ("only for ../shared",)


def unexpected(reports: list[pytest.TestReport | pytest.CollectReport]) -> list[str]:
    """Return "test: reason" for each skip whose reason is not expected."""
    found = []
    for report in reports:
        _, _, reason = report.longrepr if isinstance(report.longrepr, tuple) else ("", 0, "")
        reason = str(reason).removeprefix("Skipped: ")
        if not reason.startswith(EXPECTED):
            found.append(f"{report.nodeid}: {reason}")
    return found


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, None, None]:
    yield
    if os.environ.get("CI") and (skips := unexpected(terminalreporter.stats.get("skipped", []))):
        terminalreporter.section("skipped, though CI is to run it", red=True)
        for skip in skips:
            terminalreporter.write_line(skip)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("CI") and session.exitstatus == 0 and unexpected(skipped):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
