"""OpenVINO, which runs the same ONNX model as ONNX Runtime."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import openvino

from cases import Case

from ._data import inputs
from ._onnx import feeds, model, supported


def facts() -> dict[str, str]:
    """OpenVINO's version."""
    return {"version": openvino.__version__.split("-")[0]}


def make(case: Case, threads: int) -> Callable[[], Any] | None:
    """Compile a model for this number of threads, tuned for latency, in float32."""
    if not supported(case):
        return None
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(io.BytesIO(model(case).SerializeToString())), "CPU", settings)
    return partial(compiled.create_infer_request().infer, feeds(case, inputs(case)[0]))
