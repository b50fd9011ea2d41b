"""Where ONNX's Resize reads along one axis, and with which weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array


@dataclass(frozen=True)
class Sampling:
    """A way to resample: the attributes of Resize."""

    mode: str
    coordinates: str
    nearest: str
    cubic_a: float = -0.75
    exclude_outside: bool = False


def _round_half_down(place: Array) -> Array:
    return np.ceil(place - 0.5)


def _round_half_up(place: Array) -> Array:
    return np.floor(place + 0.5)


ROUNDING: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": _round_half_down,
    "round_prefer_ceil": _round_half_up,
    "floor": np.floor,
    "ceil": np.ceil,
}


def places(how: Sampling, size: int, out: int, *, scale: float) -> Array:
    """Return where each of `out` elements is in an axis of `size`, as ONNX defines it."""
    i = np.arange(out, dtype=np.float64)
    length = scale * size  # of the result before it was rounded down
    if how.coordinates == "align_corners":
        return i * (size - 1) / (length - 1) if length != 1 else np.zeros(out)
    if how.coordinates == "asymmetric":
        return i / scale
    if how.coordinates == "tf_half_pixel_for_nn":
        return (i + 0.5) / scale
    if how.coordinates == "half_pixel_symmetric":
        centre = size / 2
        return centre * (1 - out / length) + (i + 0.5) / scale - 0.5
    if how.coordinates == "pytorch_half_pixel" and length <= 1:
        return np.zeros(out)
    return (i + 0.5) / scale - 0.5


def indices(how: Sampling, size: int, out: int, *, scale: float) -> Array:
    """Return which element each of the result is, for mode "nearest"."""
    if how.nearest not in ROUNDING:
        raise UnsupportedCase(f"nearest_mode = {how.nearest!r}")
    rounded = ROUNDING[how.nearest](places(how, size, out, scale=scale))
    return np.clip(rounded, 0, size - 1).astype(np.int64)


def matrix(how: Sampling, size: int, out: int, *, scale: float) -> Array:
    """Return the weights (out, size) of modes "linear" and "cubic", the border repeated.

    With exclude_outside, weights of places outside are 0 and the others sum up to 1.
    """
    place = places(how, size, out, scale=scale)
    base = np.floor(place)
    offsets = (0, 1) if how.mode == "linear" else (-1, 0, 1, 2)
    result = np.zeros((out, size))
    for offset in offsets:
        index = base + offset
        weight = _weight(how, np.abs(place - index))
        if how.exclude_outside:
            weight = np.where((index >= 0) & (index < size), weight, 0)
        np.add.at(result, (np.arange(out), np.clip(index, 0, size - 1).astype(np.int64)), weight)
    return result / result.sum(1, keepdims=True) if how.exclude_outside else result


def _weight(how: Sampling, distance: Array) -> Array:
    if how.mode == "linear":
        return np.maximum(1 - distance, 0)
    a, d = how.cubic_a, distance
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))
