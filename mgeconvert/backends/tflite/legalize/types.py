"""Element types: what LiteRT's kernels compute in, and wider types for what they do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mgeconvert.backends.base import location
from mgeconvert.backends.tflite import dialect
from mgeconvert.backends.tflite.legalize.table import Rewriter
from mgeconvert.errors import ConversionFailed, UnsupportedCase
from mgeconvert.ir import DType, Graph, Node, Op, Value, ops

B, F16, F32, F64 = DType.BOOL, DType.F16, DType.F32, DType.F64
I8, I16, I32, I64 = DType.I8, DType.I16, DType.I32, DType.I64
U8, U16, U32, U64 = DType.U8, DType.U16, DType.U32, DType.U64
WHOLE = frozenset({I32, I64})
FLOAT = frozenset({F32})
PLAIN = FLOAT | {I32}
COUNTED = FLOAT | WHOLE

WIDER: Mapping[DType, tuple[DType, ...]] = {
    B: (I32,),
    I8: (I32, F32),
    U8: (I32, F32),
    I16: (I32, F32),
    U16: (I32, F32, I64),
    U32: (I64,),
    F16: (F32,),
}
"""What holds every number of a type, the one to prefer first; nothing computes in float64."""

MOVED = frozenset({B, I8, U8, I16, I32, I64, F32})


def _each(types: Iterable[DType], *classes: type[Op]) -> dict[type[Op], frozenset[DType]]:
    return dict.fromkeys(classes, frozenset(types))


KERNELS: Mapping[type[Op], frozenset[DType]] = {
    **_each(COUNTED, ops.Add, ops.Sub, ops.Mul, ops.Neg, ops.CumSum, ops.ReduceSum, ops.ReduceProd),
    **_each(COUNTED, ops.Less, ops.LessEqual, ops.Greater, ops.GreaterEqual),
    **_each(COUNTED | {B}, ops.Equal, ops.NotEqual),
    **_each(PLAIN, ops.Div, ops.FloorDiv, ops.Pow, ops.Abs, ops.Sign),
    **_each(COUNTED, ops.Mod, ops.Maximum, ops.Minimum),
    **_each(COUNTED, ops.ReduceMean, ops.ReduceMax, ops.ReduceMin, dialect.TflTopK),
    **_each(PLAIN | {B}, ops.ArgMax, ops.ArgMin),
    **_each({I8, U8, I16, U16, I32, U32}, ops.BitXor, ops.ShiftRight),
    **_each({B}, ops.And, ops.Or, ops.Not),
    **_each(FLOAT, ops.Exp, ops.Log, ops.Sqrt, ops.Floor, ops.Ceil, ops.Sin, ops.Cos, ops.Tanh),
    **_each(FLOAT, ops.Sigmoid, ops.Relu, ops.HardSwish, ops.LeakyRelu, ops.PRelu, ops.Elu),
    **_each(FLOAT, ops.Gelu, ops.Clip, ops.Atan2),
    **_each(FLOAT, ops.MatMul, ops.Linear, dialect.TflSoftmax, dialect.TflLogSoftmax),
    **_each(FLOAT, dialect.TflConv, dialect.TflDepthwise, dialect.TflTransposeConv),
    **_each(FLOAT, dialect.TflMaxPool, dialect.TflAvgPool, dialect.TflResize),
    **_each(MOVED, ops.Transpose, ops.Concat, ops.Slice, ops.Pad, ops.Tile),
    **_each(MOVED, ops.Gather, ops.GatherNd, ops.Expand, ops.Where, dialect.TflGather),
    **_each(MOVED - {B}, ops.Split),
    **_each({I8, U8, I32, I64, F32}, dialect.TflDepthToSpace),
}
"""The element types of the operands that count, by operator; others take all."""

FIRST_FREE: tuple[type[Op], ...] = (ops.Where,)
"""Operators whose first operand has a type of its own."""

INDEXED: tuple[type[Op], ...] = (ops.Gather, ops.GatherNd, dialect.TflGather)
"""Operators whose second operand has a type of its own."""


def widen_types(graph: Graph) -> bool:
    """Rewrite op(x) to cast(op(cast(x))) where LiteRT has op for a wider element type only."""
    problems: list[Any] = []
    changed = False
    for node in graph:
        types = KERNELS.get(type(node.op))
        if types is None:
            continue
        own = _operands(node)
        dtype = own[0].type.dtype
        if dtype in types or any(v.quant is not None for v in node.outputs):
            continue
        wide = next((t for t in WIDER.get(dtype, ()) if t in types), None)
        if wide is None:
            problems.append(_refusal(node, dtype))
            continue
        _widen(graph, node, own, wide)
        changed = True
    if problems:
        raise ConversionFailed(problems)
    return changed


def _operands(node: Node[Any]) -> tuple[Value, ...]:
    """Return the operands that share the element type which decides."""
    if type(node.op) in FIRST_FREE:
        return node.inputs[1:]
    return node.inputs[:1] if type(node.op) in INDEXED else node.inputs


def _widen(graph: Graph, node: Node[Any], own: tuple[Value, ...], wide: DType) -> None:
    b = Rewriter(graph, node)
    cast = {v: b.cast(v, wide) for v in own}
    results = b.emit_multi(node.op, *(cast.get(v, v) for v in node.inputs))
    narrow = [
        b.cast(new, old.type.dtype) if new.type.dtype is wide else new
        for old, new in zip(node.outputs, results)
    ]
    graph.replace_node(node, *narrow)


def _refusal(node: Node[Any], dtype: DType) -> UnsupportedCase:
    return UnsupportedCase(
        f"{_name(node)} of {dtype.value}: LiteRT has no kernel for it",
        at=location("tflite", node),
        hint="convert the model's tensors to float32 or int32",
    )


def _name(node: Node[Any]) -> str:
    """Return what the IR calls the operator."""
    return type(node.op).__name__.removeprefix("Tfl").replace("TransposeConv", "ConvTranspose")
