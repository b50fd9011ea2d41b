"""Distances that networks compute as losses, and that some return."""

from __future__ import annotations

from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.activation import logsumexp
from mgeconvert.frontends.traced.rules.promotion import as_float, binary, operands, unary
from mgeconvert.frontends.traced.rules.reduce import reduced
from mgeconvert.frontends.traced.rules.select import indexing_one_hot
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Value, ops


def _finished(c: Call, x: Value, reduction: str) -> Value:
    """Return the mean of all elements; in a file MegEngine 1.13 computes it whatever it says."""
    if reduction != "mean":
        raise UnsupportedCase(
            f"a loss with the reduction {reduction!r}, of which MegEngine takes the mean in a .tm",
            hint="write the loss with elementwise functions",
        )
    return reduced(c, ops.ReduceMean, as_float(c, x), None, keepdims=False)


@RULES("function:loss.l1_loss")
def l1_loss(c: Call, pred: Value, label: Value, reduction: str = "mean") -> Value:
    return _finished(c, c.emit(ops.Abs(), binary(c, ops.Sub(), pred, label)), reduction)


@RULES("function:loss.square_loss")
def square_loss(c: Call, pred: Value, label: Value, reduction: str = "mean") -> Value:
    difference = binary(c, ops.Sub(), pred, label)
    return _finished(c, c.emit(ops.Mul(), difference, difference), reduction)


@RULES("function:loss.cross_entropy")
def cross_entropy(
    c: Call,
    pred: Value,
    label: Value,
    axis: int = 1,
    with_logits: bool = True,
    label_smooth: Any = 0,
    reduction: str = "mean",
) -> Value:
    """log sum exp(pred) - pred[label], the latter mixed with the mean of pred by label_smooth."""
    x = as_float(c, pred) if with_logits else unary(c, ops.Log(), pred)
    chosen = indexing_one_hot(c, x, label, axis)
    if label_smooth:
        mean = reduced(c, ops.ReduceMean, x, axis, keepdims=False)
        rest = binary(c, ops.Mul(), mean, float(label_smooth))
        chosen = binary(c, ops.Mul(), chosen, 1.0 - label_smooth)
        chosen = c.emit(ops.Add(), chosen, rest)
    if not with_logits:
        return _finished(c, c.emit(ops.Neg(), chosen), reduction)
    return _finished(c, binary(c, ops.Sub(), logsumexp(c, x, axis), chosen), reduction)


@RULES("function:loss.binary_cross_entropy")
def binary_cross_entropy(
    c: Call, pred: Value, label: Value, with_logits: bool = True, reduction: str = "mean"
) -> Value:
    x = as_float(c, pred)
    if with_logits:
        yes, no = (c.emit(ops.LogSigmoid(), v) for v in (x, c.emit(ops.Neg(), x)))
    else:
        yes, no = (c.emit(ops.Log(), v) for v in (x, binary(c, ops.Sub(), 1.0, x)))
    first = binary(c, ops.Mul(), label, yes)
    second = binary(c, ops.Mul(), binary(c, ops.Sub(), 1, label), no)
    return _finished(c, c.emit(ops.Neg(), c.emit(ops.Add(), first, second)), reduction)


@RULES("function:loss.hinge_loss")
def hinge_loss(
    c: Call, pred: Value, label: Value, norm: str = "L1", reduction: str = "mean"
) -> Value:
    """The sum over axis 1 of max(1 - pred * label, 0), squared for "L2"."""
    margin = binary(c, ops.Sub(), 1, binary(c, ops.Mul(), *operands(c, pred, label)))
    loss = c.emit(ops.Relu(), margin)
    loss = c.emit(ops.Mul(), loss, loss) if norm.upper() == "L2" else loss
    return _finished(c, reduced(c, ops.ReduceSum, loss, 1, keepdims=False), reduction)
