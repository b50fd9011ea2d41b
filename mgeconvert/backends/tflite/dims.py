"""Dimensions at run time: int32 tensors computed from the shapes of the graph's inputs."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import numpy as np

from mgeconvert.backends.tflite.emitter import Emitter
from mgeconvert.backends.tflite.schema import options, type_number
from mgeconvert.errors import InternalError
from mgeconvert.ir import Dim, DType, Sym, TensorType
from mgeconvert.ir.dims import symbol

SCALAR = TensorType(DType.I32, ())
OPERATORS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("ADD", "AddOptions"),
    ast.Sub: ("SUB", "SubOptions"),
    ast.Mult: ("MUL", "MulOptions"),
    ast.FloorDiv: ("FLOOR_DIV", "FloorDivOptions"),
}


def has_symbols(dims: Sequence[Dim]) -> bool:
    """Return whether a dimension is known at run time only."""
    return any(isinstance(d, Sym) for d in dims)


def vector(e: Emitter, dims: Sequence[Dim]) -> int:
    """Return an int32 vector with the values of `dims`."""
    numbers = [d for d in dims if isinstance(d, int)]
    if len(numbers) == len(dims):
        return e.ints(numbers, "shape")
    key = ("dims", tuple(dims))
    known = e.remember(key)
    if known is not None:
        return known
    made = e.temporary(TensorType(DType.I32, (len(dims),)), "shape")
    given = options("PackOptions", valuesCount=len(dims), axis=0)
    e.emit("PACK", [scalar(e, d) for d in dims], [made], given)
    return e.keep(key, made)


def scalar(e: Emitter, dim: Dim) -> int:
    """Return an int32 scalar with the value of `dim`."""
    if isinstance(dim, int):
        return e.constant(np.array(dim, np.int32), "dim")
    key = ("dim", dim)
    known = e.remember(key)
    return known if known is not None else e.keep(key, _tree(e, _parsed(dim)))


def _parsed(dim: Sym) -> ast.expr:
    return ast.parse(str(dim), mode="eval").body


def _tree(e: Emitter, node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return e.constant(np.array(node.value, np.int32), "dim")
    if isinstance(node, ast.Name):
        return _symbol(e, node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
        return e.constant(np.array(-ast.literal_eval(node.operand), np.int32), "dim")
    if isinstance(node, ast.BinOp):
        left, right = _tree(e, node.left), _tree(e, node.right)
        made = e.temporary(SCALAR, "dim")
        code, name = OPERATORS[type(node.op)]
        e.emit(code, [left, right], [made], options(name))
        return made
    raise InternalError(f"{ast.unparse(node)!r} in a dimension")


def _symbol(e: Emitter, name: str) -> int:
    known = e.remember(("symbol", name))
    if known is not None:
        return known
    wanted = symbol(name)
    for index, port in zip(e.inputs, e.graph.inputs):
        shape = port.value.type.shape
        for axis, dim in enumerate(shape):
            if dim == wanted:
                made = e.temporary(SCALAR, name)
                whole = _shape_of(e, index, len(shape))
                place = e.constant(np.array(axis, np.int32), "axis")
                e.emit("GATHER", [whole, place], [made], options("GatherOptions", axis=0))
                return e.keep(("symbol", name), made)
    raise InternalError(f"no input has the dimension {name}")


def _shape_of(e: Emitter, index: int, rank: int) -> int:
    known = e.remember(("shape", index))
    if known is not None:
        return known
    made = e.temporary(TensorType(DType.I32, (rank,)), "shape")
    e.emit("SHAPE", [index], [made], options("ShapeOptions", outType=type_number(DType.I32)))
    return e.keep(("shape", index), made)
