"""Pooling."""

from __future__ import annotations

import math
from typing import Any

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.conv import SAME, padding, per_axis
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import Value, ops


def _window(c: Call, x: Value) -> dict[str, Any]:
    kernel = tuple(c.attribute("kernel_shape"))
    if not kernel or any(k < 1 for k in kernel) or x.type.rank != len(kernel) + 2:
        raise ShapeError(f"kernel_shape {kernel} for {x.type}")
    stride, dilation = per_axis(c, "strides", kernel), per_axis(c, "dilations", kernel)
    if any(d != 1 for d in dilation):
        raise UnsupportedCase(f"dilations {dilation} of a pooling")
    pads = padding(c, x, kernel, stride=stride, dilation=dilation)
    exact = c.attribute("auto_pad") in SAME
    return {
        "kernel": kernel,
        "stride": stride,
        "padding": pads,
        "ceil_mode": bool(c.attribute("ceil_mode", 0)) and not exact,
    }


@RULES("MaxPool", since=1, limits="without Indices, not dilated")
def max_pool(c: Call, x: Value) -> Value:
    c.refuse_output(1, "Indices")
    return c.emit(ops.MaxPool(**_window(c, x)), x)


@RULES("AveragePool", since=1, limits="not dilated")
def average_pool(c: Call, x: Value) -> Value:
    counted = bool(c.attribute("count_include_pad", 0))
    return c.emit(ops.AvgPool(**_window(c, x), count_padding=counted), x)


@RULES("LpPool", since=2, limits="not dilated, without ceil_mode")
def lp_pool(c: Call, x: Value) -> Value:
    """(sum of |x| ** p) ** (1 / p): a mean over whole windows times their size."""
    window = _window(c, x)
    if window["ceil_mode"]:
        raise UnsupportedCase("ceil_mode of LpPool")
    powers = _power(c, x)
    mean = c.emit(ops.AvgPool(**window, count_padding=True), powers)
    total = c.emit(ops.Mul(), mean, c.like(math.prod(window["kernel"]), x))
    return _root(c, total)


def _power(c: Call, x: Value) -> Value:
    return c.emit(ops.Pow(), c.emit(ops.Abs(), x), c.like(_p(c), x))


def _root(c: Call, x: Value) -> Value:
    return c.emit(ops.Pow(), x, c.like(1 / _p(c), x))


def _p(c: Call) -> int:
    p = int(c.attribute("p"))
    if p < 1:
        raise UnsupportedCase(f"p = {p}")
    return p


def _spatial(x: Value) -> tuple[int, ...]:
    if x.type.rank < 3:
        raise ShapeError(f"{x.type} has no spatial axes")
    return tuple(range(2, x.type.rank))


@RULES("GlobalAveragePool", since=1)
def global_average_pool(c: Call, x: Value) -> Value:
    return c.emit(ops.ReduceMean(reduced=_spatial(x), keepdims=True), x)


@RULES("GlobalMaxPool", since=1)
def global_max_pool(c: Call, x: Value) -> Value:
    return c.emit(ops.ReduceMax(reduced=_spatial(x), keepdims=True), x)


@RULES("GlobalLpPool", since=2)
def global_lp_pool(c: Call, x: Value) -> Value:
    return _root(c, c.emit(ops.ReduceSum(reduced=_spatial(x), keepdims=True), _power(c, x)))
