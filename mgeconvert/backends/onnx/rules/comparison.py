"""Comparisons, choices between two values, and tests for NaN and infinity."""

from __future__ import annotations

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.dims import vector
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import allowed, cast, compare_typed, emit_typed
from mgeconvert.ir import DType, Node, Op, Shape, Value, ops

EXTREME: dict[type[Op], str] = {ops.Maximum: "Max", ops.Minimum: "Min"}
ORDER: dict[type[Op], str] = {ops.Less: "Less", ops.Greater: "Greater"}
ORDER_OR_EQUAL: dict[type[Op], str] = {ops.LessEqual: "Less", ops.GreaterEqual: "Greater"}
WIDE_INTEGERS = (DType.I32, DType.U32, DType.I64, DType.U64)
HALF_64 = {DType.I64: 2**32, DType.U64: 2**32}


def less(e: Emitter, op_type: str, dtype: DType, *operands: str) -> str:
    """Emit Less or Greater; below opset 9 64-bit integers are compared in halves."""
    if dtype in HALF_64 and dtype not in allowed(op_type, e.opset):
        return _by_halves(e, op_type, dtype, operands)
    return compare_typed(e, op_type, dtype, *operands)


def _by_halves(e: Emitter, op_type: str, dtype: DType, operands: tuple[str, ...]) -> str:
    """a < b where the quotients by 2**32 say so, or are equal and the remainders say so."""
    step = e.scalar(HALF_64[dtype], dtype)
    highs = [e.emit("Div", x, step) for x in operands]
    lows = [e.emit("Sub", x, e.emit("Mul", high, step)) for x, high in zip(operands, highs)]
    wide = [cast(e, high, DType.F64) for high in highs]
    decided = e.emit(op_type, *wide)
    open_ = e.emit("Not", e.emit("Or", decided, e.emit(op_type, *reversed(wide))))
    return e.emit(
        "Or",
        decided,
        e.emit("And", open_, e.emit(op_type, *(cast(e, low, DType.F64) for low in lows))),
    )


def not_nan(e: Emitter, x: str, dtype: DType) -> str:
    """Emit x < 1 or x > 0, which only NaN fails."""
    below = compare_typed(e, "Less", dtype, x, e.scalar(1, dtype))
    return e.emit("Or", below, compare_typed(e, "Greater", dtype, x, e.scalar(0, dtype)))


def equal(e: Emitter, dtype: DType, a: str, b: str) -> str:
    """Emit a == b; below opset 11 Equal does not take floats: neither less, greater, nor NaN."""
    if dtype in allowed("Equal", e.opset):
        return e.emit("Equal", a, b)
    if dtype.is_float or dtype is DType.U64:
        ordered = e.emit("Or", less(e, "Less", dtype, a, b), less(e, "Greater", dtype, a, b))
        same = e.emit("Not", ordered)
        if dtype is DType.U64:
            return same
        return e.emit("And", same, e.emit("And", not_nan(e, a, dtype), not_nan(e, b, dtype)))
    return compare_typed(e, "Equal", dtype, a, b)


@RULES(ops.Equal, since=7)
def equal_rule(e: Emitter, node: Node[ops.Equal]) -> str:
    a, b = e.inputs(node)
    return equal(e, node.inputs[0].type.dtype, a, b)


@RULES(ops.NotEqual, since=7)
def not_equal(e: Emitter, node: Node[ops.NotEqual]) -> str:
    a, b = e.inputs(node)
    return e.emit("Not", equal(e, node.inputs[0].type.dtype, a, b))


@RULES(*ORDER, since=7)
def order(e: Emitter, node: Node[Op]) -> str:
    return less(e, ORDER[type(node.op)], node.inputs[0].type.dtype, *e.inputs(node))


@RULES(*ORDER_OR_EQUAL, since=7)
def order_or_equal(e: Emitter, node: Node[Op]) -> str:
    op_type, dtype = ORDER_OR_EQUAL[type(node.op)], node.inputs[0].type.dtype
    a, b = e.inputs(node)
    if e.opset >= 12:
        return compare_typed(e, op_type + "OrEqual", dtype, a, b)
    result = e.emit("Not", less(e, op_type, dtype, b, a))
    if not dtype.is_float:
        return result
    return e.emit("And", result, e.emit("And", not_nan(e, a, dtype), not_nan(e, b, dtype)))


@RULES(ops.IsNan, since=7)
def is_nan(e: Emitter, node: Node[ops.IsNan]) -> str:
    (x,) = e.inputs(node)
    dtype = node.inputs[0].type.dtype
    if e.opset >= 9:
        return compare_typed(e, "IsNaN", dtype, x)
    return e.emit("Not", not_nan(e, x, dtype))


@RULES(ops.IsInf, since=7)
def is_inf(e: Emitter, node: Node[ops.IsInf]) -> str:
    (x,) = e.inputs(node)
    dtype = node.inputs[0].type.dtype
    if e.opset >= 10:
        return compare_typed(e, "IsInf", dtype, x)
    greatest = e.scalar(float(_finfo_max(dtype)), dtype)
    return compare_typed(e, "Greater", dtype, e.emit("Abs", x), greatest)


def _finfo_max(dtype: DType) -> float:
    return {DType.F16: 65504.0, DType.F32: 2.0**128 - 2.0**104}.get(dtype, 2.0**1023 * (2 - 2**-52))


def broadcast(e: Emitter, value: Value, shape: Shape) -> str:
    """Emit `value` repeated to `shape`, for operators that did not broadcast at opset 7."""
    x, rank = e.name(value), len(shape)
    missing = rank - value.type.rank
    own = (*(1,) * missing, *value.type.shape)
    if missing:
        x = e.emit("Unsqueeze", x, axes=list(range(missing)))
    if own == shape:
        return x
    repeats = tuple(1 if d == want else want for d, want in zip(own, shape))
    return e.emit("Tile", x, vector(e, repeats))


@RULES(*EXTREME, since=7)
def extreme(e: Emitter, node: Node[Op]) -> str:
    shape, dtype = node.outputs[0].type.shape, node.outputs[0].type.dtype
    operands = e.inputs(node)
    if e.opset < 8:
        operands = [broadcast(e, v, shape) for v in node.inputs]
    return pick(e, EXTREME[type(node.op)], dtype, *operands)


def pick(e: Emitter, op_type: str, dtype: DType, a: str, b: str) -> str:
    """Emit Max or Min; below opset 12 they take floats only, wide integers are chosen."""
    if dtype in WIDE_INTEGERS and dtype not in allowed(op_type, e.opset):
        chosen = less(e, "Greater" if op_type == "Max" else "Less", dtype, a, b)
        return _choose_integer(e, cast(e, chosen, dtype), dtype, a=a, b=b)
    return emit_typed(e, op_type, dtype, a, b)


@RULES(ops.Where, since=9)
def where(e: Emitter, node: Node[ops.Where]) -> str:
    condition, a, b = e.inputs(node)
    return choose(e, condition, node.output.type.dtype, a=a, b=b)


@RULES(ops.Where, since=7, limits="below opset 9 a NaN in the branch not chosen is kept")
def where_by_arithmetic(e: Emitter, node: Node[ops.Where]) -> str:
    shape, dtype = node.output.type.shape, node.output.type.dtype
    if e.opset < 8 and dtype.is_float:
        condition, a, b = (broadcast(e, v, shape) for v in node.inputs)
    else:
        condition, a, b = e.inputs(node)
    return choose(e, condition, dtype, a=a, b=b)


def choose(e: Emitter, condition: str, dtype: DType, *, a: str, b: str) -> str:
    """Emit a where the condition holds, else b; Where came with opset 9.

    Before, at opset 7, floats need the shapes to be equal already.
    """
    if dtype is DType.BOOL:  # onnxruntime 1.23 has no Where of bools
        other = e.emit("And", e.emit("Not", condition), b)
        return e.emit("Or", e.emit("And", condition, a), other)
    if e.opset >= 9:
        return e.emit("Where", condition, a, b)
    if dtype.is_float:
        return _choose_float(e, condition, dtype, a=a, b=b)
    wide = dtype if dtype in allowed("Mul", e.opset) else DType.I32
    a, b = (x if wide is dtype else cast(e, x, wide) for x in (a, b))
    result = _choose_integer(e, cast(e, condition, wide), wide, a=a, b=b)
    return result if wide is dtype else cast(e, result, dtype)


def _choose_integer(e: Emitter, chosen: str, dtype: DType, *, a: str, b: str) -> str:
    """b + chosen * (a - b) in integers, which wrap and so come out even."""
    return e.emit("Add", b, e.emit("Mul", chosen, e.emit("Sub", a, b)))


def _choose_float(e: Emitter, condition: str, dtype: DType, *, a: str, b: str) -> str:
    """max(min(a, +-inf), min(b, -+inf)): the branch not chosen becomes -inf."""
    sign = e.emit(
        "Sub", e.emit("Mul", cast(e, condition, dtype), e.scalar(2, dtype)), _one(e, dtype)
    )
    limit = e.emit("Mul", sign, e.scalar(float("inf"), dtype))
    return e.emit("Max", e.emit("Min", a, limit), e.emit("Min", b, e.emit("Neg", limit)))


def _one(e: Emitter, dtype: DType) -> str:
    return e.scalar(1, dtype)
