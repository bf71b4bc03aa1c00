"""Layers agree with PyTorch on every output and gradient that PyTorch has too.

In float64 the results of both are within the bounds of tolerances.py. In float32 gatewise's error against the float64
result is at most a small multiple of PyTorch's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import draw
import gatewise as gw
from draw import Option, Variant
from layer_objects import applied
from tolerances import CELL, Expected, chain, expect, largest, named, unit

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
from torch_modules import CELLS, PAIRS, case_of, run_torch  # noqa: E402

# PyTorch warns that it computes projections in a different way.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

Array = NDArray[Any]


@pytest.mark.parametrize(("option", "variant"), PAIRS, ids=str)
def test_results_agree(isa: str, option: Option, variant: Variant) -> None:
    """Both are within the bound of the exact result, so they differ by at most twice the bound."""
    case = case_of(option, variant)
    want = expect(case)
    got = named(case.run(case.layer(gw, np.float64)))
    other = run_torch(case, torch.float64)
    assert other.keys() >= {"y", "grads.x", *(f"grads.params.{name}" for name in case.params)}
    for name, value in other.items():
        assert got[name].shape == value.shape, name
        assert largest(got[name] - value) <= 2 * want.bound(name, np.float64), name


@pytest.mark.interop("PyTorch", "state_dict() of nn.RNN, LSTM, GRU and cells, with a prefix", reads="exact")
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_state_dict_is_accepted_as_it_is(isa: str, kind: str, dtype: str) -> None:
    torch.manual_seed(0)
    sizes = {"num_layers": 2, "bidirectional": True, **({"proj_size": 3} if kind == "LSTM" else {})}
    module = getattr(torch.nn, kind)(4, 5, **sizes, dtype=getattr(torch, dtype))
    layer = getattr(gw, kind)(4, 5, **sizes, dtype=dtype)
    layer.load_state_dict(module.state_dict())
    assert list(layer.state_dict()) == list(module.state_dict())
    for name, tensor in module.state_dict().items():
        np.testing.assert_array_equal(layer.params[name], tensor.numpy())
    encoder = torch.nn.ModuleDict({"encoder": module})
    layer.load_state_dict(encoder.state_dict(), prefix="encoder.")
    x = torch.randn(6, 3, 4, dtype=getattr(torch, dtype))
    y, _ = layer(x)
    # Outputs are below 1 and products have at most 10 terms. Two layers round in each of the two libraries.
    roundings = chain(10) + CELL
    np.testing.assert_allclose(y, module(x)[0].detach().numpy(), rtol=0, atol=2 * 2 * roundings * unit(dtype))
    cell = getattr(torch.nn, f"{kind}Cell")(4, 5)
    ours = getattr(gw, f"{kind}Cell")(4, 5)
    ours.load_state_dict(cell.state_dict())
    got, want = ours(x[0].float()), cell(x[0].float())
    for half, other in zip(*((s if isinstance(s, tuple) else (s,)) for s in (got, want)), strict=True):
        np.testing.assert_allclose(half, other.detach().numpy(), rtol=0, atol=2 * roundings * unit(np.float32))


F = torch.nn.functional
ACTIVATIONS: list[tuple[Any, Any]] = [
    ("relu", F.relu),
    (("leaky_relu", 0.125), lambda a: F.leaky_relu(a, 0.125)),
    (("thresholded_relu", 0.5), lambda a: F.threshold(a, 0.5, 0.0)),
    (("elu", 0.75), lambda a: F.elu(a, 0.75)),
    # F.hardsigmoid is no reference: even in float64 its slope is 1 / 6 in float32. The corners are at -2 and 2.
    (("hard_sigmoid", 0.25, 0.5), lambda a: 0.5 + 0.5 * F.hardtanh(0.5 * a)),
    ("softplus", F.softplus),
    ("softsign", F.softsign),
    (("scaled_tanh", 1.5, 0.5), lambda a: 1.5 * torch.tanh(0.5 * a)),
]


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize(
    ("activation", "function"), ACTIVATIONS, ids=[str(activation) for activation, _ in ACTIVATIONS]
)
def test_activations_and_their_slopes(isa: str, activation: Any, function: Any, clip: float | None) -> None:
    """Values and slopes agree within a few roundings, also where two pieces of an activation meet."""
    a = np.array([0.0, 0.25, 0.5, 0.75, 2.0, 3.0, -0.25, -0.5, -0.75, -2.0, -3.0])
    value, slope = applied(activation, a, clip)
    leaf = torch.tensor(a, requires_grad=True)
    other = function(leaf if clip is None else torch.clamp(leaf, -clip, clip))
    other.sum().backward()
    np.testing.assert_allclose(value, other.detach().numpy(), rtol=0, atol=10 * unit(np.float64))
    np.testing.assert_allclose(slope, leaf.grad.numpy(), rtol=0, atol=10 * unit(np.float64))


LARGE = [(20, 8, 16, 64), (100, 2, 8, 32), (4, 16, 600, 96), (3, 300, 8, 24)]
"""(T, B, I, H) of the layers whose errors in float32 are compared."""


def errors(want: Expected, results: dict[str, Array]) -> dict[str, float]:
    """The largest error of outputs and states, and of gradients, relative to the largest number in its array."""
    worst: dict[str, float] = {}
    for name, value in want.values.items():
        if name in results and value.size and largest(value) > 0:
            group = "gradients" if name.startswith("grads") else "outputs"
            worst[group] = max(worst.get(group, 0.0), largest(results[name] - value) / largest(value))
    return worst


@pytest.mark.parametrize("sizes", LARGE, ids=str)
@pytest.mark.parametrize("cell", [cell for cell in CELLS if "relu" not in str(cell)], ids=str)
def test_float32_is_as_accurate(isa: str, cell: Option, sizes: tuple[int, int, int, int], record_property: Any) -> None:
    """The largest errors of outputs and of gradients are at most 4 times PyTorch's.

    The largest of many random roundings varies by a factor of about 2. Another factor of about 2 is due to PyTorch's
    sums in blocks, which round less than one chain.
    """
    case = draw.make(cell, draw.VARIANTS[0], *sizes, proj_size=sizes[3] // 2)
    want = expect(case)
    ours = errors(want, named(case.run(case.layer(gw, np.float32))))
    theirs = errors(want, run_torch(case, torch.float32))
    assert ours.keys() == theirs.keys() == {"outputs", "gradients"}
    for group, error in ours.items():
        record_property(f"{group}: gatewise, PyTorch", (error, theirs[group]))
        assert error <= 4 * theirs[group], group
