"""Optimizers, losses and the tutorial's training agree with PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gatewise as gw
from gatewise.training import losses

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

Array = NDArray[Any]
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1, "momentum": 0.5}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.01}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.3}),
]


@pytest.mark.parametrize("clip", [None, 3.0], ids=["", "clipped"])
@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=[f"{n} {o}" for n, o in OPTIMIZERS])
def test_optimizers(name: str, options: dict[str, Any], clip: float | None, dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(0)
    p = rng.standard_normal(50).astype(dtype)
    parameter = torch.nn.Parameter(torch.tensor(p))
    theirs = getattr(torch.optim, name)([parameter], **options)
    ours = getattr(gw.optimizers, name)(**options, clip_norm=clip)
    for _ in range(20):
        g = rng.standard_normal(50).astype(dtype)
        parameter.grad = torch.tensor(g)
        if clip is not None:
            torch.nn.utils.clip_grad_norm_([parameter], clip)
        theirs.step()
        ours.update(p, g)
    # Each library rounds fewer than 20 times per step; PyTorch adds 1e-6 to the norm by which it divides.
    slack = 20 * 40 * np.finfo(dtype).eps + (0.0 if clip is None else 20 * 1e-6)
    assert np.max(np.abs(p - parameter.detach().numpy())) <= slack


def test_defaults_are_those_of_pytorch() -> None:
    import inspect

    for name in ("SGD", "RMSprop", "Adam", "AdamW"):
        theirs = inspect.signature(getattr(torch.optim, name)).parameters
        for argument, ours in inspect.signature(getattr(gw.optimizers, name)).parameters.items():
            if not argument.startswith("clip_"):
                assert ours.default == theirs[argument].default, (name, argument)


RNG = np.random.default_rng(0)
Z, NUMBERS, CLASSES = RNG.standard_normal((6, 4)), RNG.standard_normal((6, 4)), RNG.integers(0, 4, 6)
SHARES = RNG.dirichlet(np.ones(4), 6)
LOSSES: list[tuple[losses.Loss, Any, Array]] = [
    (losses.MSE(), torch.nn.MSELoss(), NUMBERS),
    (losses.MAE(), torch.nn.L1Loss(), NUMBERS),
    (losses.Huber(0.5), torch.nn.HuberLoss(delta=0.5), NUMBERS),
    (losses.BinaryCrossEntropy(), torch.nn.BCEWithLogitsLoss(), SHARES),
    (losses.CrossEntropy(), torch.nn.CrossEntropyLoss(), CLASSES),
    (losses.CrossEntropy(), torch.nn.CrossEntropyLoss(), SHARES),
    (
        losses.CrossEntropy([1.0, 2.0, 0.5, 3.0]),
        torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=torch.float64)),
        CLASSES,
    ),
]


@pytest.mark.parametrize(("ours", "theirs", "target"), LOSSES, ids=[f"{o!r} {t.dtype}" for o, _, t in LOSSES])
def test_losses(ours: losses.Loss, theirs: Any, target: Array) -> None:
    z = torch.tensor(Z, requires_grad=True)
    expected = theirs(z, torch.tensor(target))
    expected.backward()
    value, gradient, _ = ours(Z, target)
    assert value == pytest.approx(expected.item(), rel=1e-13)
    np.testing.assert_allclose(gradient, z.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_the_tutorials_training_has_the_same_losses() -> None:
    """Windows of a scaled series, two LSTM layers, a linear layer on the flattened outputs, MSE, Adam 1e-3."""
    steps, hidden, batch = 20, 32, 32
    series = np.sin(np.arange(32 * 20 + steps) * 0.1).astype(np.float32)
    x = np.lib.stride_tricks.sliding_window_view(series, steps)[:-1, :, None]
    y = series[steps:, None]
    layer, head = torch.nn.LSTM(1, hidden, 2, batch_first=True), torch.nn.Linear(steps * hidden, 1)
    model = gw.Sequential(
        gw.LSTM(1, hidden, 2, batch_first=True), gw.Flatten(steps), gw.Linear(steps * hidden, 1), seed=0
    )
    values = {name: torch.tensor(value) for name, value in model.state_dict().items()}
    layer.load_state_dict({name[2:]: value for name, value in values.items() if name.startswith("0.")})
    head.load_state_dict({name[2:]: value for name, value in values.items() if name.startswith("2.")})
    adam = torch.optim.Adam([*layer.parameters(), *head.parameters()], 1e-3)
    theirs = []
    for step in range(100):
        part = slice(step % 20 * batch, (step % 20 + 1) * batch)
        adam.zero_grad()
        out, _ = layer(torch.tensor(x[part]))
        loss = torch.nn.functional.mse_loss(head(out.reshape(batch, -1)), torch.tensor(y[part]))
        loss.backward()
        adam.step()
        theirs.append(loss.item())

    ours: list[float] = []

    class Record(gw.callbacks.Callback):
        def on_batch_end(self, run: Any) -> None:
            ours.append(run.batch_loss)

    model.fit(x, y, epochs=5, optimizer=gw.optimizers.Adam(1e-3), shuffle=False, callbacks=[Record()], verbose=False)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
