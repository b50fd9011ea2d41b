"""Resampling: as the IR does it, or for known sizes by constant tables of any other way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.sampled import Sampling, indices, matrix
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import Dim, Value, ops

IR_COORDINATES = ("half_pixel", "align_corners", "asymmetric")
IR_NEAREST = {
    "half_pixel": "round_prefer_floor",
    "align_corners": "floor",
    "asymmetric": "floor",
}
OLD = Sampling("nearest", "asymmetric", "floor")  # all that Upsample and Resize 10 know, or linear


@dataclass(frozen=True)
class Target:
    """The sizes of the result by axis, and the scales where those are what was given."""

    sizes: tuple[Dim, ...]
    scales: tuple[float, ...] | None


@RULES("Upsample", since=9)
@RULES("Resize", since=10)
def resize_by_scales(c: Call, x: Value, scales: Value) -> Value:
    if scales.const is None:
        raise UnsupportedCase("scales that are known only at run time")
    return _old(c, x, tuple(float(s) for s in scales.const.reshape(-1).tolist()))


@RULES("Upsample", since=7)
def upsample(c: Call, x: Value) -> Value:
    return _old(c, x, tuple(c.attribute("scales")))


def _old(c: Call, x: Value, scales: tuple[float, ...]) -> Value:
    mode = c.need("mode", "nearest", "linear")
    how = Sampling(mode, OLD.coordinates, OLD.nearest)
    return _resample(c, x, _scaled(x, scales, range(x.type.rank)), how)


@RULES("Resize", since=11, limits="not antialias, not tf_crop_and_resize; by known scales")
def resize(
    c: Call,
    x: Value,
    roi: Value | None = None,
    scales: Value | None = None,
    sizes: Value | None = None,
) -> Value:
    c.need("antialias", 0)
    mode = c.need("mode", "nearest", "linear", "cubic")
    how = Sampling(
        mode,
        _coordinates(c),
        c.attribute("nearest_mode"),
        c.attribute("cubic_coeff_a"),
        bool(c.attribute("exclude_outside")),
    )
    axes = [c.axis(a, x.type.rank) for a in c.attribute("axes", range(x.type.rank))]
    given = None if scales is None or scales.type.size == 0 else scales
    if given is None and sizes is not None:
        return _resample(c, x, _sized(c, x, c.known_dims(sizes), axes), how)
    if given is None or given.const is None:
        raise UnsupportedCase("scales that are known only at run time")
    known = tuple(float(s) for s in given.const.reshape(-1).tolist())
    return _resample(c, x, _scaled(x, known, axes), how)


def _coordinates(c: Call) -> str:
    return str(
        c.need(
            "coordinate_transformation_mode",
            *IR_COORDINATES,
            "pytorch_half_pixel",
            "half_pixel_symmetric",
            "tf_half_pixel_for_nn",
        )
    )


def _scaled(x: Value, scales: tuple[float, ...], axes: Sequence[int]) -> Target:
    """The sizes are rounded down."""
    if len(scales) != len(axes) or not all(0 < s < float("inf") for s in scales):
        raise ShapeError(f"scales {scales} for {len(axes)} axes")
    every = dict(zip(axes, scales))
    by_axis = tuple(every.get(i, 1.0) for i in range(x.type.rank))
    sizes: list[Dim] = []
    for size, scale in zip(x.type.shape, by_axis):
        exact = Fraction(scale)
        sizes.append(size * exact.numerator // exact.denominator)
    if any(d == 0 for d in sizes):
        raise ShapeError(f"scales {scales} leave nothing of {x.type}")
    return Target(tuple(sizes), by_axis)


def _sized(c: Call, x: Value, sizes: Sequence[Dim], axes: Sequence[int]) -> Target:
    if len(sizes) != len(axes) or any(isinstance(n, int) and n < 1 for n in sizes):
        raise ShapeError(f"sizes {', '.join(map(str, sizes))} for {len(axes)} axes")
    wanted = dict(zip(axes, sizes))
    policy = c.need("keep_aspect_ratio_policy", "stretch", "not_larger", "not_smaller")
    if policy not in (None, "stretch"):
        return _aspect(c, x, wanted, smallest=policy == "not_larger")
    return Target(tuple(wanted.get(i, d) for i, d in enumerate(x.type.shape)), None)


def _aspect(c: Call, x: Value, wanted: dict[int, Dim], *, smallest: bool) -> Target:
    """Scale all axes alike, so that none is larger, or none smaller, than wanted."""
    shape = c.shape(x)
    numbers = {axis: n for axis, n in wanted.items() if isinstance(n, int)}
    if len(numbers) != len(wanted) or not all(shape[axis] for axis in numbers):
        raise UnsupportedCase("keep_aspect_ratio_policy with sizes known only at run time")
    ratios = [n / shape[axis] for axis, n in numbers.items()]
    scale = min(ratios) if smallest else max(ratios)
    sizes = tuple(int(scale * d + 0.5) if i in numbers else d for i, d in enumerate(shape))
    return Target(sizes, tuple(scale if i in numbers else 1.0 for i in range(len(shape))))


def _resample(c: Call, x: Value, target: Target, how: Sampling) -> Value:
    scales = _inexact(x, target)
    plain = x.type.rank > 2 and target.sizes[:2] == x.type.shape[:2]
    if plain and _is_ir(how, target, scales):
        coordinates = how.coordinates if how.coordinates in IR_COORDINATES else "half_pixel"
        op = ops.Resize(
            size=target.sizes[2:],
            mode=how.mode,
            coordinates=coordinates,
            scale=None if scales is None else scales[2:],
            **({"cubic_a": how.cubic_a} if how.mode == "cubic" else {}),
        )
        return c.emit(op, x)
    return _by_tables(c, x, target, how)


def _inexact(x: Value, target: Target) -> tuple[float, ...] | None:
    """Return the scales where they are not just the ratio of the sizes."""
    if target.scales is None:
        return None
    exact = all(
        new == old * Fraction(scale).numerator
        if Fraction(scale).denominator == 1
        else isinstance(old, int) and new == Fraction(scale) * old
        for old, new, scale in zip(x.type.shape, target.sizes, target.scales)
    )
    return None if exact else target.scales


def _is_ir(how: Sampling, target: Target, scales: tuple[float, ...] | None) -> bool:
    """Return whether the IR has this way: one of three, without a last axis of one pixel."""
    if how.exclude_outside or (scales is not None and how.coordinates == "align_corners"):
        return False
    coordinates = how.coordinates
    if coordinates == "pytorch_half_pixel" and all(
        isinstance(n, int) and n > 1 for n in target.sizes[2:]
    ):
        coordinates = "half_pixel"
    if coordinates not in IR_COORDINATES:
        return False
    return how.mode != "nearest" or how.nearest == IR_NEAREST[coordinates]


def _by_tables(c: Call, x: Value, target: Target, how: Sampling) -> Value:
    """Axis by axis: gather constant indices, or multiply by a constant matrix."""
    if not math.isfinite(how.cubic_a):
        raise UnsupportedCase(f"cubic_coeff_a = {how.cubic_a}")
    y = x
    for axis, (size, out) in enumerate(zip(x.type.shape, target.sizes)):
        scale = 1.0 if target.scales is None else target.scales[axis]
        if size == out and (target.scales is None or scale == 1):
            continue
        if not isinstance(size, int) or not isinstance(out, int):
            raise UnsupportedCase(
                f"{how} of a size that is known only at run time",
                hint="give the input's height and width",
            )
        if size < 1:
            raise ShapeError(f"{x.type} has nothing to resample")
        ratio = out / size if target.scales is None else scale
        y = _one_axis(c, y, how, axis=axis, size=size, out=out, scale=ratio)
    return y if y is not x else c.emit(ops.Identity(), x)


def _one_axis(
    c: Call, x: Value, how: Sampling, *, axis: int, size: int, out: int, scale: float
) -> Value:
    if out * size > 2**24:
        raise UnsupportedCase(f"a table of {size} x {out} weights")
    if how.mode == "nearest":
        places = indices(how, size, out, scale=scale)
        return c.emit(ops.Gather(axis=axis), x, c.constant(places))
    weights = matrix(how, size, out, scale=scale).astype(x.type.dtype.numpy)
    if not x.type.dtype.is_float:
        raise UnsupportedCase(f"{how.mode} resampling of {x.type.dtype.value} by {how.coordinates}")
    perm = list(range(x.type.rank))
    perm[axis], perm[-1] = perm[-1], perm[axis]
    if x.type.rank == 1:
        row = c.emit(ops.MatMul(), c.unsqueeze(x, [0]), c.constant(np.ascontiguousarray(weights.T)))
        return c.squeeze(row, [0])
    turned = x if axis + 1 == x.type.rank else c.transpose(x, perm)
    y = c.emit(ops.MatMul(), turned, c.constant(np.ascontiguousarray(weights.T)))
    return y if axis + 1 == x.type.rank else c.transpose(y, perm)
