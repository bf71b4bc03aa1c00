"""Measure the error of float32 results, of gatewise and, where it is installed, of PyTorch.

    python bench/exactness.py

y is the largest absolute error of any output; outputs are between -1 and 1. dx and dparams are the largest errors of
the gradients of x and of the parameters, each divided by the largest element of its gradient. Each entry is the worst
of several random draws of weights, x and dy, in units of 1e-7; rounding to float32 changes a number by up to 0.6e-7 of
its size. The exact results are gatewise's in float64.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import gatewise as gw
from cases import Case
from rows import markdown

SHAPES = [(10, 32, 16, 64), (100, 4, 16, 64), (100, 32, 16, 64), (100, 32, 128, 256), (1000, 4, 16, 64)]

Results = dict[str, Any]
"""y, the gradient of x, and the gradient of each parameter, by name."""


def drawn(case: Case, seed: int) -> tuple[dict[str, Any], Any, Any]:
    """Draw parameters from PyTorch's default range, x (T, B, I) and dy (T, B, H), in float32."""
    rng = np.random.default_rng(seed)
    shapes = {name: value.shape for name, value in getattr(gw, case.cell)(case.I, case.H).params.items()}
    params = {name: rng.uniform(-1, 1, shape) * case.H**-0.5 for name, shape in shapes.items()}
    x, dy = (rng.standard_normal((case.T, case.B, size)).astype(np.float32) for size in (case.I, case.H))
    return {name: value.astype(np.float32) for name, value in params.items()}, x, dy


def by_gatewise(case: Case, dtype: Any, params: dict[str, Any], x: Any, dy: Any) -> Results:
    """Return gatewise's results, computed in `dtype`."""
    layer = getattr(gw, case.cell)(case.I, case.H, dtype=dtype)
    layer.load_state_dict(params)
    y, _, tape = layer.forward(x.astype(dtype))
    grads = layer.backward(tape, dy.astype(dtype))
    return {"y": y, "x": grads.x, **grads.params}


def by_pytorch(case: Case, params: dict[str, Any], x: Any, dy: Any) -> Results:
    """Return PyTorch's results, computed in float32."""
    import torch

    module = getattr(torch.nn, case.cell)(case.I, case.H)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in params.items()})
    x = torch.from_numpy(x).requires_grad_()
    y, _ = module(x)
    y.backward(torch.from_numpy(dy))
    assert x.grad is not None
    grads = {name: parameter.grad.numpy() for name, parameter in module.named_parameters()}
    return {"y": y.detach().numpy(), "x": x.grad.numpy(), **grads}


def errors(got: Results, exact: Results) -> list[float]:
    """Return the errors of y, of the gradient of x and of the parameter gradients."""
    off = {name: float(np.abs(got[name] - value).max()) for name, value in exact.items()}
    for name in off.keys() - {"y"}:
        off[name] /= float(np.abs(exact[name]).max())
    return [off["y"], off["x"], max(off[name] for name in off.keys() - {"x", "y"})]


def has_pytorch() -> bool:
    """Whether PyTorch is installed."""
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=10, help="random draws per case (default: 10)")
    options = parser.parse_args()
    compared = has_pytorch()
    kinds = ["y", "dx", "dparams"]
    head = ["case (T,B,I,H)", *(f"{kind}{library}" for kind in kinds for library in ["", ", PyTorch"][: 1 + compared])]
    rows = []
    for cell in ("LSTM", "GRU", "RNN"):
        for shape in SHAPES:
            case = Case("train", cell, *shape)
            worst = np.zeros((len(kinds), 1 + compared))
            for seed in range(options.draws):
                case_data = drawn(case, seed)
                exact = by_gatewise(case, np.float64, *case_data)
                results = [by_gatewise(case, np.float32, *case_data)]
                if compared:
                    results.append(by_pytorch(case, *case_data))
                worst = np.maximum(worst, np.transpose([errors(each, exact) for each in results]))
            rows.append([f"{cell} {','.join(map(str, shape))}", *(f"{value * 1e7:.2f}" for value in worst.ravel())])
    print("\n".join(markdown(head, rows)))


if __name__ == "__main__":
    main()
