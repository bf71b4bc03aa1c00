"""Files written by earlier versions of gatewise stay readable: models make the same predictions, and training resumes
from a checkpoint. The folder `written_before` holds the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatewise as gw

pytest.importorskip("safetensors", reason='model files are safetensors: pip install "gatewise[train]"')

FILES = Path(__file__).parent / "written_before"
MODELS = {
    "options": "Sequential(LSTM(3, 4, num_layers=2, batch_first=True, dropout=0.1, bidirectional=True, proj_size=2, "
    "peephole=True, recurrent_dropout=0.1, zoneout=(0.1, 0.2), activations=(('hard_sigmoid', 0.2, 0.5), 'tanh', "
    "'tanh'), clip=3.0), Dropout(p=0.2), Linear(4, 3, bias=False), RNN(3, 2, batch_first=True, "
    "nonlinearity=('leaky_relu', 0.1)), LastStep())",
    "tokens": "Sequential(Embedding(9, 3, dtype=dtype('float64')), GRU(3, 2, bias=False, batch_first=True, "
    "reset_after=False, dtype=float64), MeanOverSteps(), Linear(2, 2, dtype=dtype('float64')))",
    "flat": "Sequential(Linear(3, 2), LSTM(2, 2, batch_first=True, input_forget=True), Flatten(5), Linear(10, 1))",
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_predicts_what_it_predicted(name: str) -> None:
    """The notes of each file hold its input and prediction."""
    model = gw.load(FILES / f"{name}.safetensors")
    assert repr(model) == MODELS[name]
    np.testing.assert_allclose(model.predict(np.array(model.notes["x"])), model.notes["y"], rtol=1e-5)


def test_training_resumes_from_a_checkpoint() -> None:
    path = FILES / "checkpoint.safetensors"
    notes = gw.load(path).notes
    model = gw.Sequential(gw.GRU(2, 3, batch_first=True), gw.Dropout(0.2), gw.LastStep(), gw.Linear(3, 1), seed=9)
    schedule = gw.schedules.Warmup(gw.schedules.Step(0.01, 4), 3)
    options: dict[str, Any] = {
        "optimizer": gw.optimizers.Adam(schedule, clip_norm=1.0), "loss": gw.losses.Huber(0.5), "metrics": ["mae"],
        "callbacks": [gw.callbacks.EarlyStopping(patience=9)], "validation_split": 0.3, "batch_size": 2,
    }  # fmt: skip
    history = model.fit(
        np.array(notes["x"]), np.array(notes["y"]), epochs=4, resume=path, verbose=False, **options
    ).history
    assert history["loss"] == pytest.approx([1.1972897, 1.2376882, 1.1988600, 1.2021002], rel=1e-5)
    assert history["val_mae"] == pytest.approx([2.5911742, 2.6337614, 2.6683824, 2.6860111], rel=1e-5)
