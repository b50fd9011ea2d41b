"""Convolution and Deconvolution with the shapes worked out, and kernels that OpenCV misreads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mgeconvert.backends.caffe.emitter import Blob, Emitter
from mgeconvert.backends.caffe.pieces import each, window_of
from mgeconvert.ir import Array


def convolution(
    e: Emitter,
    x: Blob,
    w: Array,
    bias: Array | None = None,
    *,
    stride: Sequence[int] = (1, 1),
    pad: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
    groups: int = 1,
) -> Blob:
    """Return the cross-correlation with w (outputs, inputs / groups, *kernel)."""
    if groups > 1 and groups == x.shape[1] == w.shape[0] and _misread(x.shape, w, pad, dilation):
        w, pad, dilation = _widened(w, pad, dilation)
    spatial = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(x.shape[2:], w.shape[2:], stride, pad, dilation)
    )
    return e.layer(
        "Convolution",
        [x],
        (x.shape[0], w.shape[0], *spatial),
        weights=[w] if bias is None else [w, bias],
        num_output=w.shape[0],
        bias_term=None if bias is not None else False,
        group=groups if groups > 1 else None,
        dilation=_dilation(dilation),
        **window_of(w.shape[2:], stride, pad, repeated=True),
    )


def _misread(shape: Sequence[int], w: Array, pad: Sequence[int], dilation: Sequence[int]) -> bool:
    """Whether OpenCV's fast way for depthwise kernels of 3 by 3 reads beside the image.

    It does where one window reaches beyond top and bottom, where the pad on the left is not the
    dilation, and in images of one column.
    """
    if w.shape[2:] != (3, 3) or max(pad) > 1:
        return False
    height, width = shape[2:]
    return (pad[0] > 0 and height < 2 * dilation[0]) or (
        pad[1] > 0 and (dilation[1] > 1 or width < 2)
    )


def _widened(
    w: Array, pad: Sequence[int], dilation: Sequence[int]
) -> tuple[Array, Sequence[int], Sequence[int]]:
    """Return the same kernel of another size: zeros in between, or above and below it."""
    if all(d == 1 for d in dilation):
        return np.pad(w, ((0, 0), (0, 0), (1, 1), (0, 0))), (pad[0] + 1, pad[1]), dilation
    for axis, d in enumerate(dilation, 2):
        w = spread(w, axis, d)
    return w, pad, (1, 1)


def spread(w: Array, axis: int, dilation: int) -> Array:
    """Return a kernel with zeros in between, which do what `dilation` would."""
    if dilation == 1:
        return w
    shape = list(w.shape)
    shape[axis] = dilation * (w.shape[axis] - 1) + 1
    wide = np.zeros(shape, w.dtype)
    wide[(slice(None),) * axis + (slice(None, None, dilation),)] = w
    return wide


def deconvolution(
    e: Emitter,
    x: Blob,
    w: Array,
    bias: Array | None = None,
    *,
    stride: Sequence[int],
    pad: Sequence[int] = (0, 0),
    groups: int = 1,
) -> Blob:
    """Return the transposed convolution with w (inputs, outputs / groups, kh, kw)."""
    outputs = w.shape[1] * groups
    spatial = tuple(
        (n - 1) * s + k - 2 * p for n, k, s, p in zip(x.shape[2:], w.shape[2:], stride, pad)
    )
    return e.layer(
        "Deconvolution",
        [x],
        (x.shape[0], outputs, *spatial),
        weights=[w] if bias is None else [w, bias],
        num_output=outputs,
        bias_term=None if bias is not None else False,
        group=groups if groups > 1 else None,
        **window_of(w.shape[2:], stride, pad, repeated=True),
    )


def depthwise(
    e: Emitter,
    x: Blob,
    kernel: Array,
    *,
    stride: Sequence[int] = (1, 1),
    pad: Sequence[int] = (0, 0),
) -> Blob:
    """Return each channel of an image convolved with the one kernel (kh, kw)."""
    channels = x.shape[1]
    w = np.ascontiguousarray(np.broadcast_to(kernel, (channels, 1, *kernel.shape)), np.float32)
    return convolution(e, x, w, stride=stride, pad=pad, groups=channels)


def _dilation(values: Sequence[int]) -> list[int] | None:
    if all(d == 1 for d in values):
        return None
    return list(values) if len(values) > 2 else each(values)
