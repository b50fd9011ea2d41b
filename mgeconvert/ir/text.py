"""Graphs as text, to print and to parse, for tests and bug reports.

    input x = %x: float32[N, 3]
    const %w: float32[2, 3] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    %y: float32[N, 2] = Linear()(%x, %w)  # traced: Linear 'fc_out' in fc
    output scores = %y

Constants of more than 16 elements are shown by their SHA-256, and given to `parse` by name. Names
other than letters, digits and . _ - : / stand in double quotes. A symbolic dimension inside an
attribute is written {N}.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from mgeconvert.errors import ConvertError, Location, ShapeError, UnreadableSource
from mgeconvert.ir.dims import dim
from mgeconvert.ir.graph import Graph, Node, Value
from mgeconvert.ir.op import CATALOGUE, EXTENSIONS, Array, Op
from mgeconvert.ir.types import DType, Quant, TensorType

SHOWN = 16  # elements of a constant that is written out

NAME = r'[\w.\-:/]+|"(?:[^"\\]|\\.)*"'
VALUE = rf"%(?:{NAME})"
TYPE = r"\w+\[[^\]]*\]"
QUANT = r"(?: @(?P<quant>Quant\(.*?\))(?= |$))?"
LINES = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "input": rf"input (?P<port>{NAME}) = (?P<name>{VALUE}): (?P<type>{TYPE}){QUANT}",
        "const": rf"const (?P<name>{VALUE}): (?P<type>{TYPE}){QUANT} = (?P<data>.+)",
        "output": rf"output (?P<port>{NAME}) = (?P<name>{VALUE})",
        "node": rf"(?P<outs>{VALUE}: .*?) = (?P<op>[A-Z]\w*\(.*\))\((?P<args>[^()]*)\)",
    }.items()
}


def show(graph: Graph) -> str:
    """Return the graph as text."""
    lines = [f"input {_name(p.name)} = {_typed(p.value)}" for p in graph.inputs]
    lines += [f"const {_typed(v)} = {_data(v.const)}" for v in graph.constants()]
    lines += [_node(node) for node in graph]
    lines += [f"output {_name(p.name)} = %{_name(p.value.name)}" for p in graph.outputs]
    return "\n".join(lines) + "\n"


def parse(text: str, constants: Mapping[str, Array] | None = None) -> Graph:
    """Return the graph that `text` shows; UnreadableSource names the line that is wrong.

    constants: the arrays of the constants that are not written out, by name
    """
    graph, env = Graph(), dict[str, Value]()
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition("  #")[0].strip()
        if not line or line.startswith("#"):
            continue
        try:
            _read_line(graph, env, line, constants or {})
        except (ConvertError, ValueError, KeyError, TypeError, SyntaxError) as error:
            at = Location("text", path=f"line {number}")
            raise UnreadableSource(f"{type(error).__name__}: {error}: {line}", at=at) from error
    return graph


def _name(name: str) -> str:
    return name if re.fullmatch(r"[\w.\-:/]+", name) else json.dumps(name)


def _unquoted(name: str) -> str:
    name = name.removeprefix("%")
    return json.loads(name) if name.startswith('"') else name


def _typed(value: Value) -> str:
    quant = f" @{_quant(value.quant)}" if value.quant else ""
    return f"%{_name(value.name)}: {value.type}{quant}"


def _quant(q: Quant) -> str:
    return f"Quant({q.dtype.value}, {q.qmin}, {q.qmax}, {q.scale}, {q.zero_point}, {q.axis})"


def _data(array: Array | None) -> str:
    assert array is not None
    if array.size <= SHOWN:
        return f"[{', '.join(map(repr, array.reshape(-1).tolist()))}]"
    return f"sha256:{hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()}"


def _node(node: Node[Any]) -> str:
    outputs = ", ".join(map(_typed, node.outputs))
    inputs = ", ".join(f"%{_name(v.name)}" for v in node.inputs)
    via = f" via {', '.join(node.via)}" if node.via else ""
    return f"{outputs} = {node.op}({inputs})  # {node.origin}{via}"


def _read_line(
    graph: Graph, env: dict[str, Value], line: str, constants: Mapping[str, Array]
) -> None:
    kind, _, _ = line.partition(" ")
    kind = kind if kind in LINES else "node"
    match = LINES[kind].fullmatch(line)
    if match is None:
        raise ValueError("not a line of a graph")
    if kind == "input":
        value = graph.input(_unquoted(match["port"]), _type(match["type"]))
        value.quant = _read_quant(match["quant"])
        env[match["name"]] = value
    elif kind == "const":
        array = _read_data(match["data"], _type(match["type"]), _unquoted(match["name"]), constants)
        value = graph.constant(_unquoted(match["name"]), array)
        value.quant = _read_quant(match["quant"])
        env[match["name"]] = value
    elif kind == "output":
        graph.output(_unquoted(match["port"]), env[match["name"]])
    else:
        _read_node(graph, env, match)


def _read_node(graph: Graph, env: dict[str, Value], match: re.Match[str]) -> None:
    outs = re.findall(rf"({VALUE}): ({TYPE}){QUANT.replace('?P<quant>', '')}", match["outs"])
    op = _read_op(match["op"])
    inputs = [env[name] for name in re.findall(VALUE, match["args"])]
    at = Location("text", match["op"].partition("(")[0], _unquoted(outs[0][0]))
    values = graph.add_multi(op, *inputs, names=[_unquoted(o[0]) for o in outs], at=at)
    for value, (name, type, quant) in zip(values, outs, strict=True):
        if value.type != _type(type):
            raise ShapeError(f"{name} is {value.type}, not {type}")
        value.quant = _read_quant(quant)
        env[name] = value


def _read_op(text: str) -> Op:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Name)
    cls = {**EXTENSIONS, **CATALOGUE}[call.func.id]
    known = {f.name for f in fields(cls)}
    attributes = {k.arg: _literal(k.value) for k in call.keywords if k.arg in known}
    if len(attributes) != len(call.keywords):
        raise ValueError(f"{call.func.id} has the attributes {', '.join(sorted(known))}")
    return cls(**attributes)


def _literal(node: ast.expr) -> Any:
    """Read a number, text, tuple, dimension, element type or quantization."""
    if isinstance(node, ast.Call):
        return Quant(*map(_literal, node.args))
    if isinstance(node, ast.Tuple):
        return tuple(map(_literal, node.elts))
    if isinstance(node, ast.Set):
        return dim(ast.unparse(node.elts[0]))
    if isinstance(node, ast.Name):
        return {"inf": math.inf, "nan": math.nan}.get(node.id) or DType(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_literal(node.operand)
    return ast.literal_eval(node)


def _type(text: str) -> TensorType:
    dtype, _, rest = text.partition("[")
    dims = [d.strip() for d in rest.removesuffix("]").split(",") if d.strip()]
    return TensorType(DType(dtype), tuple(dim(d) for d in dims))


def _read_quant(text: str | None) -> Quant | None:
    if not text:
        return None
    quant = _literal(ast.parse(text, mode="eval").body)
    assert isinstance(quant, Quant)
    return quant


def _read_data(text: str, type: TensorType, name: str, constants: Mapping[str, Array]) -> Array:
    shape = type.static
    if shape is None:
        raise ShapeError(f"a constant of the type {type}")
    if not text.startswith("sha256:"):
        words = [w.strip() for w in text.strip("[]").split(",") if w.strip()]
        kinds: dict[str, Any] = {"True": True, "False": False}
        return (
            np.array([kinds.get(w) if w in kinds else float(w) for w in words])
            .astype(type.dtype.numpy)
            .reshape(shape)
        )
    array = constants[name]
    if _data(array) != text or array.shape != shape:
        raise ValueError(f"the array given for {name} is another one")
    return array
