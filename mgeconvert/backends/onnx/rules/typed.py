"""Element types by opset: where an operator does not take one yet, a wider one carries it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from onnx import defs

from mgeconvert.backends.onnx.emitter import ELEMENT_TYPES, Emitter
from mgeconvert.backends.onnx.rules.table import NEWEST
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType

SPELLED = {
    f"tensor({dtype.value.replace('float32', 'float').replace('float64', 'double')})": dtype
    for dtype in DType
}
# What holds every value of a type, the cheapest first.
WIDER: dict[DType, tuple[DType, ...]] = {
    DType.BOOL: (DType.U8, DType.I32, DType.F32),
    DType.I8: (DType.I32, DType.F32),
    DType.U8: (DType.I32, DType.F32),
    DType.I16: (DType.I32, DType.F32),
    DType.U16: (DType.I32, DType.F32),
    DType.I32: (DType.I64, DType.F64),
    DType.U32: (DType.I64, DType.F64),
    DType.F16: (DType.F32,),
    DType.F32: (DType.F64,),
}


@cache
def allowed(op_type: str, opset: int, operand: int = 0) -> frozenset[DType]:
    """Return the element types that `op_type` takes as its input number `operand`."""
    schema = defs.get_schema(op_type, opset, "")
    key = schema.inputs[operand].type_str
    spelled: Sequence[str] = [key]
    for constraint in schema.type_constraints:
        if constraint.type_param_str == key:
            spelled = constraint.allowed_type_strs
    return frozenset(SPELLED[s] for s in spelled if s in SPELLED)


def carrier(e: Emitter, op_type: str, dtype: DType, operand: int = 0) -> DType:
    """Return `dtype`, or the type that carries it through `op_type`; refuse if none does."""
    taken = allowed(op_type, e.opset, operand)
    if dtype in taken:
        return dtype
    for wider in WIDER.get(dtype, ()):
        if wider in taken:
            return wider
    what = f"{op_type} of {dtype.value}"
    for opset in range(e.opset + 1, NEWEST + 1):
        if dtype in allowed(op_type, opset, operand):
            raise e.refuse(what, opset)
    raise UnsupportedCase(f"no opset can express {what}")


def cast(e: Emitter, x: str, dtype: DType) -> str:
    """Emit x as `dtype`."""
    return e.emit("Cast", x, to=ELEMENT_TYPES[dtype])


def cast_from(e: Emitter, x: str, *, old: DType, new: DType) -> str:
    """Emit x, which is of type `old`, as `new`; nothing where they are the same."""
    return x if old is new else cast(e, x, new)


def emit_typed(e: Emitter, op_type: str, dtype: DType, *inputs: str, **attributes: Any) -> str:
    """Emit an operator on operands of `dtype` with a result of `dtype`, by a carrier if need be."""
    through = carrier(e, op_type, dtype)
    taken = [cast_from(e, x, old=dtype, new=through) for x in inputs]
    result = e.emit(op_type, *taken, **attributes)
    return cast_from(e, result, old=through, new=dtype)


def compare_typed(e: Emitter, op_type: str, dtype: DType, *inputs: str) -> str:
    """Emit an operator on operands of `dtype` whose result is bool."""
    through = carrier(e, op_type, dtype)
    return e.emit(op_type, *(cast_from(e, x, old=dtype, new=through) for x in inputs))
