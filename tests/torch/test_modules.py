"""The drop-in modules: their results, their gradients, and their use inside PyTorch models."""

from __future__ import annotations

import copy
import io
import itertools
import socket
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from draw import Option, Variant
from tolerances import expect, largest, named

torch = pytest.importorskip("torch", reason="puts modules into PyTorch's models, and it is not installed")
from torch.utils.checkpoint import checkpoint  # noqa: E402

import gatewise as gw  # noqa: E402
import gatewise.torch as gt  # noqa: E402
from torch_modules import PAIRS, case_of, run_torch  # noqa: E402

KINDS = ["RNN", "LSTM", "GRU"]


@pytest.mark.interop("PyTorch", "drop-in modules: outputs and gradients, also of packed sequences", reads="rounding")
@pytest.mark.parametrize(("option", "variant"), PAIRS, ids=str)
def test_results_and_gradients(option: Option, variant: Variant) -> None:
    """Results are within the bounds of the exact ones; all but the parameters' gradients have the layer's bits."""
    case = case_of(option, variant)
    want = expect(case)
    got = run_torch(case, torch.float64, gt)
    bits = named(case.run(case.layer(gw, np.float64)))
    assert got.keys() >= {"y", "grads.x", *(f"grads.params.{name}" for name in case.params)}
    for name, value in got.items():
        assert largest(value - want.values[name]) <= want.bound(name, np.float64), name
        if "params" not in name:
            np.testing.assert_array_equal(value, bits[name], err_msg=name)


def all_of(result: Any) -> tuple[Any, ...]:
    """y and each array of the state."""
    y, state = result
    return (getattr(y, "data", y), *(state if isinstance(state, tuple) else (state,)))


@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
@pytest.mark.parametrize("kind", KINDS)
def test_gradcheck(kind: str, packed: bool) -> None:
    """Central differences agree with the gradients of x, the initial state and all parameters."""
    options = {"proj_size": 2} if kind == "LSTM" else {}
    module = getattr(gt, kind)(2, 3, 2, bidirectional=True, dtype=torch.float64, **options)
    x = torch.randn(4, 3, 2, dtype=torch.float64, requires_grad=True)
    state = [torch.randn(4, 3, 2 if options else 3, dtype=torch.float64, requires_grad=True)]
    state += [torch.randn(4, 3, 3, dtype=torch.float64, requires_grad=True)] if kind == "LSTM" else []

    def call(x: Any, *tensors: Any) -> Any:
        hx = tensors[0] if kind != "LSTM" else tensors[:2]
        given = torch.nn.utils.rnn.pack_padded_sequence(x, [2, 4, 1], enforce_sorted=False) if packed else x
        return all_of(module(given, hx))

    assert torch.autograd.gradcheck(call, (x, *state, *module.parameters()))


@pytest.mark.parametrize("kind", KINDS)
def test_the_constructor_is_pytorchs(kind: str) -> None:
    """The same seed gives the same initial values, and each takes the other's state dict."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn, kind)(2, 3, num_layers=2, bidirectional=True)
    torch.manual_seed(0)
    ours = getattr(gt, kind)(2, 3, num_layers=2, bidirectional=True)
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    for (name, a), (other, b) in zip(ours.state_dict().items(), theirs.state_dict().items(), strict=True):
        assert name == other
        assert torch.equal(a, b)
    theirs.load_state_dict(ours.state_dict())
    ours.load_state_dict(theirs.state_dict(), strict=True)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_never_stale(kind: str) -> None:
    """However weights are written or replaced, the next call sees the new ones."""
    module, x = getattr(gt, kind)(2, 3), torch.randn(4, 2, 2)

    def check() -> None:
        plain = getattr(torch.nn, kind)(2, 3, dtype=module.weight_hh_l0.dtype)
        plain.load_state_dict(module.state_dict())
        want = gt.from_torch(plain)(x.numpy())[0]
        for grad in (False, True):
            with torch.set_grad_enabled(grad):
                np.testing.assert_array_equal(module(x)[0].numpy(force=True), want)

    check()
    with torch.no_grad():
        module.weight_hh_l0.mul_(2)
    check()
    module.bias_hh_l0.data.add_(1)  # PyTorch counts no new version of the tensor
    check()
    module.weight_ih_l0.data = torch.randn_like(module.weight_ih_l0)
    check()
    module.load_state_dict(getattr(torch.nn, kind)(2, 3).state_dict())
    check()
    module.load_state_dict(getattr(torch.nn, kind)(2, 3).state_dict(), assign=True)
    check()
    module.weight_hh_l0 = torch.nn.Parameter(torch.randn(3, module.weight_hh_l0.shape[0]).T)  # not contiguous
    check()
    module, x = module.double(), x.double()
    check()
    parameters = {name: value + 1 for name, value in module.named_parameters()}
    called = torch.func.functional_call(module, parameters, x)[0]
    check()
    module.load_state_dict(parameters)
    np.testing.assert_array_equal(called.numpy(force=True), module(x)[0].numpy(force=True))


def test_computed_weights_get_gradients() -> None:
    """weight_norm computes the weights in every call from its own parameters, which are trained."""
    torch.manual_seed(0)
    ours, theirs = (
        torch.nn.utils.parametrizations.weight_norm(library.GRU(2, 3, dtype=torch.float64), "weight_hh_l0")
        for library in (gt, torch.nn)
    )
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(4, 2, 2, dtype=torch.float64)
    for module in (ours, theirs):
        module(x)[0].square().sum().backward()
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, msg=name)


@pytest.mark.interop("PyTorch", "drop-in modules: deepcopy, torch.save, state dicts", reads="exact", writes="exact")
@pytest.mark.parametrize("kind", KINDS)
def test_copies_and_pickles(kind: str) -> None:
    """A copy, or a module that torch.save wrote, has its own weights, before and after the first call."""
    module, x = getattr(gt, kind)(2, 3, batch_first=True), torch.randn(2, 4, 2)
    early = copy.deepcopy(module)
    want = module(x)[0]
    late = copy.deepcopy(module)
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    saved = torch.load(file, weights_only=False)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    assert not torch.equal(module(x)[0], want)
    for other in (early, late, saved):
        assert type(other) is type(module)
        assert torch.equal(other(x)[0], want)


def test_gradients_are_made_only_where_wanted() -> None:
    lstm = gt.LSTM(2, 3)
    x = torch.randn(4, 2, 2, requires_grad=True)
    with torch.no_grad():
        assert not lstm(x)[0].requires_grad
    with torch.inference_mode():
        assert lstm(x)[0].is_inference()
    lstm.requires_grad_(False)
    assert not lstm(x.detach())[0].requires_grad
    lstm.weight_hh_l0.requires_grad_(True)
    y, (h, _) = lstm(x)
    (y[..., 0].sum() + h.sum()).backward(retain_graph=True)  # no gradient with respect to c
    once = lstm.weight_hh_l0.grad.clone()
    assert lstm.weight_ih_l0.grad is None
    y.mul_(2)  # the tape keeps its own copy of y
    (y[..., 0].sum() / 2 + h.sum()).backward()
    torch.testing.assert_close(lstm.weight_hh_l0.grad, 2 * once)


def test_a_tape_lives_as_long_as_its_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with PyTorch's saved tensors, backward frees it, retain_graph keeps it, and checkpointing recomputes it."""
    tapes = []
    forward = gw.LSTM.forward

    def watched(*arguments: Any, **options: Any) -> Any:
        results = forward(*arguments, **options)
        tapes.append(weakref.ref(results[2]))
        return results

    def alive() -> int:
        return sum(tape() is not None for tape in tapes)

    monkeypatch.setattr(gw.LSTM, "forward", watched)
    lstm, x = gt.LSTM(2, 3), torch.randn(4, 2, 2, requires_grad=True)
    first, second = lstm(x)[0].sum(), lstm(x)[0].sum()
    assert alive() == 2
    first.backward(retain_graph=True)
    once = x.grad.clone()
    first.backward()
    assert torch.equal(x.grad, 2 * once)
    assert alive() == 1
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        first.backward()
    second.backward()
    assert alive() == 0
    x.grad = None
    part = checkpoint(lambda x: lstm(x)[0].sum(), x, use_reentrant=False)
    assert alive() == 0
    part.backward()
    assert torch.equal(x.grad, once)
    assert alive() == 0


def test_hooks_on_what_is_saved() -> None:
    """Hooks may pass on the saved tensor, but not a copy of it."""
    lstm, x = gt.LSTM(2, 3), torch.randn(4, 2, 2, requires_grad=True)
    lstm(x)[0].sum().backward()
    once = x.grad.clone()
    with torch.autograd.graph.save_on_cpu():
        y = lstm(x)[0]
    y.sum().backward()
    assert torch.equal(x.grad, 2 * once)
    with torch.autograd.graph.saved_tensors_hooks(torch.clone, torch.clone):
        y = lstm(x)[0]
    with pytest.raises(RuntimeError, match="saved_tensors_hooks: expected hooks that keep the memory of a tensor"):
        y.sum().backward()


def test_a_second_derivative_is_refused() -> None:
    gru, x = gt.GRU(2, 3), torch.randn(4, 2, 2, requires_grad=True)
    (first,) = torch.autograd.grad(gru(x)[0].square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_dropout_acts_in_training_alone() -> None:
    """It has PyTorch's probability and seed. In eval() there is none, with and without gradients."""
    lstm = gt.LSTM(4, 200, num_layers=2, dropout=0.3)
    plain = torch.nn.LSTM(4, 200, num_layers=2)
    plain.load_state_dict(lstm.state_dict())
    x = torch.randn(20, 8, 4)
    want = torch.from_numpy(gt.from_torch(plain)(x.numpy())[0])
    draws = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        draws.append(lstm(x)[0].detach())
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    torch.manual_seed(0)
    with torch.no_grad():
        assert torch.equal(lstm(x)[0], draws[0])
    lstm.eval()
    assert torch.equal(lstm(x)[0], want)
    assert lstm(x)[0].requires_grad
    with torch.no_grad():
        assert torch.equal(lstm(x)[0], want)
    # The second layer returns its input: h = relu(x). So zeros are the dropped elements.
    rnn = gt.RNN(1, 500, num_layers=2, dropout=0.3, nonlinearity="relu")
    with torch.no_grad():
        for name, value in rnn.named_parameters():
            value.fill_(1.0 if name == "bias_ih_l0" else 0.0)
        rnn.weight_ih_l1.copy_(torch.eye(500))
        shown = rnn(torch.zeros(100, 4, 1))[0]
    assert shown.unique().tolist() == [0.0, np.float32(1 / np.float32(0.7))]
    share = float((shown == 0).float().mean())
    assert abs(share - 0.3) < 5 * (0.3 * 0.7 / shown.numel()) ** 0.5  # five standard deviations


def test_autocast_computes_in_the_weights_dtype() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), gt.LSTM(2, 3))
    with torch.autocast("cpu"):
        y, _ = model(torch.randn(4, 2, 2))
    assert y.dtype == torch.float32
    y.sum().backward()
    assert model[0].weight.grad is not None


def test_compile_leaves_the_core_alone() -> None:
    lstm, x = gt.LSTM(2, 3), torch.randn(4, 2, 2)
    compiled = torch.compile(lstm, backend="eager")
    assert torch.equal(compiled(x)[0], lstm(x)[0])


X = torch.zeros(4, 2, 2)
REFUSED: list[tuple[Any, type[Exception], str]] = [
    (lambda m: m.half()(X.half()), TypeError, "weight_ih: expected torch.float32 or torch.float64, got torch.float16"),
    (lambda m: m.bfloat16()(X.bfloat16()), TypeError, "weight_ih: expected torch.float32 .* got torch.bfloat16"),
    (lambda m: m(X.half()), TypeError, "input: expected torch.float32 or torch.float64, got torch.float16"),
    (lambda m: m(X.double()), TypeError, "input: expected torch.float32, the dtype of the weights, got torch.float64"),
    (lambda m: m.to("meta")(X), TypeError, "weight_ih: expected a tensor on the CPU, .* got one on meta"),
    (lambda m: m(X.to("meta")), TypeError, "input: expected a tensor on the CPU, .* got one on meta"),
    (lambda m: m(X.to_sparse()), TypeError, "input: expected a dense tensor, got one of layout torch.sparse_coo"),
    (lambda m: m(X.numpy()), TypeError, "input: expected a torch.Tensor, got ndarray"),
    (lambda m: m(X, (X, X.half())), TypeError, "hx: expected torch.float32 .* got torch.float16"),
    (lambda m: m(torch.zeros(4, 2, 5)), ValueError, r"x: expected \(T, B, 2\), got \(4, 2, 5\)"),
    (lambda m: m(X, X), (TypeError, ValueError), "state"),
    (lambda m: torch.jit.trace(m, X), RuntimeError, "LSTM: PyTorch cannot trace gatewise's core"),
]


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace:DeprecationWarning")
@pytest.mark.parametrize(("call", "error", "message"), REFUSED, ids=[message for _, _, message in REFUSED])
def test_what_the_core_does_not_have_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(gt.LSTM(2, 3))


def test_training_follows_pytorchs_path() -> None:
    """Twenty steps of Adam give the losses of PyTorch's own module."""
    losses = []
    for library in (torch.nn, gt):
        torch.manual_seed(0)
        model = torch.nn.ModuleDict({"rnn": library.LSTM(2, 8, 2, batch_first=True), "head": torch.nn.Linear(8, 1)})
        x = torch.randn(16, 10, 2)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(20):
            optimizer.zero_grad()
            loss = (model["head"](model["rnn"](x)[0])[:, -1, 0] - x.sum((1, 2))).square().mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(float(loss.detach()))
    ours, theirs = losses[20:], losses[:20]
    assert ours[-1] < ours[0]
    # Roundings of the first step grow over twenty steps, since Adam divides by the size of the gradient.
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def replica(rank: int, port: int, folder: str) -> None:
    """One of two processes: train a model on half of the batch for three steps, and save gradients and weights."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    torch.manual_seed(rank)  # DistributedDataParallel sends the first process's weights to the other
    model = torch.nn.parallel.DistributedDataParallel(gt.GRU(2, 3, 2, bidirectional=True, dtype=torch.float64))
    x = torch.linspace(-1, 1, 4 * 4 * 2, dtype=torch.float64).reshape(4, 4, 2)[:, rank::2]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    first: dict[str, Any] = {}
    for _ in range(3):
        optimizer.zero_grad()
        model(x)[0].square().mean().backward()
        first = first or {name: value.grad.clone() for name, value in model.module.named_parameters()}
        optimizer.step()
    torch.save({"first": first, "end": model.module.state_dict()}, f"{folder}/{rank}.pt")
    torch.distributed.barrier()  # the first process must serve the other until both are done
    torch.distributed.destroy_process_group()


@pytest.mark.interop("PyTorch", "drop-in modules under DistributedDataParallel", reads="rounding")
def test_two_processes_train_one_model(tmp_path: Path) -> None:
    """With DistributedDataParallel over gloo, both end with the weights of one process that sees the whole batch."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = torch.multiprocessing.spawn(replica, (port, str(tmp_path)), nprocs=2, join=False)
    try:
        deadline = time.monotonic() + 100
        while not processes.join(timeout=10):
            assert time.monotonic() < deadline, "the two processes wait for each other for ever"
    finally:
        for process in processes.processes:
            process.kill()
    ends = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    torch.manual_seed(0)
    alone = torch.nn.GRU(2, 3, 2, bidirectional=True, dtype=torch.float64)
    x = torch.linspace(-1, 1, 4 * 4 * 2, dtype=torch.float64).reshape(4, 4, 2)
    optimizer = torch.optim.SGD(alone.parameters(), lr=0.1)
    for step in range(3):
        optimizer.zero_grad()
        alone(x)[0].square().mean().backward()
        if step == 0:
            for (name, value), end in itertools.product(alone.named_parameters(), ends):
                torch.testing.assert_close(end["first"][name], value.grad)
        optimizer.step()
    for name, value in alone.state_dict().items():
        assert torch.equal(ends[0]["end"][name], ends[1]["end"][name])
        torch.testing.assert_close(ends[0]["end"][name], value)
