"""Products of matrices: whole numbers, and more axes than the kernels take."""

from __future__ import annotations

from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.ir import Node, Value, ops
from mgeconvert.ir.dims import product
from mgeconvert.ir.ops.infer import broadcast

MATMUL_RANK = 5
LINEAR_RANK = 4
"""The most axes of BATCH_MATMUL, and of FULLY_CONNECTED (it is wrong above seven)."""


@LEGAL(ops.MatMul)
def matmul(b: Rewriter, node: Node[ops.MatMul]) -> Value | None:
    x, y = node.inputs
    if not x.type.dtype.is_float:
        columns = b.transpose(y, [*range(y.type.rank - 2), y.type.rank - 1, y.type.rank - 2])
        left, right = b.unsqueeze(x, [-2]), b.unsqueeze(columns, [-3])
        return _summed(b, b.emit(ops.Mul(), left, right))
    if max(x.type.rank, y.type.rank) <= MATMUL_RANK:
        return None
    lead = broadcast([x.type.shape[:-2], y.type.shape[:-2]])
    merged = [
        b.reshape(b.expand(v, (*lead, *v.type.shape[-2:])), [product(lead), *v.type.shape[-2:]])
        for v in (x, y)
    ]
    return b.reshape(b.emit(ops.MatMul(), *merged), node.output.type.shape)


@LEGAL(ops.Linear)
def linear(b: Rewriter, node: Node[ops.Linear]) -> Value | None:
    x, w, *bias = node.inputs
    if not x.type.dtype.is_float and x.quant is None:
        y = _summed(b, b.emit(ops.Mul(), b.unsqueeze(x, [-2]), w))
        return b.emit(ops.Add(), y, bias[0]) if bias else y
    if x.type.rank <= LINEAR_RANK:
        return None
    flat = b.reshape(x, [product(x.type.shape[:-1]), x.type.shape[-1]])
    flat.quant = x.quant
    y = b.emit(ops.Linear(), flat, w, *bias)
    y.quant = node.output.quant
    return b.reshape(y, node.output.type.shape)


def _summed(b: Rewriter, products: Value) -> Value:
    return b.emit(ops.ReduceSum(reduced=(products.type.rank - 1,)), products)
