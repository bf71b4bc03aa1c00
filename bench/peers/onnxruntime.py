"""ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import onnxruntime

from cases import Case

from ._data import inputs
from ._onnx import feeds, model, supported


def facts() -> dict[str, str]:
    """ONNX Runtime's version."""
    return {"version": str(onnxruntime.__version__)}


def make(case: Case, threads: int) -> Callable[[], Any] | None:
    """Make an inference session with this number of threads."""
    if not supported(case):
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model(case).SerializeToString(), options, ["CPUExecutionProvider"])
    return partial(session.run, None, feeds(case, inputs(case)[0]))
