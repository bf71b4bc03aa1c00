"""The package as users see it: what importing loads, public names and examples in docstrings, and the C++ library."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gatewise as gw
from gatewise.files.libraries import MissingLibrary
from paths import ROOT
from process import cmake

PUBLIC = [getattr(gw, name) for name in gw.__all__ if name != "reference"]


def module_names() -> list[str]:
    names = [module.name for module in pkgutil.walk_packages(gw.__path__, "gatewise.")]
    return ["gatewise", *(name for name in names if "extension_" not in name and "__main__" not in name)]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's own variables
@pytest.mark.parametrize("name", module_names())
def test_examples_in_docstrings_run(name: str) -> None:
    """A module lists in ``__doctest_requires__`` the libraries that only its examples need."""
    before = gw.get_num_threads()
    try:
        module = importlib.import_module(name)
        for library in getattr(module, "__doctest_requires__", ()):
            pytest.importorskip(library, reason=f"the examples of {name} need {library}, which is not installed")
        failed, _ = doctest.testmod(module)
    except MissingLibrary as error:
        pytest.skip(str(error))
    gw.set_num_threads(before)
    assert failed == 0


@pytest.mark.parametrize("thing", PUBLIC, ids=lambda thing: thing.__name__)
def test_public_names_are_documented(thing: object) -> None:
    assert inspect.getdoc(thing)
    if inspect.isclass(thing):
        for name, member in inspect.getmembers(thing):
            if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                assert inspect.getdoc(member), f"{thing.__name__}.{name}"


def test_completion_offers_public_names_alone() -> None:
    assert dir(gw) == sorted([*gw.__all__, "__version__"])


def test_arguments_are_in_the_docstrings() -> None:
    for layer in (gw.RNN, gw.LSTM, gw.GRU):
        names = set(inspect.signature(layer.__init__).parameters) - {"self"}
        text = (layer.__doc__ or "") + (gw.RNN.__doc__ or "")
        assert not [name for name in names if name not in text]
        for method in (layer.__call__, layer.forward, layer.backward, layer.reset_parameters, layer.load_state_dict):
            text = (inspect.getdoc(method) or "") + (inspect.getdoc(layer.__call__) or "")
            assert not [name for name in inspect.signature(method).parameters if name != "self" and name not in text]


def test_importing_loads_numpy_alone() -> None:
    script = """
        import sys, numpy
        before = set(sys.modules)
        import gatewise
        ours = {name.partition(".")[0] for name in set(sys.modules) - before}
        above = "cli diagnostics estimators forecasting keras models onnx optimizers schedules torch training weights"
        assert not [name for name in above.split() if f"gatewise.{name}" in sys.modules]
        print(sorted(ours - set(sys.stdlib_module_names) - {"gatewise", "numpy"}))
    """
    run = subprocess.run([sys.executable, "-c", inspect.cleandoc(script)], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_version_is_that_of_the_metadata() -> None:
    from importlib.metadata import version

    assert gw.__version__ == version("gatewise")


def test_show_config(capsys: pytest.CaptureFixture[str]) -> None:
    assert gw.show_config() is None
    printed = capsys.readouterr().out
    config = gw.show_config(mode="dicts")
    assert config is not None
    assert config["instruction set"] in config["instruction sets available"]
    assert config["threads"] >= 1
    for name, value in config.items():
        assert name in printed
        assert str(value) in printed or isinstance(value, list)
    with pytest.raises(ValueError, match="mode: expected 'stdout' or 'dicts', got 'json'"):
        gw.show_config(mode="json")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the C++ library and return its folder."""
    build, prefix = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("prefix")
    cmake("-S", ROOT, "-B", build, f"-DCMAKE_INSTALL_PREFIX={prefix}")
    cmake("--install", build)
    return prefix


def lines_of(program: str, source: Path, installed: Path, build: Path) -> list[str]:
    """Build a CMake project with the installed library, run its program and return the lines it prints."""
    cmake("-S", source, "-B", build, "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={installed}")
    cmake("--build", build, "--config", "Release")
    path = next(path for path in build.rglob(f"{program}*") if path.stem == program and path.is_file())
    return subprocess.run([path], capture_output=True, text=True, check=True).stdout.splitlines()


def test_cpp_library_installs_and_its_example_agrees_with_python(installed: Path, tmp_path: Path) -> None:
    called, streamed = lines_of("example", ROOT / "examples" / "cpp", installed, tmp_path)
    lstm = gw.LSTM(3, 4, bias=False)
    lstm.load_state_dict({"weight_ih_l0": np.full((16, 3), 0.1), "weight_hh_l0": np.full((16, 4), -0.1)})
    _, (h, c) = lstm(np.ones((10, 2, 3)))
    np.testing.assert_allclose([float(value) for value in called.split()], [h[0, 0, 0], c[0, 0, 0]], rtol=1e-5)
    assert streamed == called.split()[0]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="counts calls of the GNU C library")
def test_a_step_in_cpp_takes_no_lock_and_allocates_nothing(installed: Path, tmp_path: Path) -> None:
    assert lines_of("real_time", ROOT / "tests" / "cpp", installed, tmp_path) == ["counted 2"]
