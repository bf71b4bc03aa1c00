"""Load recurrent layers from weight files, and save them.

Files of other libraries are read as well: PyTorch state dicts, ONNX graphs and Keras models.

>>> import os, tempfile, gatewise as gw, gatewise.weights
>>> with tempfile.TemporaryDirectory() as folder:
...     path = os.path.join(folder, "weights.safetensors")
...     gatewise.weights.save({"encoder": gw.GRU(3, 4, bidirectional=True)}, path)
...     gatewise.weights.load(path).layers
{'encoder': GRU(3, 4, bidirectional=True)}
"""

from .contents import Weights
from .files import load, save

__doctest_requires__ = ("safetensors",)
__all__ = ["Weights", "load", "save"]
