"""Sample data and labels from .npy and .npz files (numpy only)."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mgeconvert.check.runners.protocol import Array, Port
from mgeconvert.errors import ConvertError

LABELS = "labels"
SAFE = frozenset({"bf", "ui", "bu", "bi", "if", "uf"})


@dataclass(frozen=True)
class Sample:
    """Data for one input: `rows` along the first axis, or None where it is one whole input."""

    data: Array
    dtype: str
    rows: int | None
    rows_per_run: int | None

    def cut(self, start: int, shape: tuple[int, ...]) -> Array:
        """Return the input for a run that begins at row `start`; past the end rows start again."""
        if self.rows is None:
            return np.ascontiguousarray(self.data, dtype=self.dtype)
        rows = np.take(self.data, range(start, start + shape[0]), axis=0, mode="wrap")
        return np.ascontiguousarray(rows, dtype=self.dtype)


def read_sample(path: str, port: Port, *, alone: bool) -> Sample:
    """Read the data of one input; a .npy is for the only input of a model.

    Raises ConvertError for a file that cannot be read (no pickles), has no array for the input,
    another shape or an element type that the input's cannot hold.
    """
    data = _array(path, (port.name,), alone=alone)
    shape = port.shape or ()
    fits = data.ndim == len(shape) and all(
        isinstance(dim, str) or dim == size for dim, size in zip(shape[1:], data.shape[1:])
    )
    if not fits or (shape and not data.shape[0]):
        problem = f"{path}: {port.name!r} has shape {data.shape} for an input of {shape}"
        raise ConvertError(problem, hint="the first axis may hold any number of rows")
    want = np.dtype(port.dtype)
    if not np.can_cast(data.dtype, want, "same_kind") and data.dtype.kind + want.kind not in SAFE:
        raise ConvertError(f"{path}: {port.name!r} is {data.dtype} for an input of {want}")
    whole = not shape or data.shape[0] == shape[0]
    per_run = shape[0] if shape and isinstance(shape[0], int) else None
    return Sample(data, port.dtype, None if whole else data.shape[0], per_run)


def read_labels(path: str) -> Array:
    """Return the classes, shape (rows,), from a .npy, or from `labels` of a .npz.

    Raises ConvertError for a file that cannot be read or anything but one axis of integers.
    """
    labels = _array(path, (LABELS, "y"), alone=True)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        found = f"{labels.dtype} of shape {labels.shape}"
        raise ConvertError(f"{path}: labels are one axis of integers, not {found}")
    return labels


def _array(path: str, names: Sequence[str], *, alone: bool) -> Array:
    try:
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.ndarray):
                return _named(loaded, names, path)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ConvertError(f"{path}: cannot be read: {error}") from error
    if not alone:
        hint = "use a .npz with an array for each input"
        raise ConvertError(f"{path}: one array for a model of several inputs", hint=hint)
    return loaded


def _named(archive: Mapping[str, Array], names: Sequence[str], path: str) -> Array:
    for name in names:
        if name in archive:
            return archive[name]
    arrays = ", ".join(archive)
    raise ConvertError(f"{path}: no array named {names[0]!r}; there are: {arrays}")
