"""``gatewise forecast``: its results, its errors (one line and an exit code each), and how it handles Ctrl-C."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import gatewise as gw
from commands import Capture, failure, png_size, start
from gatewise.cli import main

pytestmark = pytest.mark.usefixtures("own_folder")
SHORT = ["--hidden", "4", "--window", "12", "--horizon", "3", "--epochs", "2"]


def sales(rows: int = 120) -> str:
    """Write a CSV file of `rows` months, and return its name."""
    values = 100 + 10 * np.sin(2 * np.pi * np.arange(rows) / 12) + np.random.default_rng(0).standard_normal(rows)
    months = np.datetime64("2010-01") + np.arange(rows)
    text = "month,shop,units\n" + "".join(
        f"{month},a,{value:.3f}\n" for month, value in zip(months, values, strict=True)
    )
    Path("sales.csv").write_text(text)
    return "sales.csv"


def table(path: str) -> list[list[str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def rows_of_errors(out: str) -> list[str]:
    return [line for line in out.splitlines() if line.startswith(("LSTM ", "naive ", "seasonal naive "))]


# Results


def test_training_on_the_bundled_series(capsys: Capture) -> None:
    assert main(["forecast", "--epochs", "30"]) == 0
    out, err = capsys.readouterr()
    errors = {line[:14].strip(): [float(x) for x in line[14:].split()[:4]] for line in rows_of_errors(out)}
    assert set(errors) == {"LSTM", "naive", "seasonal naive"}
    assert all(errors["LSTM"][k] < errors[other][k] for other in ("naive", "seasonal naive") for k in range(4))
    for text in ("732 values, 1950-01 to 2010-12", "NOAA", "public domain", "117 forecasts", "1 to 6 steps ahead"):
        assert text in out
    for text in ("epoch 30/30", "loss", "val_loss"):
        assert text in err
    assert sorted(os.listdir("forecast")) == ["forecast.csv", "forecast.png", "model.safetensors"]
    rows = table("forecast/forecast.csv")
    assert rows[0] == ["date", "sea surface temperature [°C]"]
    assert [row[0] for row in rows[1:]] == [f"2011-{month:02d}" for month in range(1, 13)]
    assert all(15 < float(row[1]) < 32 for row in rows[1:])
    assert png_size("forecast/forecast.png")[0] == 1200


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_loaded_model_forecasts_what_the_trained_one_did(cell: str, capsys: Capture) -> None:
    name = sales()
    assert main(["forecast", name, *SHORT, "--cell", cell, "--steps", "8", "--out", "a/b"]) == 0
    assert main(["forecast", name, "--model", "a/b/model.safetensors", "--steps", "8", "--out", "c"]) == 0
    assert table("c/further.csv") == table("a/b/forecast.csv")
    assert [row[0] for row in table("c/further.csv")[1:]] == [f"2020-{month:02d}" for month in range(1, 9)]
    assert png_size("c/further.png")[0] == 1200
    assert sorted(os.listdir("c")) == ["further.csv", "further.png"]
    shown = capsys.readouterr().out
    assert f"{cell.upper()}, window 12, trained on units" in shown
    assert "2020-08" in shown


def test_two_runs_write_identical_files(capsys: Capture) -> None:
    name, shown = sales(), []
    for out in ("a", "b"):
        assert main(["forecast", name, *SHORT, "--seed", "5", "--out", out]) == 0
        shown.append(capsys.readouterr().out.replace(f"{out}{os.sep}", ""))
    assert shown[0] == shown[1]
    for file in ("forecast.csv", "model.safetensors", "forecast.png"):
        assert Path("a", file).read_bytes() == Path("b", file).read_bytes()
    assert main(["forecast", name, *SHORT, "--seed", "6", "--out", "b"]) == 0
    assert Path("a/model.safetensors").read_bytes() != Path("b/model.safetensors").read_bytes()


def test_rows_without_dates_and_names_with_formula_signs(capsys: Capture) -> None:
    values = np.random.default_rng(0).standard_normal(100).cumsum()
    Path("p.csv").write_text("$price$\n" + "\n".join(map(str, values)))
    assert main(["forecast", "p.csv", *SHORT]) == 0
    assert [row[0] for row in table("forecast/forecast.csv")] == ["row", "101", "102", "103"]
    assert "no season: the same as naive" in capsys.readouterr().out


def test_threads_are_set_in_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(gw, "set_num_threads", asked.append)
    assert main(["forecast", sales(), *SHORT, "--threads", "3"]) == 0
    assert main(["forecast", sales(), *SHORT]) == 0
    assert asked == [3]


def test_a_model_prefers_the_column_it_was_trained_on() -> None:
    name = sales()
    assert main(["forecast", name, *SHORT]) == 0
    rows = table(name)
    Path("two.csv").write_text("\n".join(["price,units", *(f"1,{row[2]}" for row in rows[1:])]))
    assert main(["forecast", "two.csv", "--model", "forecast/model.safetensors"]) == 0
    assert table("forecast/further.csv")[0] == ["row", "units"]


def test_covariates_come_from_the_same_file(capsys: Capture) -> None:
    rng = np.random.default_rng(0)
    hint = rng.standard_normal(150)
    units = 100 + np.concatenate([[0.0], 8 * hint[:-1]])
    Path("two.csv").write_text("units,hint\n" + "".join(f"{a:.4f},{b:.4f}\n" for a, b in zip(units, hint, strict=True)))
    options = ["--column", "units", "--hidden", "8", "--window", "3", "--horizon", "1", "--epochs", "60"]
    assert main(["forecast", "two.csv", *options, "--covariate", "hint"]) == 0
    out = capsys.readouterr().out
    assert "reads 3 values, hint" in out
    errors = {line[:14].strip(): float(line[14:].split()[0]) for line in rows_of_errors(out)}
    assert errors["LSTM"] < errors["naive"] / 3
    assert main(["forecast", "two.csv", "--model", "forecast/model.safetensors"]) == 0
    assert table("forecast/further.csv") == table("forecast/forecast.csv")
    capsys.readouterr()
    message = failure(["forecast", "two.csv", "--model", "forecast/model.safetensors", "--steps", "2"], capsys)
    told = (
        "--steps: expected at most the horizon, 1, because the covariate hint is not known beyond the end of the series"
    )
    assert message == f"gatewise: {told}, got 2\n"
    assert failure(["forecast", "two.csv", *options, "--covariate", "hint", "--steps", "2"], capsys) == message


def test_missing_dates_are_reported(capsys: Capture) -> None:
    header, *rows = Path(sales()).read_text().splitlines()
    Path("gap.csv").write_text("\n".join([header, *rows[:40], *rows[43:]]))
    assert main(["forecast", "gap.csv", *SHORT]) == 0
    out, err = capsys.readouterr()
    assert "Warning   dates: 1 jump of 1" in out
    assert "Warning" not in err
    assert main(["forecast", "sales.csv", *SHORT]) == 0
    assert "Warning" not in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--help"], ["forecast", "--help"], ["--version"]])
def test_help_and_version(arguments: list[str], capsys: Capture) -> None:
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.strip() == f"gatewise {gw.__version__}" if arguments == ["--version"] else "Examples:" in out


def test_the_list_of_commands_is_complete_on_a_narrow_terminal(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:")[2].strip().splitlines()
    assert [line.split()[0] for line in listed] == [
        "forecast",
        "fit",
        "evaluate",
        "predict",
        "info",
        "convert",
        "bench",
    ]
    assert not any("..." in line for line in listed)


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["forecast", "nowhere.csv"], "nowhere.csv: cannot read this CSV file: No such file or directory"),
        (["forecast", "sales.csv", "--column", "price"], "expected one of 'month', 'shop', 'units', got 'price'"),
        (["forecast", "sales.csv", "--column", "shop"], "sales.csv: shop, row 1: expected a finite number, got 'a'"),
        (["forecast", "sales.csv", "--date-column", "shop"], "sales.csv: shop, row 1: expected a date such as"),
        (["forecast", "--column", "units"], "--column, --date-column, --covariate: these options need a CSV file"),
        (["forecast", "sales.csv", "--window", "90"], "the series needs at least 111 rows for window 90, horizon 6"),
        (["forecast", "sales.csv", "--holdout", "500"], "holdout: expected fewer than the 120 rows of the series, got"),
        (["forecast", "sales.csv", "--holdout", "2"], "holdout: expected at least the horizon = 6 rows, got 2"),
        (["forecast", "sales.csv", "--season", "100"], "season: expected fewer than the 100 rows before"),
        (["forecast", "sales.csv", "--covariate", "price"], "covariate: expected one of 'month', 'shop', 'units'"),
        (["forecast", "sales.csv", "--covariate", "units", "--mode", "autoregressive"],
         "--covariate: not available with --mode autoregressive"),
        (["forecast", "--mode", "both"], "mode: expected direct or autoregressive, got 'both'"),
        (["forecast", "--cell", "rnn"], "cell: expected lstm or gru, got 'rnn'"),
        (["forecast", "--hidden", "many"], "--hidden"),
        (["forecast", "--hidden", "0"], "--hidden"),
        (["forecast", "--horizon", "-1"], "--horizon"),
        (["forecast", "--lr", "nan"], "lr: expected a number > 0, got nan"),
        (["forecast", "--clip", "0"], "clip: expected a number > 0, got 0.0"),
        (["forecast", "--sigmoid"], "--sigmoid"),
        (["forecast", "--out", "sales.csv/x"], "--out: cannot write to the folder sales.csv/x: Not a directory"),
        (["forecast", "--out", "sales.csv"], "--out: cannot write to the folder sales.csv: File exists"),
        (["forecast", "--model", "nowhere"], "nowhere: expected a model file, got: No such file or directory"),
        (["forecast", "--model", "sales.csv"], "sales.csv: damaged, or not a .safetensors file"),
        (["forecast", "--model", "x", "--hidden", "3", "--batch-size", "2"],
         "--hidden, --batch-size: not available with --model; a saved model has settings of its own"),
        (["train"], "'train'; expected one of forecast, fit, evaluate, predict, info, convert, bench\n"),
    ],
)  # fmt: skip
def test_errors(arguments: list[str], message: str, capsys: Capture) -> None:
    sales()
    assert message in failure(arguments, capsys)
    assert os.listdir() == ["sales.csv"]


def test_a_model_needs_a_window_of_values(capsys: Capture) -> None:
    assert main(["forecast", sales(), *SHORT]) == 0
    capsys.readouterr()
    message = failure(["forecast", sales(11), "--model", "forecast/model.safetensors"], capsys)
    assert "expected at least one window of 12 values, got 11" in message


def test_divergence_and_impossible_sizes(capsys: Capture) -> None:
    for option, value, message in (("--lr", "1e30", "diverged"), ("--hidden", "9999999999", "hidden, layers: ")):
        assert main(["forecast", option, value]) == 2
        assert message in capsys.readouterr().err.splitlines()[-1]
    assert os.listdir("forecast") == []


@pytest.mark.parametrize("missing", ["typer", "tqdm", "pandas", "matplotlib", "safetensors"])
def test_a_missing_library_is_reported(missing: str, uninstall: Callable[[str], None], capsys: Capture) -> None:
    uninstall(missing)
    message = failure(["forecast", *SHORT], capsys, code=1)
    assert message == f'gatewise: {missing} is not installed; pip install "gatewise[cli]" installs it\n'
    assert os.listdir() == []


def test_a_failed_write_is_reported(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert main(["forecast", sales(), *SHORT]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "gatewise: forecast/model.safetensors: No space left on device"
    assert os.listdir("forecast") == []


# The command as a process


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to another process on Windows")
def test_ctrl_c_ends_cleanly() -> None:
    # A shell makes its background jobs ignore Ctrl-C, and child processes inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = start("forecast", "--hidden", "512", "--epochs", "100000")
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stderr
    shown = process.stderr.read(9)
    time.sleep(0.2)  # until the first epochs, which take seconds, have begun
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "batch/s" in shown + rest
    assert rest.endswith("\ngatewise: interrupted\n")
    assert "Traceback" not in rest
    assert os.listdir("forecast") == []


def test_a_terminal_that_lacks_characters_causes_no_traceback() -> None:
    process = start("forecast", "--epochs", "1", PYTHONIOENCODING="ascii")
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert process.returncode == 0
    assert "sea surface temperature [?C]" in out


@pytest.mark.skipif(os.name == "nt", reason="Windows reports a closed pipe in another way")
def test_a_closed_pipe_causes_no_traceback() -> None:
    with start("forecast", "--help") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert (process.stderr.read(), process.wait(timeout=60)) == ("", 1)


def test_importing_gatewise_loads_none_of_the_forecasting_libraries() -> None:
    program = (
        "import sys, gatewise; names = {name.split('.')[0] for name in sys.modules}; "
        "print(sorted(names & {'typer', 'tqdm', 'pandas', 'matplotlib', 'safetensors', 'click'}), "
        "'gatewise.forecasting' in sys.modules, 'gatewise.cli' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[] False False\n"
