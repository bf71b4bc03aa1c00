"""Weight files: recurrent layers out of ``.safetensors``, PyTorch's state dicts, ``.onnx`` and ``.keras`` files.

>>> import os, tempfile, gatewise as gw, gatewise.weights
>>> with tempfile.TemporaryDirectory() as folder:
...     path = os.path.join(folder, "weights.safetensors")
...     gatewise.weights.save({"encoder": gw.GRU(3, 4, bidirectional=True)}, path)
...     gatewise.weights.load(path).layers
{'encoder': GRU(3, 4, bidirectional=True)}
"""

from .files import Weights, load, save

__all__ = ["Weights", "load", "save"]
