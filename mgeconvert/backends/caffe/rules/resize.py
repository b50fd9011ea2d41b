"""Resampling: Deconvolution where the factor is whole, else a matrix for each axis."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.caffe.emitter import Blob, Emitter, sizes
from mgeconvert.backends.caffe.filters import deconvolution
from mgeconvert.backends.caffe.mixing import mix, pad_axis
from mgeconvert.backends.caffe.rules.logic import is_whole
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array, Node, ops


@RULES(ops.Resize)
def resize(e: Emitter, node: Node[ops.Resize]) -> Blob:
    x, op = e.blob(node.inputs[0]), node.op
    if op.mode != "nearest" and is_whole(node.inputs[0]):
        raise UnsupportedCase(
            f"a resize of whole numbers, {op.mode}", hint="cast them to float32 before"
        )
    after = sizes(node.output)[2:]
    matrices = [_matrix(op, axis, n, m) for axis, (n, m) in enumerate(zip(x.shape[2:], after))]
    if x.rank == 4:
        factors = [m // n for n, m in zip(x.shape[2:], after)]
        if all(n * f == m for n, m, f in zip(x.shape[2:], after, factors)):
            for kernels, border in ((_boxes(factors), 0), (_tents(factors), 1)):
                if all(
                    np.allclose(matrix, _as_matrix(n, f, k, border), rtol=0, atol=1e-6)
                    for matrix, n, f, k in zip(matrices, x.shape[2:], factors, kernels)
                ):
                    return _deconvolved(e, x, factors, kernels, border)
    for axis, (matrix, n) in enumerate(zip(matrices, x.shape[2:]), 2):
        if matrix.shape[0] != n or not np.array_equal(matrix, np.eye(n, dtype=np.float32)):
            x = mix(e, x, axis, matrix)
    return x


def _matrix(op: ops.Resize, axis: int, size: int, out: int) -> Array:
    """Return the weights (out, size) of one axis, as the operator itself applies them."""
    scale = None if op.scale is None else (op.scale[axis],)
    line = ops.Resize(
        size=(out,), mode=op.mode, coordinates=op.coordinates, cubic_a=op.cubic_a, scale=scale
    )
    (columns,) = line.eval([np.eye(size, dtype=np.float32)[None]])
    return np.ascontiguousarray(columns[0].T)


def _boxes(factors: list[int]) -> list[Array]:
    return [np.ones(f, np.float32) for f in factors]


def _tents(factors: list[int]) -> list[Array]:
    """Return the kernels of linear interpolation by whole factors."""
    kernels = []
    for f in factors:
        length = 2 * f - f % 2
        kernels.append(1 - np.abs(np.arange(length) - (length - 1) / 2) / f)
    return [k.astype(np.float32) for k in kernels]


def _as_matrix(size: int, factor: int, kernel: Array, border: int) -> Array:
    """Return the matrix of a transposed convolution of an axis whose border is repeated."""
    padded = size + 2 * border
    full = np.zeros(((padded - 1) * factor + kernel.size, padded), np.float32)
    for i in range(padded):
        full[i * factor : i * factor + kernel.size, i] = kernel
    start = _pad(factor, kernel, border)
    full = full[start : start + size * factor]
    inner = full[:, border : border + size].copy()
    for i in range(border):
        inner[:, 0] += full[:, i]
        inner[:, -1] += full[:, -1 - i]
    return inner


def _pad(factor: int, kernel: Array, border: int) -> int:
    return border * factor + (kernel.size - factor) // 2


def _deconvolved(
    e: Emitter, x: Blob, factors: list[int], kernels: list[Array], border: int
) -> Blob:
    for axis in (2, 3) if border else ():
        x = pad_axis(e, x, axis, before=border, after=border, mode="edge")
    channels = x.shape[1]
    kernel = np.multiply.outer(*kernels)
    w = np.ascontiguousarray(np.broadcast_to(kernel, (channels, 1, *kernel.shape)))
    pad = [_pad(f, k, border) for f, k in zip(factors, kernels)]
    return deconvolution(e, x, w, stride=factors, pad=pad, groups=channels)
