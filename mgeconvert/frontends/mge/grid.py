"""Finding the quantization of weights again, of which a dump has the rounded numbers only."""

from __future__ import annotations

import numpy as np

from mgeconvert.ir import Array, DType, Graph, Quant, Value, ops
from mgeconvert.ir.passes import propagate_quant

LAYERS = (ops.Conv, ops.ConvTranspose, ops.Linear, ops.MatMul)
MOST = 127  # steps to either side of zero: MegEngine's qint8_narrow, the type of weights
FEW = 4096  # elements that already tell of most float weights that they lie on no grid


def find_grids(graph: Graph) -> None:
    """Annotate the weights of layers with a quantized input that lie on a grid already.

    `optimize_for_inference` computes the fake quantization of constants and keeps the result. The
    numbers do not change.
    """
    if not any(value.quant for node in graph for value in (*node.inputs, *node.outputs)):
        return
    propagate_quant.run(graph)
    for node in graph:
        if isinstance(node.op, LAYERS):
            for x, w in (node.inputs[:2], node.inputs[1::-1]):
                if x.quant is not None and x.quant.dtype.numpy.itemsize == 1:
                    _annotate(w)


def _annotate(w: Value) -> None:
    if w.const is None or w.quant is not None or w.type.dtype is not DType.F32:
        return
    scale = grid(w.const)
    if scale is not None:
        w.quant = Quant(DType.I8, -MOST, MOST, (scale,))


def grid(array: Array) -> float | None:
    """Return the largest scale of which all numbers are whole multiples, up to `MOST`.

    Every number must be exactly the float32 product of the scale, a float32, and its multiple;
    None where there is no such scale.
    """
    few = np.unique(np.abs(array.reshape(-1)[:FEW]))
    sizes = np.unique(np.abs(array)).astype(np.float64) if few.size <= MOST + 1 else few
    sizes = sizes[sizes > 0]
    if not 0 < sizes.size <= MOST or not np.isfinite(sizes[-1]):
        return None
    for count in range(1, MOST + 1):
        steps = np.rint(sizes / (sizes[-1] / count))
        scale = _scale(sizes, steps)
        if scale is not None:
            return scale
    return None


def _scale(sizes: Array, steps: Array) -> float | None:
    """Return the float32 whose float32 products with `steps` are `sizes`, None if there is none."""
    if not steps.all():
        return None
    half = np.spacing(sizes.astype(np.float32)).astype(np.float64) / 2
    low, high = np.max((sizes - half) / steps), np.min((sizes + half) / steps)
    middle = np.float32((low + high) / 2)
    products = steps.astype(np.float32) * middle
    return float(middle) if np.array_equal(products, sizes.astype(np.float32)) else None
