"""Write the table of docs/interop.md: one row for each marker ``interop`` of the tests, if all of them passed.

A row is claimed by ``@pytest.mark.interop("PyTorch", "what", reads="exact", writes="rounding")``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

START, END = "<!-- table -->\n", "<!-- /table -->\n"
Row = tuple[str, str, str, str]


class InteropTable:
    """A pytest plugin that records the outcomes of marked tests, and writes the table if all of them passed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.passed: set[Row] = set()
        self.others: dict[Row, str] = {}
        self.rows: dict[str, list[Row]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for marker in item.iter_markers("interop"):
                ways = (marker.kwargs.get("reads", "–"), marker.kwargs.get("writes", "–"))
                self.rows.setdefault(item.nodeid, []).append((*marker.args, *ways))  # type: ignore[arg-type]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for row in self.rows.get(report.nodeid, []):
            if report.outcome != "passed":
                self.others[row] = f"{report.nodeid} {report.outcome}"
            elif report.when == "call":
                self.passed.add(row)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.others:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            print("\ninterop table not written:", *self.others.values(), sep="\n  ")
            return
        lines = ["| system | what | reads | writes |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in sorted(self.passed)]
        text = self.path.read_text()
        before, rest = text.split(START)
        _, after = rest.split(END)
        self.path.write_text(before + START + "\n".join(lines) + "\n" + END + after)
