"""Fixtures for instruction sets, dtypes and threads, and a deterministic Hypothesis profile without deadlines."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from interop_table import InteropTable

settings.register_profile(
    "gatewise",
    derandomize=True,
    deadline=None,
    max_examples=30,
    # Fixtures of these tests select an extension module or a dtype, which no example changes.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("gatewise")

# A shell starts background jobs with SIGINT ignored, and some tests send SIGINT.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option --interop-table."""
    parser.addoption("--interop-table", type=Path, help="write the table of what passed into this file")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker `interop` and, if requested, the plugin that writes its table."""
    config.addinivalue_line("markers", "interop(system, what, *, reads, writes): a row of docs/interop.md")
    if config.option.interop_table:
        config.pluginmanager.register(InteropTable(config.option.interop_table))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that take `isa` once for each instruction set that was built and that this machine supports."""
    if "isa" in metafunc.fixturenames:
        from gatewise._core import dispatch

        metafunc.parametrize("isa", dispatch.available(), indirect=True)


@pytest.fixture
def isa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Select an instruction set for the layers that the test makes, and return its name."""
    from gatewise._core import dispatch

    monkeypatch.setattr(dispatch, "extension", dispatch.load(request.param))
    return str(request.param)


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> type[np.floating]:
    """Return float32, then float64."""
    chosen: type[np.floating] = request.param
    return chosen


@pytest.fixture
def eight_threads(isa: str) -> Iterator[None]:
    """Allow up to eight threads on any machine, since results must not depend on the number of cores."""
    from gatewise._core import dispatch

    dispatch.extension.set_team_limit(8)
    yield
    dispatch.extension.set_team_limit(0)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test in an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def uninstall(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that makes a library look as if it were not installed."""

    def hide(library: str) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == library]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, library, None)

    return hide
