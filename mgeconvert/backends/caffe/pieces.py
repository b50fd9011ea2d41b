"""One function for each Caffe layer that is used everywhere, with the shapes worked out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mgeconvert.backends.caffe.emitter import Blob, Emitter
from mgeconvert.ir import Array

MAX, AVE = 0, 1  # of PoolingParameter
PROD, SUM, MAXIMUM = 0, 1, 2  # of EltwiseParameter
MINUS = (1.0, -1.0)  # the coefficients of a difference


def reshape(e: Emitter, x: Blob, shape: Sequence[int]) -> Blob:
    """Return x with another shape; a reshape of a reshape is one."""
    shape = tuple(shape) or (1,)
    if x.layer.type in ("Reshape", "Flatten"):
        (x,) = x.layer.bottoms
    if x.shape == shape:
        return x
    lead = len(shape) - 1
    flattens = 0 < lead < x.rank and shape[:lead] == x.shape[:lead]
    if flattens and e.dialect.has("Flatten"):
        return e.layer("Flatten", [x], shape, axis=None if lead == 1 else lead)
    if shape[0] != x.shape[0]:
        e.dialect.need("Reshape across the batch")
        return e.layer("Reshape", [x], shape, shape={"dim": shape})
    return e.layer("Reshape", [x], shape, shape={"dim": (0, *shape[1:])})


def power(
    e: Emitter, x: Blob, *, scale: float = 1.0, shift: float = 0.0, exponent: float = 1.0
) -> Blob:
    """Return (scale * x + shift) ** exponent."""
    given = {"scale": (scale, 1.0), "shift": (shift, 0.0), "power": (exponent, 1.0)}
    changed: dict[str, Any] = {k: value for k, (value, usual) in given.items() if value != usual}
    return e.layer("Power", [x], x.shape, **changed) if changed else x


def unary(e: Emitter, type_: str, x: Blob, **parameters: Any) -> Blob:
    """Return the elementwise layer `type_` of x."""
    return e.layer(type_, [x], x.shape, **parameters)


def copy(e: Emitter, x: Blob) -> Blob:
    """Return x again, under a name of its own."""
    return e.layer("Power", [x], x.shape)


def product(e: Emitter, *xs: Blob) -> Blob:
    """Return the product of blobs of one shape."""
    return _eltwise(e, xs, operation=PROD)


def total(e: Emitter, *xs: Blob, coefficients: Sequence[float] = ()) -> Blob:
    """Return the sum of blobs of one shape, each times its coefficient."""
    if any(c != 1 for c in coefficients):
        if e.dialect.has("Eltwise with coefficients"):
            return _eltwise(e, xs, operation=SUM, coeff=list(coefficients))
        xs = tuple(power(e, x, scale=c) for x, c in zip(xs, coefficients))
    return _eltwise(e, xs, operation=SUM)


def difference(e: Emitter, a: Blob, b: Blob) -> Blob:
    """Return a - b of blobs of one shape."""
    return total(e, a, b, coefficients=MINUS)


def greatest(e: Emitter, *xs: Blob) -> Blob:
    """Return the elementwise maximum of blobs of one shape."""
    return _eltwise(e, xs, operation=MAXIMUM)


def _eltwise(e: Emitter, xs: Sequence[Blob], **parameters: Any) -> Blob:
    """Combine blobs of one shape; OpenCV's Eltwise takes those of rank 2 to 5."""
    if len(xs) > 2 and not e.dialect.has("Eltwise of more than two"):
        first = _eltwise(e, xs[:2], **parameters)
        return _eltwise(e, (first, *xs[2:]), **parameters)
    shape = xs[0].shape
    wide = (1, *shape) if len(shape) == 1 else shape
    if len(shape) > 5:
        wide = (shape[0], math.prod(shape[1:]))
    y = e.layer("Eltwise", [reshape(e, x, wide) for x in xs], wide, **parameters)
    return reshape(e, y, shape)


def negative(e: Emitter, x: Blob) -> Blob:
    """Return -x."""
    return power(e, x, scale=-1.0)


def relu(e: Emitter, x: Blob) -> Blob:
    """Return max(x, 0)."""
    return unary(e, "ReLU", x)


def concat(e: Emitter, xs: Sequence[Blob], axis: int) -> Blob:
    """Return the blobs one after the other; OpenCV does not join those of rank 1."""
    if len(xs) == 1:
        return xs[0]
    if xs[0].rank == 1:
        y = concat(e, [reshape(e, x, (1, x.size)) for x in xs], 1)
        return reshape(e, y, (y.size,))
    if axis == 0:
        e.dialect.need("Concat across the batch")
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    return e.layer("Concat", xs, shape, axis=None if axis == 1 else axis)


def inner_product(e: Emitter, x: Blob, w: Array, bias: Array | None = None) -> Blob:
    """Return x @ w.T + bias over the last axis; w is (outputs, inputs)."""
    axis = x.rank - 1
    if axis != 1:
        e.dialect.need("InnerProduct on any axis")
    return e.layer(
        "InnerProduct",
        [x],
        (*x.shape[:axis], w.shape[0]),
        weights=[w] if bias is None else [w, bias],
        num_output=w.shape[0],
        bias_term=None if bias is not None else False,
        axis=None if axis == 1 else axis,
    )


def pooling(
    e: Emitter,
    x: Blob,
    pool: int,
    *,
    kernel: Sequence[int],
    stride: Sequence[int] = (1, 1),
    pad: Sequence[int] = (0, 0),
) -> Blob:
    """Return the pooled image (N, C, H, W), as many windows as Caffe's ceil mode makes."""
    spatial = tuple(pooled_size(n, k, s, p) for n, k, s, p in zip(x.shape[2:], kernel, stride, pad))
    if tuple(kernel) == x.shape[2:] and not any(pad):
        return e.layer("Pooling", [x], (*x.shape[:2], 1, 1), pool=pool, global_pooling=True)
    window = window_of(kernel, stride, pad, repeated=False)
    return e.layer("Pooling", [x], (*x.shape[:2], *spatial), pool=pool, **window)


def pooled_size(size: int, kernel: int, stride: int, pad: int) -> int:
    """Return how many windows Caffe makes: the last one begins inside the image or its padding."""
    count = -(-(size + 2 * pad - kernel) // stride) + 1
    return count - (pad > 0 and (count - 1) * stride >= size + pad)


def scale(e: Emitter, x: Blob, w: Array, bias: Array | None, axis: int) -> Blob:
    """Return x * w + bias, the shapes of w and bias being those of x from `axis` on."""
    if axis != 1 or w.ndim != 1:
        e.dialect.need("Scale on any axis")
    if e.dialect.scale_after_batch_norm and x.layer.type != "BatchNorm":
        zeros, ones = np.zeros(w.shape, np.float32), np.ones(w.shape, np.float32)
        x = batch_norm(e, x, zeros, ones, 0.0)
    return e.layer(
        "Scale",
        [x],
        x.shape,
        weights=[w] if bias is None else [w, bias],
        axis=None if axis == 1 else axis,
        num_axes=None if w.ndim == 1 else w.ndim,
        bias_term=bias is not None,  # TensorRT's parser takes none for true
    )


def scale_by(e: Emitter, x: Blob, w: Blob, axis: int) -> Blob:
    """Return x times a computed w, whose shape is that of x from `axis` on."""
    e.dialect.need("Scale of two bottoms")
    return e.layer("Scale", [x, w], x.shape, axis=None if axis == 1 else axis)


def batch_norm(e: Emitter, x: Blob, mean: Array, variance: Array, epsilon: float) -> Blob:
    """Return (x - mean) / sqrt(variance + epsilon) by channel."""
    factor = np.ones((1,), np.float32)
    return e.layer(
        "BatchNorm",
        [x],
        x.shape,
        weights=[mean, variance, factor],
        use_global_stats=True,
        eps=epsilon,
    )


def slice_all(e: Emitter, x: Blob, axis: int, points: Sequence[int]) -> list[Blob]:
    """Return x cut along `axis` before each of `points`."""
    edges = [0, *points, x.shape[axis]]
    shapes = [
        (*x.shape[:axis], stop - start, *x.shape[axis + 1 :])
        for start, stop in itertools.pairwise(edges)
    ]
    if len(shapes) == 1:
        return [x]
    return e.layer_multi(
        "Slice", [x], shapes, axis=None if axis == 1 else axis, slice_point=list(points)
    )


def flat(shape: Sequence[int], axis: int) -> tuple[int, int, int]:
    """Return the sizes before, at and after `axis`."""
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def window_of(
    kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int], *, repeated: bool
) -> dict[str, Any]:
    """Return kernel, stride and pad as Caffe spells them: once where all axes are equal."""
    window: dict[str, Any] = {}
    for name, ending, values, usual in (
        ("kernel", "_size", kernel, None),
        ("stride", "", stride, 1),
        ("pad", "", pad, 0),
    ):
        if len(set(values)) > 1 and len(values) == 2:
            window |= {f"{name}_h": values[0], f"{name}_w": values[1]}
        elif any(v != usual for v in values):
            every = list(values) if len(values) > 2 else each(values)  # OpenCV needs three of three
            window[f"{name}{ending}"] = every if repeated else values[0]
    return window


def each(values: Sequence[int]) -> list[int]:
    """Return the values once where they are all equal."""
    return [values[0]] if len(set(values)) == 1 else list(values)
