"""Pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.conv import ends
from mgeconvert.backends.onnx.rules.dims import known
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import carrier, cast_from
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Node, Shape, ops
from mgeconvert.ir.ops.infer import Pairs

Pool = ops.MaxPool | ops.AvgPool
LIMITS = "ceil_mode of a size that is not known needs opset 10 and stride + padding <= kernel"


@RULES(ops.MaxPool, since=7, limits=LIMITS)
def max_pool(e: Emitter, node: Node[ops.MaxPool]) -> str:
    dtype = node.output.type.dtype
    through = carrier(e, "MaxPool", dtype)
    x = cast_from(e, e.name(node.inputs[0]), old=dtype, new=through)
    y = e.emit("MaxPool", x, **_attributes(e, node.op, node.inputs[0].type.shape))
    return cast_from(e, y, old=through, new=dtype)


@RULES(ops.AvgPool, since=7, limits=LIMITS)
def avg_pool(e: Emitter, node: Node[ops.AvgPool]) -> str:
    op, shape, dtype = node.op, node.inputs[0].type.shape, node.output.type.dtype
    through = carrier(e, "AveragePool", dtype)
    x = cast_from(e, e.name(node.inputs[0]), old=dtype, new=through)
    window = _attributes(e, op, shape)
    sizes = known(shape[2:])
    counted = op.count_padding and any(map(any, op.padding))
    # Some of the padding counts and some does not, or onnxruntime 1.23 miscounts it (opset 19 on)
    uneven = counted and (op.ceil_mode or len({n for pair in op.padding for n in pair}) > 1)
    if uneven and sizes is not None:
        (share,) = op.eval([np.ones((1, 1, *sizes), through.numpy)])
        y = e.emit("AveragePool", x, **window)
        y = e.emit("Mul", y, e.constant(share, "share"))
    else:
        y = e.emit("AveragePool", x, count_include_pad=int(counted) or None, **window)
    return cast_from(e, y, old=through, new=dtype)


def _attributes(e: Emitter, op: Pool, shape: Shape) -> dict[str, Any]:
    """Return the window; ceil_mode as padding that makes the last windows whole, if sizes allow."""
    attributes: dict[str, Any] = {
        "kernel_shape": list(op.kernel),
        "strides": list(op.stride),
        "pads": ends(op.padding),
    }
    if not op.ceil_mode:
        return attributes
    sizes = known(shape[2:])
    if sizes is not None:
        attributes["pads"] = ends(_whole_windows(op, sizes))
        return attributes
    if any(after + s > k for (_, after), s, k in zip(op.padding, op.stride, op.kernel)):
        raise UnsupportedCase(
            "ceil_mode with stride + padding above the kernel, of a size that depends on the input",
            hint="give the input's height and width",
        )
    if e.opset < 10:
        raise e.refuse("ceil_mode of a size that depends on the input", 10)
    attributes["ceil_mode"] = 1
    return attributes


def _whole_windows(op: Pool, sizes: list[int]) -> Pairs:
    counts, pads = op._slices(tuple(sizes))
    reach = [(n - 1) * s + k for n, s, k in zip(counts, op.stride, op.kernel)]
    return tuple((b, max(r - n - b, 0)) for (b, _), r, n in zip(pads, reach, sizes))
