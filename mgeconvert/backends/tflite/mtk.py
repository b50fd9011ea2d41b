"""What MediaTek's Neuron compiler reads of a TFLite model; depends on the schema's names only.

By the MDLA 2.0 and 3.0 guidelines of MediaTek's AIoT developer guide (Neuron SDK, supported
operations), and by MgeConvert, whose models for these devices had batches of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mgeconvert.backends.tflite.versions import Operand
from mgeconvert.errors import UnsupportedCase

__all__ = ["OPERATORS", "check"]

Given = Sequence[Operand | None]
Check = Callable[[Given, Any], str]
"""Return what is wrong with operands and options, or nothing."""

RANK = 4
SIZE = 65535
TYPES = ("FLOAT32", "FLOAT16", "INT8", "UINT8", "INT16")
CONV_KERNEL, CONV_STRIDES, DILATIONS = 16, (1, 2, 3, 4, 8), (1, 2, 4, 8)
DEPTHWISE_KERNEL, DEPTHWISE_STRIDES = 8, (1, 2, 3, 4)
POOL_KERNEL = 8


def _conv(ins: Given, options: Any) -> str:
    x, w = ins[:2]
    assert x is not None
    assert w is not None
    strides, dilations = _steps(options)
    if x.shape[3] != w.shape[3]:
        return "its channels are in groups"
    if max(w.shape[1:3]) > CONV_KERNEL:
        return f"its kernel is larger than {CONV_KERNEL}"
    if max(dilations) > 1 and max(strides) > 1:
        return "it has a stride and a dilation"
    return _unlike(strides, CONV_STRIDES, "stride") or _unlike(dilations, DILATIONS, "dilation")


def _depthwise(ins: Given, options: Any) -> str:
    w = ins[1]
    assert w is not None
    strides, dilations = _steps(options)
    if max(w.shape[1:3]) > DEPTHWISE_KERNEL:
        return f"its kernel is larger than {DEPTHWISE_KERNEL}"
    if any(s > k for s, k in zip(strides, w.shape[1:3])):
        return "its stride is larger than its kernel"
    found = _unlike(strides, DEPTHWISE_STRIDES, "stride")
    return found or _unlike(dilations, DILATIONS, "dilation")


def _pool(ins: Given, options: Any) -> str:
    x = ins[0]
    assert x is not None
    kernel = (options.filterHeight, options.filterWidth)
    if kernel == x.shape[1:3] or kernel == (1, 1):
        return ""
    if max(kernel) > POOL_KERNEL:
        return f"its kernel is larger than {POOL_KERNEL} and not the whole image"
    if options.strideH > kernel[0] or options.strideW > kernel[1]:
        return "its stride is larger than its kernel"
    return ""


def _mirror(ins: Given, options: Any) -> str:
    x = ins[0]
    return "" if x is not None and x.rank == RANK else "it is not of four axes"


def _steps(options: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    return (options.strideH, options.strideW), (options.dilationHFactor, options.dilationWFactor)


def _unlike(values: Sequence[int], allowed: Sequence[int], what: str) -> str:
    if all(v in allowed for v in values):
        return ""
    return f"its {what} is none of {', '.join(map(str, allowed))}"


def _any(ins: Given, options: Any) -> str:
    return ""


OPERATORS: Mapping[str, Check] = {
    **dict.fromkeys(
        (
            *("ABS", "ADD", "CONCATENATION", "DEPTH_TO_SPACE", "DEQUANTIZE", "DIV", "ELU"),
            *("FULLY_CONNECTED", "HARD_SWISH", "LOGISTIC", "MAXIMUM", "MEAN", "MINIMUM", "MUL"),
            *("NEG", "PACK", "PAD", "PADV2", "POW", "PRELU", "QUANTIZE", "REDUCE_MAX"),
            *("REDUCE_MIN", "RELU", "RELU6", "RELU_N1_TO_1", "RESHAPE", "RESIZE_BILINEAR"),
            *("RESIZE_NEAREST_NEIGHBOR", "RSQRT", "SLICE", "SOFTMAX", "SPACE_TO_DEPTH", "SPLIT"),
            *("SQRT", "SQUARE", "SQUARED_DIFFERENCE", "SQUEEZE", "STRIDED_SLICE", "SUB", "SUM"),
            *("TANH", "TILE", "TRANSPOSE", "TRANSPOSE_CONV", "UNPACK"),
        ),
        _any,
    ),
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "MIRROR_PAD": _mirror,
}
"""The operators, by their names in the schema, and what else is asked of each."""


def check(code: str, inputs: Given, outputs: Given, options: Any) -> None:
    """Raise UnsupportedCase where Neuron would not read this use of an operator."""
    asked = OPERATORS.get(code)
    problem = "it has no such operator" if asked is None else ""
    for operand in (*inputs, *outputs):
        if operand is not None and not operand.constant:
            problem = problem or _tensor(operand)
    if asked is not None and not problem:
        problem = asked(inputs, options)
    if problem:
        raise UnsupportedCase(
            f"mtk: {code}: Neuron cannot read it: {problem}",
            hint="change the model, or set mtk = false",
        )


def _tensor(operand: Operand) -> str:
    """Return what is wrong with a tensor that is computed, or nothing."""
    if operand.dtype not in TYPES:
        return f"a tensor is {operand.dtype}"
    if operand.rank > RANK:
        return f"a tensor has {operand.rank} axes, more than {RANK}"
    if -1 in operand.shape:
        return "the shape of a tensor is known at run time only"
    if operand.rank == RANK and operand.shape[0] != 1:
        return f"the batch is {operand.shape[0]}, not 1"
    if max(operand.shape, default=0) > SIZE:
        return f"a tensor has more than {SIZE} elements along an axis"
    return ""
