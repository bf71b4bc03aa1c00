"""`gatewise.Sequential` as ONNX: ONNX Runtime and `gatewise.onnx.load` reproduce the model's results."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gatewise as gw
from gatewise.cli import main
from tolerances import CELL, chain, unit

onnx = pytest.importorskip("onnx", reason="writes ONNX files, and the onnx package is not installed")
import gatewise.onnx as go  # noqa: E402

Array = NDArray[Any]
T, B, INPUTS, H = 7, 5, 3, 4
LENGTHS = np.array([4, 7, 1, 0, 6], np.int32)

MODELS: dict[str, list[Any]] = {
    "a step's answer": [gw.LSTM(INPUTS, H, 2, batch_first=True), gw.Dropout(0.3), gw.Linear(H, 2)],
    "last step": [gw.GRU(INPUTS, H, batch_first=True), gw.LastStep(), gw.Linear(H, 2)],
    "last steps of both directions": [
        gw.GRU(INPUTS, H, batch_first=True, bidirectional=True, reset_after=False),
        gw.LastStep(),
        gw.Dropout(),
        gw.Linear(2 * H, 2, bias=False),
    ],
    "last of answers": [gw.RNN(INPUTS, H, batch_first=True), gw.Linear(H, 2), gw.LastStep()],
    "mean": [gw.LSTM(INPUTS, H, batch_first=True, bidirectional=True), gw.MeanOverSteps(), gw.Linear(2 * H, 2)],
    "mean of answers": [gw.RNN(INPUTS, H, batch_first=True), gw.Linear(H, 2), gw.MeanOverSteps()],
    "flat": [gw.RNN(INPUTS, H, batch_first=True, nonlinearity="relu"), gw.Flatten(T), gw.Linear(H * T, 2)],
    "tokens": [
        gw.Embedding(6, INPUTS),
        gw.LSTM(INPUTS, H, batch_first=True, peephole=True, bias=False),
        gw.GRU(H, H, 2, batch_first=True, bidirectional=True, dropout=0.1),
        gw.LastStep(),
        gw.Linear(2 * H, 2),
    ],
    "projected before": [gw.Linear(INPUTS, 5), gw.GRU(5, H, batch_first=True), gw.Linear(H, 2)],
    "no recurrent part": [gw.Linear(INPUTS, 5), gw.MeanOverSteps()],
}


def model_of(name: str, dtype: Any = np.float32) -> Any:
    parts = [type(part)(**{**arguments(part), "dtype": dtype}) if has_dtype(part) else part for part in MODELS[name]]
    return gw.Sequential(*parts, seed=0)


def has_dtype(part: Any) -> bool:
    return "dtype" in arguments(part)


def arguments(part: Any) -> dict[str, Any]:
    found: dict[str, Any] = part.config()
    return found


def data_of(model: Any) -> Array:
    """An input of the model: tokens or numbers."""
    rng = np.random.default_rng(0)
    if isinstance(model.parts[0], gw.Embedding):
        return rng.integers(0, 6, (B, T))
    return rng.uniform(-1, 1, (B, T, INPUTS)).astype(np.float32)


def bound(want: Array) -> float:
    """Both libraries round in each layer, and a step passes its roundings on to the next."""
    return 2 * 5 * T * (chain(H * T) + CELL) * unit(np.float32) * max(1.0, float(np.abs(want).max()))


def written(model: Any) -> bytes:
    file = io.BytesIO()
    go.save(model, file)
    return file.getvalue()


CALLS: list[dict[str, Array]] = [{}, {"lengths": LENGTHS}]


@pytest.mark.interop("ONNX", "Sequential models, run by ONNX Runtime", writes="rounding")
@pytest.mark.parametrize("name", MODELS)
def test_onnx_runtime_runs_models(name: str) -> None:
    """With and without lengths, any batch size works and, except with Flatten, any number of steps."""
    runtime = pytest.importorskip("onnxruntime", reason="runs written files in ONNX Runtime, which is not installed")
    model = model_of(name)
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = runtime.InferenceSession(written(model), options)
    x = data_of(model)
    assert [value.name for value in session.get_inputs()] == ["x"]
    for feeds in CALLS:
        want = model(x, **feeds)
        (got,) = session.run(None, {"x": x, **feeds})
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=0, atol=bound(want))
    shorter = x[:2] if name == "flat" else x[:2, :3]
    want = model(shorter)
    np.testing.assert_allclose(session.run(None, {"x": shorter})[0], want, rtol=0, atol=bound(want))


@pytest.mark.interop("ONNX", "Sequential models, saved and loaded again", reads="rounding", writes="rounding")
@pytest.mark.parametrize("name", MODELS)
def test_models_read_back(name: str, dtype: Any) -> None:
    model = model_of(name, dtype)
    loaded = go.load(written(model))
    x = data_of(model).astype(np.int64 if isinstance(model.parts[0], gw.Embedding) else dtype)
    assert (list(loaded.inputs), list(loaded.optional), list(loaded.outputs)) == (["x"], ["lengths"], ["y"])
    for feeds in CALLS:
        want = model(x, **feeds)
        got = loaded.run({"x": x, **feeds})["y"]
        assert (got.shape, got.dtype) == (want.shape, dtype)
        np.testing.assert_allclose(got, want, rtol=0, atol=bound(want) * unit(dtype) / unit(np.float32))


@pytest.mark.parametrize("name", MODELS)
def test_padding_is_not_read(name: str) -> None:
    model = model_of(name)
    loaded, x = go.load(written(model)), data_of(model)
    padding = np.arange(T) >= LENGTHS[:, None]
    spoiled = x.copy()
    spoiled[padding] = 99 if x.ndim == 2 else np.nan
    feeds = {"lengths": LENGTHS}
    np.testing.assert_array_equal(loaded.run({"x": spoiled, **feeds})["y"], loaded.run({"x": x, **feeds})["y"])


def test_what_cannot_be_written_is_named() -> None:
    class Mine(gw.Dropout.__base__):  # type: ignore[name-defined, misc]
        def forward(self, x: Array, call: Any, keep: bool) -> Any:
            return x, None

        def backward(self, tape: Any, dy: Array, grads: Any, wrt_x: bool) -> Any:
            return dy

    projected = gw.Sequential(gw.Linear(3, 3), gw.LSTM(3, 4, proj_size=2, batch_first=True))
    with pytest.raises(ValueError, match=r"layer 1, LSTM\(3, 4, .*\): proj_size: expected 0, since ONNX has no"):
        written(projected)
    with pytest.raises(TypeError, match=r"layer 1, Mine\(\): expected a recurrent layer, .* that has no ONNX"):
        written(gw.Sequential(gw.Linear(3, 3), Mine()))


def test_feeds_of_a_model() -> None:
    model = model_of("last step")
    loaded, x = go.load(written(model)), data_of(model)
    with pytest.raises(ValueError, match="feeds: expected x and optionally lengths, got x, mask"):
        loaded.run({"x": x, "mask": x[..., 0] > 0})
    with pytest.raises(ValueError, match="feeds: expected x and optionally lengths, got lengths"):
        loaded.run({"lengths": LENGTHS})
    with pytest.raises(ValueError, match="node 'Expand_lengths_each'"):
        loaded.run({"x": x, "lengths": LENGTHS[:3]})


@pytest.mark.parametrize("name", ["tokens", "last steps of both directions"])
def test_commands(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The commands show a saved model and convert it as a whole; its layers keep their options."""
    for library in ("typer", "safetensors"):
        pytest.importorskip(library, reason=f"the commands need {library}, which is not installed")
    import gatewise.weights as gws

    model, path = model_of(name), tmp_path / "model.safetensors"
    model.save(path)
    assert main(["info", str(path)]) == 0
    printed = capsys.readouterr().out
    assert all(repr(part) in printed for part in model.parts)
    assert main(["convert", str(path), str(tmp_path / "model.onnx")]) == 0
    assert f"model.onnx:\n  {model!r}\n" in capsys.readouterr().out
    assert (tmp_path / "model.onnx").read_bytes() == written(model)
    assert main(["convert", str(path), str(tmp_path / "weights.safetensors")]) == 0
    assert "Layer types were not written: this format stores arrays only." in capsys.readouterr().out
    weights = gws.load(tmp_path / "weights.safetensors")
    assert [repr(layer) for layer in weights.layers.values()] == [
        repr(part) for part in model.parts if isinstance(part, (gw.RNN, gw.LSTM, gw.GRU))
    ]
    arrays = {f"{one}.{name}": value for one, layer in weights.layers.items() for name, value in layer.params.items()}
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal({**arrays, **weights.others}[key], value)
    layer = next(iter(weights.layers))
    assert main(["convert", str(path), str(tmp_path / "layer.onnx"), "--layer", layer]) == 0
    if repr(weights.layers[layer]).startswith("GRU"):
        assert repr(gws.load(tmp_path / "layer.onnx").layers).count("reset_after=False")
    broken = path.read_bytes().replace(b"LastStep", b"LostStep")
    path.write_bytes(broken)
    assert main(["info", str(path)]) == 2
    assert "expected a model whose configuration and arrays agree" in capsys.readouterr().err
