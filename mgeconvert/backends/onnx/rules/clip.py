"""Holding values between two numbers."""

from __future__ import annotations

import math

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.comparison import WIDE_INTEGERS, pick
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import allowed, carrier, cast_from
from mgeconvert.ir import DType, Node, ops


@RULES(ops.Clip, since=7)
def clip(e: Emitter, node: Node[ops.Clip]) -> str:
    (x,) = e.inputs(node)
    return emit_clip(e, x, node.output.type.dtype, low=node.op.low, high=node.op.high)


def emit_clip(e: Emitter, x: str, dtype: DType, *, low: float, high: float) -> str:
    """Emit x held between two numbers; they became inputs at opset 11, integers came with 12."""
    if dtype.is_integer:
        low, high = max(low, lowest(dtype)), min(high, highest(dtype))
    if dtype in WIDE_INTEGERS and dtype not in allowed("Clip", e.opset):
        held = pick(e, "Max", dtype, x, e.scalar(int(low), dtype))
        return pick(e, "Min", dtype, held, e.scalar(int(high), dtype))
    through = carrier(e, "Clip", dtype)
    x = cast_from(e, x, old=dtype, new=through)
    if e.opset < 11:
        y = e.emit("Clip", x, min=_attribute(low), max=_attribute(high))
    else:
        limits = [_limit(e, v, through) for v in (low, high)]
        y = e.emit("Clip", x, *limits)
    return cast_from(e, y, old=through, new=dtype)


def lowest(dtype: DType) -> int:
    """Return the least number of an integer type."""
    bits = dtype.numpy.itemsize * 8
    return 0 if dtype.value.startswith("uint") else -(2 ** (bits - 1))


def highest(dtype: DType) -> int:
    """Return the greatest number of an integer type."""
    return lowest(dtype) + 2 ** (dtype.numpy.itemsize * 8) - 1


def _attribute(limit: float) -> float | None:
    return None if math.isinf(limit) else float(limit)


def _limit(e: Emitter, limit: float, dtype: DType) -> str:
    return "" if math.isinf(limit) else e.scalar(limit, dtype)
