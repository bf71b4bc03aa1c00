"""Streams: bit-identical to one call however it is cut, their state, and their errors."""

from __future__ import annotations

import copy
import pickle
import re
import threading
from typing import Any

import numpy as np
import pytest

import gatewise as gw

LAYERS: dict[str, Any] = {
    "RNN": lambda **kw: gw.RNN(5, 20, 2, seed=0, **kw),
    "LSTM": lambda **kw: gw.LSTM(5, 20, 2, seed=0, **kw),
    "peephole, projection": lambda **kw: gw.LSTM(5, 20, 3, proj_size=6, peephole=True, seed=0, **kw),
    "GRU": lambda **kw: gw.GRU(5, 20, 2, seed=0, **kw),
    "activations": lambda **kw: gw.LSTM(
        5, 20, 2, activations=("hard_sigmoid", "elu", "softsign"), clip=0.8, input_forget=True, seed=0, **kw
    ),
    "activations, reset before": lambda **kw: gw.GRU(
        5, 20, 2, reset_after=False, activations=("hard_sigmoid", "softplus"), seed=0, **kw
    ),
    "GRU, reset before": lambda **kw: gw.GRU(5, 20, 2, reset_after=False, bias=False, seed=0, **kw),
    "RNN, zoneout": lambda **kw: gw.RNN(5, 20, 2, zoneout=0.3, recurrent_dropout=0.5, seed=0, **kw),
    "LSTM, zoneout": lambda **kw: gw.LSTM(5, 20, 2, proj_size=6, peephole=True, zoneout=(0.2, 0.3), seed=0, **kw),
    "GRU, reset before, zoneout": lambda **kw: gw.GRU(5, 20, 2, reset_after=False, zoneout=0.3, seed=0, **kw),
}


@pytest.fixture(params=LAYERS.values(), ids=LAYERS.keys())
def make(request: pytest.FixtureRequest) -> Any:
    return request.param


def inputs(*shape: int) -> Any:
    return np.random.default_rng(1).standard_normal(shape)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())


def test_steps_and_blocks_are_bit_identical_to_one_call(make: Any, dtype: Any, isa: str) -> None:
    layer, x = make(dtype=dtype), inputs(30, 7, 5)
    y, final = layer(x)
    stream = layer.stream(batch_size=7)
    pieces = [np.stack([stream.step(x_t) for x_t in x[:9]]), stream.run(x[9:21]), stream.run(x[21:21])]
    pieces += [stream.step(x_t)[np.newaxis] for x_t in x[21:]]
    assert same(np.concatenate(pieces), y)
    assert same(stream.state, final)


def test_a_single_sequence_has_no_batch_axis(make: Any) -> None:
    layer, x = make(), inputs(6, 5)
    y, final = layer(x)
    stream = layer.stream(batch_size=None)
    assert same(np.concatenate([np.stack([stream.step(x_t) for x_t in x[:3]]), stream.run(x[3:])]), y)
    assert same(stream.state, final)


def test_a_block_has_the_layers_order_of_axes() -> None:
    layer, x = gw.GRU(5, 8, batch_first=True, seed=0), inputs(3, 6, 5)
    assert same(layer.stream(3).run(x), layer(x)[0])


def test_a_reset_sequence_starts_from_zeros(make: Any) -> None:
    layer, x = make(), inputs(8, 4, 5)
    for rows, begun in (([1, -1], [1, 3]), (np.array([True, False, True, False]), [0, 2]), (2, [2]), (None, range(4))):
        stream = layer.stream(4)
        stream.run(x[:5])
        stream.reset(rows) if rows is not None else stream.reset()
        resets = np.zeros((8, 4), bool)
        resets[5, list(begun)] = True
        assert same(stream.run(x[5:]), layer(x, resets=resets)[0][5:])


def test_the_state_is_assigned_and_read(make: Any) -> None:
    layer, x = make(), inputs(8, 2, 5)
    _, half = layer(x[:4])
    stream = layer.stream(2)
    stream.state = half
    assert same(stream.state, half)
    assert same(stream.run(x[4:]), layer(x)[0][4:])
    stream.state = None
    assert same(stream.run(x), layer(x)[0])


def test_weights_are_those_of_the_last_reload(make: Any) -> None:
    layer, x = make(), inputs(4, 2, 5)
    old, _ = layer(x)
    stream = layer.stream(2)
    layer.reset_parameters(seed=5)
    assert same(stream.run(x), old)
    stream.reset()
    stream.reload()
    assert same(stream.run(x), layer(x)[0])


def test_adopted_weights_are_a_snapshot_too() -> None:
    layer, x = gw.LSTM(5, 6, seed=0), inputs(4, 2, 5)
    arrays = layer.state_dict()
    layer.adopt(arrays)
    old, stream = layer(x)[0], layer.stream(2)
    arrays["weight_hh_l0"] += 1
    twin = pickle.loads(pickle.dumps(stream))
    assert same(stream.run(x), old)
    assert same(twin.run(x), old)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda stream: pickle.loads(pickle.dumps(stream))])
def test_copies_are_independent(make: Any, again: Any) -> None:
    layer, x = make(), inputs(8, 2, 5)
    y, _ = layer(x)
    stream = layer.stream(2)
    stream.run(x[:4])
    layer.reset_parameters(seed=5)  # the copy has the stream's snapshot, not the layer's current weights
    twin = again(stream)
    assert same(twin.run(x[4:]), y[4:])
    assert same(stream.run(x[4:]), y[4:])


def test_out_is_written_and_returned() -> None:
    layer, x = gw.GRU(5, 8, seed=0), inputs(2, 5).astype(np.float32)
    stream, out = layer.stream(2), np.empty((2, 8), np.float32)
    assert stream.step(x, out=out) is out
    assert same(out, layer(x[np.newaxis])[0][0])


def test_what_is_refused() -> None:
    layer = gw.LSTM(5, 8, seed=0)
    stream = layer.stream(2)
    x, out = np.zeros((2, 5)), np.zeros((2, 8), np.float32)
    frozen = out.copy()
    frozen.flags.writeable = False
    refused: list[tuple[type[Exception], str, Any]] = [
        (
            ValueError,
            "stream: expected a unidirectional layer, got",
            lambda: gw.GRU(1, 2, bidirectional=True).stream(),
        ),
        (ValueError, "batch_size: expected an integer >= 1, got 0", lambda: layer.stream(0)),
        (TypeError, "batch_size: expected an integer >= 1, got 1.5", lambda: layer.stream(1.5)),
        (ValueError, "x: expected (2, 5), got (3, 5)", lambda: stream.step(np.zeros((3, 5)))),
        (TypeError, "x: expected an array that converts to float32, got complex128", lambda: stream.step(x * 1j)),
        (ValueError, "x: expected (T, 2, 5), got (2, 5)", lambda: stream.run(x)),
        (TypeError, "out: expected a C-contiguous array of float32, got list", lambda: stream.step(x, out=[1])),
        (
            TypeError,
            "out: expected a C-contiguous array of float32, got one of float64",
            lambda: stream.step(x, out=out.astype(float)),
        ),
        (ValueError, "out: expected (2, 8), got (2, 7)", lambda: stream.step(x, out=out[:, :7].copy())),
        (ValueError, "out: expected a writeable array, got a read-only one", lambda: stream.step(x, out=frozen)),
        (ValueError, "rows: expected integers from -2 to 1, got 2", lambda: stream.reset([0, 2])),
        (ValueError, "rows: expected (2,), got (3,)", lambda: stream.reset(np.zeros(3, bool))),
        (TypeError, "rows: expected an array that converts to int64, got float64", lambda: stream.reset([0.5])),
        (ValueError, "state[0]: expected (1, 2, 8), got (2, 8)", lambda: setattr(stream, "state", (out, out))),
    ]
    for error, message, call in refused:
        with pytest.raises(error, match="^" + re.escape(message)):
            call()
    assert same(stream.step(x), layer(x[np.newaxis])[0][0])  # no error has changed the state


def test_two_threads_at_once_are_refused() -> None:
    stream = gw.LSTM(64, 512, seed=0).stream(8)
    x = np.zeros((400, 8, 64), np.float32)
    started, errors = threading.Event(), []

    def run() -> None:
        started.set()
        try:
            stream.run(x)
        except RuntimeError as error:  # the other thread may have been first
            errors.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    while thread.is_alive():
        try:
            stream.step(x[0])
        except RuntimeError as error:
            errors.append(str(error))
            break
    thread.join()
    assert errors
    assert errors[0].startswith("stream: another thread is using it")
