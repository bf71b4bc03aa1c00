"""Callbacks and histories: hooks, early stopping, checkpoints that resume with bit-identical results, logs and bars."""

from __future__ import annotations

import _thread
import copy
import csv
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatewise as gw
from fitting import Array, X, Y, every_step, fitted, one_answer, same
from gatewise.training.callbacks import Callback, Checkpoint, CSVLogger, EarlyStopping


def test_early_stopping_restores_the_best_weights() -> None:
    seen: list[Array] = []

    class Keep(Callback):
        def on_epoch_end(self, run: Any) -> None:
            seen.append(run.model.flat_params.copy())

    model = one_answer()
    # The learning rate grows until training diverges.
    optimizer = gw.optimizers.SGD(lr=lambda step: 0.02 * 1.15**step)
    stop = EarlyStopping(monitor="val_loss", patience=3)
    history = model.fit(
        X, Y, epochs=200, validation_split=0.3, optimizer=optimizer, callbacks=[Keep(), stop], verbose=False
    )
    values = history.history["val_loss"]
    best = int(np.argmin(values))
    assert 0 < best < len(values) - 1
    assert len(values) == best + 1 + 3 < 200
    assert history.best_epoch == best + 1
    np.testing.assert_array_equal(model.flat_params, seen[best])


def test_hooks_are_called_in_order_and_may_change_gradients() -> None:
    calls: list[str] = []

    class Record(Callback):
        def on_train_begin(self, run: Any) -> None:
            calls.append("train")

        def on_epoch_begin(self, run: Any) -> None:
            calls.append(f"epoch {run.epoch}")

        def on_batch_begin(self, run: Any) -> None:
            calls.append(f"batch {run.batch}/{run.batches}")

        def on_grad_computed(self, run: Any) -> None:
            calls.append("grad")
            run.model.flat_grads[:] = 0.0

        def on_batch_end(self, run: Any) -> None:
            calls.append("batch end")

        def on_epoch_end(self, run: Any) -> None:
            calls.append("epoch end")
            run.stop()

        def on_train_end(self, run: Any) -> None:
            calls.append("train end")

    model, before = one_answer(), one_answer()
    fitted(model, X, Y, batch_size=10, callbacks=[Record()])
    batch = ["grad", "batch end"]
    assert calls == ["train", "epoch 1", "batch 1/2", *batch, "batch 2/2", *batch, "epoch end", "train end"]
    same(model, before)


def test_ctrl_c_leaves_a_usable_model() -> None:
    class Interrupt(Callback):
        def on_batch_end(self, run: Any) -> None:
            if run.epoch == 3 and run.batch == 2:
                threading.Thread(target=_thread.interrupt_main).start()

    model = one_answer()
    history = model.fit(X, Y, epochs=10**6, batch_size=4, callbacks=[Interrupt()], verbose=False)
    assert history.interrupted
    assert 2 <= history.epochs < 10**6
    assert np.isfinite(model.predict(X)).all()
    assert not model.fit(X, Y, epochs=1, verbose=False).interrupted


def dropping(seed: int) -> gw.Sequential:
    return gw.Sequential(
        gw.LSTM(2, 5, num_layers=2, dropout=0.3, batch_first=True),
        gw.LastStep(),
        gw.Dropout(0.2),
        gw.Linear(5, 1),
        seed=seed,
    )


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "adamw"])
def test_training_resumes_from_a_checkpoint_with_bit_identical_results(name: str, tmp_path: Path) -> None:
    path = tmp_path / "{epoch}.safetensors"

    def run(model: gw.Sequential, epochs: int, **more: Any) -> tuple[gw.Sequential, Any]:
        callbacks = [Checkpoint(path), EarlyStopping(patience=50)]
        options = {"validation_split": 0.2, "batch_size": 4, "verbose": False, "callbacks": callbacks, **more}
        return model, model.fit(X, Y, epochs=epochs, optimizer=name, **options)

    whole, history = run(dropping(0), 5)
    other, resumed = run(dropping(99), 5, resume=tmp_path / "3.safetensors")
    same(whole, other)
    assert resumed.history == history.history
    assert resumed.best_epoch == history.best_epoch
    loaded = gw.load(tmp_path / "5.safetensors")
    assert loaded.evaluate(X[16:], Y[16:])["loss"] == pytest.approx(history.history["val_loss"][-1], rel=1e-6)


def grown(step: int) -> float:
    return 0.01 * 1.1**step


@pytest.mark.parametrize("rate", [grown, gw.schedules.Warmup(lambda step: grown(step), steps=3)])
def test_training_resumes_with_a_function_as_learning_rate(rate: Any, tmp_path: Path) -> None:
    """A checkpoint only records that the rate was a function, as functions cannot be compared."""

    def run(**options: Any) -> gw.Sequential:
        return fitted(one_answer(), X, Y, optimizer=gw.optimizers.Adam(rate), **options)

    whole = run(epochs=4)
    run(epochs=2, callbacks=[Checkpoint(tmp_path / "a.safetensors")])
    rate = copy.copy(rate) if isinstance(rate, gw.schedules.Schedule) else lambda step: grown(step)
    same(run(epochs=4, resume=tmp_path / "a.safetensors"), whole)


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    fitted(one_answer(), X, Y, callbacks=[Checkpoint(path), EarlyStopping()])
    for model, options, message in (
        (every_step(), {}, "expected a checkpoint of this model, got one of another"),
        (one_answer(), {"optimizer": "adam"}, "expected a checkpoint with the optimizer {'kind': 'Adam', 'lr': 0.001"),
        (one_answer(), {"loss": "mae"}, "expected a checkpoint with the loss {'kind': 'MAE'}, got {'kind': 'MSE'}"),
        (
            one_answer(),
            {"metrics": ["mae"], "validation_split": 0.2},
            "expected a checkpoint with a history of loss, mae, val_loss, val_mae, got loss$",
        ),
        (
            one_answer(),
            {"callbacks": []},
            "the checkpoint has a state of the callback EarlyStopping; pass that callback",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            fitted(model, X, Y, **{"callbacks": [EarlyStopping()], **options, "resume": path})
    one_answer().save(path)
    with pytest.raises(ValueError, match="expected a checkpoint, got a model without the state of its training"):
        fitted(one_answer(), X, Y, resume=path)


def test_only_the_best_checkpoint_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    model = one_answer()
    optimizer = gw.optimizers.SGD(lr=lambda step: 0.02 * 1.15**step)
    history = model.fit(
        X, Y, epochs=30, validation_split=0.3, optimizer=optimizer, verbose=False,
        callbacks=[Checkpoint(path, monitor="val_loss")],
    )  # fmt: skip
    assert gw.load(path).evaluate(X[14:], Y[14:])["loss"] == pytest.approx(min(history.history["val_loss"]), rel=1e-6)


def test_checkpoints_of_the_best_are_compared_with_checkpoints_alone(tmp_path: Path) -> None:
    """Epochs between two checkpoints do not count as the best so far."""
    path = tmp_path / "{epoch}.safetensors"
    losses = iter([1.0, 5.0, 0.1, 4.0, 9.0, 4.5, 9.0, 3.0])

    def given(y: Array, prediction: Array, weight: Array | None) -> float:
        return next(losses)

    checkpoint = Checkpoint(path, every=2, monitor="given")
    fitted(one_answer(), X, Y, epochs=8, batch_size=20, metrics=[given], callbacks=[checkpoint])
    assert sorted(file.stem for file in tmp_path.iterdir()) == ["2", "4", "8"]
    with pytest.raises(ValueError, match="every: expected an integer >= 1, got 0"):
        Checkpoint(path, every=0)


def logged(path: Path, history: Any) -> None:
    """Check that the file has the history, one row per epoch."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == [str(epoch + 1) for epoch in range(history.epochs)]
    for name, values in history.history.items():
        assert [float(row[name]) for row in rows] == values
    assert [row["seconds"] for row in rows] == [f"{seconds:.3f}" for seconds in history.seconds]


def test_a_log_has_one_row_per_epoch(tmp_path: Path) -> None:
    log, other, checkpoint = (tmp_path / name for name in ("log.csv", "other.csv", "{epoch}.safetensors"))

    def run(epochs: int, path: Path, **options: Any) -> Any:
        callbacks = [CSVLogger(path), Checkpoint(checkpoint)]
        return one_answer().fit(
            X, Y, epochs=epochs, validation_split=0.2, callbacks=callbacks, verbose=False, **options
        )

    for epochs in (4, 3):
        logged(log, run(epochs, log))
    # Training resumes from an epoch before the last row, as after a crash between two checkpoints; and in another file.
    for path in (log, other):
        logged(path, run(5, path, resume=tmp_path / "2.safetensors"))


def test_the_bar_shows_loss_and_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    history = one_answer().fit(X, Y, epochs=2, batch_size=4)
    shown = capsys.readouterr().err.rpartition("\r")[2]
    assert "10/10" in shown
    assert f"epoch 2/2, loss {history.history['loss'][-1]:.4g}" in shown


class Slow(Callback):
    def on_batch_end(self, run: Any) -> None:
        time.sleep(0.03)


def test_the_bar_does_not_fill_a_log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    one_answer().fit(X, Y, epochs=4, batch_size=4, callbacks=[Slow()])
    assert 1 <= capsys.readouterr().err.count("\r") <= 4
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    one_answer().fit(X, Y, epochs=4, batch_size=4, callbacks=[Slow()])
    assert capsys.readouterr().err.count("\r") > 4


def test_history_is_plotted() -> None:
    history = one_answer().fit(X, Y, epochs=4, validation_split=0.3, callbacks=[EarlyStopping()], verbose=False)
    axes = history.plot()
    lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert list(lines["training"]) == history.history["loss"]
    assert list(lines["validation"]) == history.history["val_loss"]
    assert f"kept: epoch {history.best_epoch}" in lines
    assert axes.get_yscale() == "log"
    with pytest.raises(ValueError, match="names: expected some of loss, val_loss, got 'mae'"):
        history.plot("mae")


@pytest.mark.parametrize(("library", "use"), [("tqdm", {"verbose": True}), ("matplotlib", {"verbose": False})])
def test_a_missing_library_is_named(library: str, use: dict[str, Any], uninstall: Callable[[str], None]) -> None:
    uninstall(library)
    with pytest.raises(ImportError, match=rf'{library} is not installed; pip install "gatewise\[train\]" installs it'):
        one_answer().fit(X, Y, **use).plot()
