"""Dimensions at run time: int64 vectors computed from the shapes of the graph's inputs."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import cast
from mgeconvert.backends.onnx.rules.versioned import squeeze
from mgeconvert.errors import InternalError
from mgeconvert.ir import Dim, DType, Node, Sym, ops
from mgeconvert.ir.dims import symbol

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "Add",
    ast.Sub: "Sub",
    ast.Mult: "Mul",
    ast.FloorDiv: "Div",  # sizes are never negative, so that cutting is flooring
}


def known(dims: Sequence[Dim]) -> list[int] | None:
    """Return `dims` where all are numbers, else None."""
    numbers = [d for d in dims if isinstance(d, int)]
    return numbers if len(numbers) == len(dims) else None


def vector(e: Emitter, dims: Sequence[Dim], hint: str = "shape") -> str:
    """Return the name of an int64 vector with the values of `dims`."""
    numbers = known(dims)
    if numbers is not None:
        return e.ints(numbers, hint)
    return e.shared(("dims", tuple(dims)), lambda: _concat(e, dims))


def _concat(e: Emitter, dims: Sequence[Dim]) -> str:
    parts: list[str] = []
    run: list[int] = []  # numbers beside each other become one constant
    for dim in dims:
        if isinstance(dim, int):
            run.append(dim)
            continue
        if run:
            parts.append(e.ints(run))
            run = []
        parts.append(_element(e, dim))
    if run:
        parts.append(e.ints(run))
    return parts[0] if len(parts) == 1 else e.emit("Concat", *parts, axis=0, hint="shape")


def _element(e: Emitter, dim: Sym) -> str:
    """Emit the value of `dim` as a vector of one element."""
    return e.shared(("dim", dim), lambda: _tree(e, ast.parse(str(dim), mode="eval").body))


def _tree(e: Emitter, node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return e.ints([node.value])
    if isinstance(node, ast.Name):
        return e.shared(("symbol", node.id), lambda: _symbol(e, node.id))
    if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
        return e.ints([-ast.literal_eval(node.operand)])
    if isinstance(node, ast.BinOp):
        left, right = _tree(e, node.left), _tree(e, node.right)
        return e.emit(OPERATORS[type(node.op)], left, right, hint="dim")
    raise InternalError(f"{ast.unparse(node)!r} in a dimension")


def _symbol(e: Emitter, name: str) -> str:
    wanted = symbol(name)
    for port in e.graph.inputs:
        for axis, dim in enumerate(port.value.type.shape):
            if dim == wanted:
                shape = e.shared(("shape", port.name), lambda: e.emit("Shape", port.name))  # noqa: B023
                return e.emit("Gather", shape, e.ints([axis]), axis=0, hint=name)
    for node in e.graph:  # of an operator whose result has a size that depends on data
        for value in node.outputs:
            if wanted in value.type.shape:
                shape = e.emit("Shape", e.name(value))
                return e.emit("Gather", shape, e.ints([value.type.shape.index(wanted)]), axis=0)
    raise InternalError(f"no value has the dimension {name}")


@RULES(ops.DimVector, since=7)
def dim_vector(e: Emitter, node: Node[ops.DimVector]) -> str:
    value = vector(e, node.op.dims)
    if node.op.scalar:
        value = squeeze(e, value, [0])
    if node.op.dtype is not DType.I64:
        return cast(e, value, node.op.dtype)
    return e.emit("Identity", value) if not node.op.scalar else value
