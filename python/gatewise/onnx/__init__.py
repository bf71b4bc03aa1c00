"""ONNX: run files with recurrent operators in gatewise's core, and write layers and models as files.

This module needs the onnx package (``pip install "gatewise[onnx]"``); gatewise itself does not.

>>> import io, numpy as np, gatewise as gw, gatewise.onnx
>>> file = io.BytesIO()
>>> gatewise.onnx.save(gw.LSTM(3, 4, seed=0), file)
>>> model = gatewise.onnx.load(file.getvalue())
>>> list(model.inputs), list(model.outputs)
(['x', 'lengths', 'h_0', 'c_0'], ['y', 'h_n', 'c_n'])
"""

from ..files.libraries import library

library("onnx", extra="onnx")

from .model import Model, Value, load  # noqa: E402  (the check above has a better message)
from .writing import save  # noqa: E402

__all__ = ["Model", "Value", "load", "save"]
