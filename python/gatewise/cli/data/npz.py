"""The arrays of an NPZ file as sequences."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..._core.parameters import Array
from ...files.errors import InputError
from .sequences import Columns, LabelledSequences, as_text


def load(path: Path) -> dict[str, Array]:
    """Return the arrays of a file by name."""
    try:
        with path.open("rb") as file:
            # NumPy takes a file with another beginning for a single array or a pickle.
            if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
                raise InputError(f"{path}: not an NPZ file; numpy.savez writes one")
            file.seek(0)
            content = np.load(file, allow_pickle=False)
            return {name: _array(path, content, name) for name in content.files}
    except OSError as error:
        raise InputError(f"{path}: cannot read this NPZ file: {error.strerror or error}") from error
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"{path}: this NPZ file is damaged: {error}") from error


def _array(path: Path, content: Any, name: str) -> Array:
    try:
        array = content[name]
    except (ValueError, EOFError, RuntimeError, zlib.error) as error:
        got = (
            "objects; if sequences have different lengths, pad them and add the array lengths"
            if "pickle" in str(error)
            else error
        )
        raise InputError(f"{path}: {name}: expected an array of numbers or text, got {got}") from error
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path}: {name}: expected an array, got another file")
    return array


def sequences(content: dict[str, Array], columns: Columns, text: bool | None, with_targets: bool) -> LabelledSequences:
    """Return the sequences in the arrays that `load` returned."""
    (x_name,), (y_name,) = columns.features, columns.targets
    x = content[x_name]
    if x.ndim not in (2, 3) or x.dtype.kind not in "iufb" or not x.size:
        raise InputError(f"{x_name}: expected numbers (N, T, features) or (N, T), got {x.dtype} {x.shape}")
    x = x.reshape(*x.shape[:2], -1).astype(np.float64)
    lengths = content.get("lengths", np.full(len(x), x.shape[1]))
    if lengths.shape != (len(x),) or lengths.dtype.kind not in "iu" or lengths.min() < 1 or lengths.max() > x.shape[1]:
        raise InputError(
            f"lengths: expected {len(x)} integers from 1 to {x.shape[1]}, got {lengths.dtype} {lengths.shape}"
            + (f" from {lengths.min()} to {lengths.max()}" if lengths.size and lengths.dtype.kind in "iuf" else "")
        )
    valid = np.arange(x.shape[1]) < lengths[:, None]
    if len(bad := np.argwhere(~np.isfinite(x).all(axis=2) & valid)):
        raise InputError(f"{x_name}: expected finite numbers, got {x[tuple(bad[0])]} in [{bad[0][0]}, {bad[0][1]}]")
    targets = _targets(content[y_name], y_name, valid, columns.per_step, text) if with_targets else None
    sequence, step = np.nonzero(valid) if columns.per_step else (np.arange(len(x)), None)
    labels = {"sequence": sequence} if step is None else {"sequence": sequence, "step": step}
    cut = [one[:n] for one, n in zip(x, lengths, strict=True)]
    return LabelledSequences(cut, targets, labels, np.arange(len(sequence)), columns.per_step)


def _targets(y: Array, name: str, valid: Array, per_step: bool, text: bool | None) -> Array:
    """Return the targets (N, targets), or those of the valid steps (ΣT, targets)."""
    count, steps = valid.shape
    if per_step and y.shape[:2] == (count, steps) and y.ndim <= 3:
        y = y[valid]
    elif per_step or y.shape[:1] != (count,) or y.ndim > 2:
        expected = (
            f"({count}, {steps}) or ({count}, {steps}, targets)" if per_step else f"({count},) or ({count}, targets)"
        )
        raise InputError(f"{name}: expected {expected}, got {y.shape}")
    elif y.ndim == 2 and y.shape[1] == steps > 1:
        raise InputError(f"{name}: expected ({count},), got {y.shape}; for one target per step use --per-step")
    y = y.reshape(len(y), -1)
    if y.dtype.kind == "U" and text is not False:
        return y
    if y.dtype.kind not in "iufb":
        raise InputError(f"{name}: expected numbers{'' if text is False else ' or text'}, got {y.dtype}")
    if not np.isfinite(y).all():
        raise InputError(f"{name}: expected finite numbers, got {y[~np.isfinite(y)][0]}")
    if text or (text is None and y.dtype.kind == "b"):
        return as_text(y)
    return y.astype(np.float64)
