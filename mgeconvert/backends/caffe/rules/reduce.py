"""Reductions and what is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.backends.caffe.binary import sum_of
from mgeconvert.backends.caffe.emitter import Blob, Emitter, sizes
from mgeconvert.backends.caffe.held import HELD, LARGEST
from mgeconvert.backends.caffe.mixing import max_over, min_over, mix, product_over, sum_over
from mgeconvert.backends.caffe.pieces import MINUS, reshape, unary
from mgeconvert.backends.caffe.rules.logic import is_whole
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Node, ops


@RULES(ops.ReduceSum, ops.ReduceMean)
def reduce_sum(e: Emitter, node: Node[Any]) -> Blob:
    mean = isinstance(node.op, ops.ReduceMean)
    if mean and is_whole(node.inputs[0]):
        raise UnsupportedCase("a mean of whole numbers", hint="cast them to float32 before")
    y = sum_over(e, e.blob(node.inputs[0]), node.op.reduced, mean=mean)
    return reshape(e, y, sizes(node.output))


@RULES(ops.ReduceMax, ops.ReduceMin)
def reduce_extreme(e: Emitter, node: Node[Any]) -> Blob:
    over = max_over if isinstance(node.op, ops.ReduceMax) else min_over
    return reshape(e, over(e, e.blob(node.inputs[0]), node.op.reduced), sizes(node.output))


@RULES(ops.ReduceProd, limits="up to 128 elements")
def reduce_prod(e: Emitter, node: Node[ops.ReduceProd]) -> Blob:
    dtype = node.output.type.dtype
    if HELD.get(dtype, (0, LARGEST))[1] not in (1, LARGEST):
        raise UnsupportedCase(
            f"a product over {dtype.value}, which keeps its last bits only",
            hint="cast it to float32 before",
        )
    y = product_over(e, e.blob(node.inputs[0]), node.op.reduced)
    return reshape(e, y, sizes(node.output))


@RULES(ops.Softmax)
def softmax(e: Emitter, node: Node[ops.Softmax]) -> Blob:
    x, axis = e.blob(node.inputs[0]), node.op.axis
    if axis == 0:
        e.dialect.need("Softmax across the batch")
    return unary(e, "Softmax", x, axis=None if axis == 1 else axis)


@RULES(ops.LogSoftmax)
def log_softmax(e: Emitter, node: Node[ops.LogSoftmax]) -> Blob:
    x, axes = e.blob(node.inputs[0]), (node.op.axis,)
    shifted = sum_of(e, x, max_over(e, x, axes), MINUS)
    sums = sum_over(e, unary(e, "Exp", shifted), axes, mean=False)
    return sum_of(e, shifted, unary(e, "Log", sums), MINUS)


@RULES(ops.CumSum)
def cum_sum(e: Emitter, node: Node[ops.CumSum]) -> Blob:
    op, x = node.op, e.blob(node.inputs[0])
    size = x.shape[op.axis]
    matrix = np.tril(np.ones((size, size), np.float32), -1 if op.exclusive else 0)
    return mix(e, x, op.axis, matrix.T if op.reverse else matrix)
