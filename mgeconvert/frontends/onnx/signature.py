"""Which element types an operator takes, by ONNX's schemas."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from onnx import defs

from mgeconvert.errors import ShapeError
from mgeconvert.frontends.onnx.records import OnnxNode
from mgeconvert.ir import DType, Value

SPELLED = {
    f"tensor({dtype.value.replace('float32', 'float').replace('float64', 'double')})": dtype
    for dtype in DType
}


@cache
def operands(op_type: str, version: int) -> tuple[frozenset[DType], ...]:
    """Return the element types that each input may have; the last may stand for several."""
    schema = defs.get_schema(op_type, version, "")
    allowed = {t.type_param_str: t.allowed_type_strs for t in schema.type_constraints}
    spelled = [allowed.get(i.type_str, [i.type_str]) for i in schema.inputs]
    return tuple(frozenset(SPELLED[s] for s in types if s in SPELLED) for types in spelled)


def need_types(node: OnnxNode, inputs: Sequence[Value | None]) -> None:
    """Raise ShapeError where an input is of an element type that the operator does not take."""
    known = operands(node.op_type, node.version)
    for index, value in enumerate(inputs):
        if value is None:
            continue
        allowed = known[min(index, len(known) - 1)]
        if value.type.dtype not in allowed:
            names = ", ".join(sorted(d.value for d in allowed))
            raise ShapeError(f"its input {index} is {value.type}, where it takes {names}")
