"""Operators that read, write or choose at computed places."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.tflite import dialect
from mgeconvert.backends.tflite.dims import scalar, vector
from mgeconvert.backends.tflite.emitter import Emitter
from mgeconvert.backends.tflite.rules.table import RULES
from mgeconvert.backends.tflite.schema import options, type_number
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, TensorType, ops
from mgeconvert.ir.dims import Sym, symbols

INDEX = TensorType(DType.I32, ())


@RULES(ops.Gather)
def gather(e: Emitter, node: Node[ops.Gather]) -> None:
    given = options("GatherOptions", axis=node.op.axis, batchDims=0)
    e.emit("GATHER", node.inputs, node.outputs, given)


@RULES(dialect.TflGather)
def gather_batch(e: Emitter, node: Node[dialect.TflGather]) -> None:
    given = options("GatherOptions", axis=node.op.axis, batchDims=node.op.batch)
    e.emit("GATHER", node.inputs, node.outputs, given)


@RULES(ops.GatherNd)
def gather_nd(e: Emitter, node: Node[ops.GatherNd]) -> None:
    e.emit("GATHER_ND", node.inputs, node.outputs, options("GatherNdOptions"))


@RULES(dialect.TflScatter)
def scatter(e: Emitter, node: Node[dialect.TflScatter]) -> None:
    shape = vector(e, node.op.shape)
    e.emit("SCATTER_ND", [*node.inputs, shape], node.outputs, options("ScatterNdOptions"))


@RULES(dialect.TflTopK)
def top_k(e: Emitter, node: Node[dialect.TflTopK]) -> None:
    k = scalar(e, node.op.k)
    e.emit("TOPK_V2", [*node.inputs, k], node.outputs, options("TopKV2Options"))


@RULES(ops.OneHot)
def one_hot(e: Emitter, node: Node[ops.OneHot]) -> None:
    depth = e.constant(np.array(node.op.depth, np.int32), "depth")
    on, off = (e.constant(np.array(n, node.op.dtype.numpy), "level") for n in (1, 0))
    given = options("OneHotOptions", axis=-1)
    e.emit("ONE_HOT", [*node.inputs, depth, on, off], node.outputs, given)


@RULES(ops.ArgMax, ops.ArgMin)
def arg(e: Emitter, node: Node[ops.ArgMax]) -> None:
    name, code = ("ArgMax", "ARG_MAX") if isinstance(node.op, ops.ArgMax) else ("ArgMin", "ARG_MIN")
    given = options(f"{name}Options", outputType=type_number(DType.I64))
    axis = e.constant(np.array(node.op.axis, np.int32), "axis")
    e.emit(code, [*node.inputs, axis], node.outputs, given)


@RULES(dialect.TflNonMaxSuppression)
def non_max_suppression(e: Emitter, node: Node[dialect.TflNonMaxSuppression]) -> None:
    """The number of valid indices is the value of the symbol `kept` from here on."""
    op = node.op
    numbers = [
        e.constant(np.array(n, np.float32), "threshold") for n in (op.threshold, float("-inf"))
    ]
    every = e.temporary(TensorType(DType.I32, (op.limit,)), "indices")
    count = e.temporary(INDEX, "count")
    given = options("NonMaxSuppressionV4Options")
    e.emit(
        "NON_MAX_SUPPRESSION_V4",
        [*node.inputs, scalar(e, op.limit), *numbers],
        [every, count],
        given,
    )
    size = e.temporary(TensorType(DType.I32, (1,)), "size")
    one = options("ReshapeOptions", newShape=[1])
    e.emit("RESHAPE", [count, e.ints([1], "shape")], [size], one)
    e.emit("SLICE", [every, e.ints([0], "starts"), size], node.outputs, options("SliceOptions"))
    if not isinstance(op.kept, Sym) or str(op.kept) not in symbols(op.kept):
        raise UnsupportedCase(f"NonMaxSuppression whose number of boxes is called {op.kept}")
    e.keep(("symbol", str(op.kept)), count)


@RULES(ops.NonZero)
def non_zero(e: Emitter, node: Node[ops.NonZero]) -> None:
    """The number of places is the value of the symbol `count` from here on."""
    count = node.op.count
    if not isinstance(count, Sym) or str(count) not in symbols(count):
        raise UnsupportedCase(f"NonZero whose number of places is called {count}")
    rows = e.temporary(TensorType(DType.I64, (count, 1)), "rows")
    size = e.temporary(TensorType(DType.I32, (1,)), "size")
    one = e.temporary(INDEX, "count")
    e.emit("WHERE", node.inputs, [rows], options("WhereOptions"))
    flat = options("ReshapeOptions", newShape=[-1])
    e.emit("RESHAPE", [rows, e.ints([-1], "shape")], node.outputs, flat)
    given = options("ShapeOptions", outType=type_number(DType.I32))
    e.emit("SHAPE", node.outputs, [size], given)
    e.emit("SQUEEZE", [size], [one], options("SqueezeOptions", squeezeDims=[0]))
    e.keep(("symbol", str(count)), one)
