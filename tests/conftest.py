"""What the tests share: instruction sets, types, teams of threads, and Hypothesis without clock or chance."""

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
    # The fixtures that drawn tests take choose a module or a type; no example changes them.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("gatewise")

# A job in the background ignores Ctrl-C, which some tests press.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """--interop-table FILE."""
    parser.addoption("--interop-table", type=Path, help="write the table of what passed into this file")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and, if it is asked for, what makes the table of marked tests."""
    config.addinivalue_line("markers", "interop(system, what, *, reads, writes): a row of docs/interop.md")
    if config.option.interop_table:
        config.pluginmanager.register(InteropTable(config.option.interop_table))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `isa` runs once for each instruction set that was built and that this machine has."""
    if "isa" in metafunc.fixturenames:
        from gatewise._core import dispatch

        metafunc.parametrize("isa", dispatch.available(), indirect=True)


@pytest.fixture
def isa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the instruction set that layers made in this test use."""
    from gatewise._core import dispatch

    monkeypatch.setattr(dispatch, "extension", dispatch.load(request.param))
    return str(request.param)


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> type[np.floating]:
    """float32, then float64."""
    chosen: type[np.floating] = request.param
    return chosen


@pytest.fixture
def wide_team(isa: str) -> Iterator[None]:
    """Teams of up to eight threads, however few cores this machine has: bits must not depend on their number."""
    from gatewise._core import dispatch

    dispatch.extension.set_team_limit(8)
    yield
    dispatch.extension.set_team_limit(0)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def uninstall(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a library look as if it were not installed."""

    def hide(library: str) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == library]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, library, None)

    return hide
