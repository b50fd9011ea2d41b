"""Values that MegEngine holds in quantized types: which operators take them, and what they give."""

from __future__ import annotations

from collections.abc import Sequence

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call, Result
from mgeconvert.ir import Value, ops

KEEPS = frozenset(
    {
        *("AxisAddRemove", "Broadcast", "Concat", "Copy", "Dimshuffle", "Identity"),
        *("IndexingMultiAxisVec", "IndexingOneHot", "IndexingSetMultiAxisVec", "IndexingSetOneHot"),
        *("MarkDynamicVar", "MarkNoBroadcastElemwise", "MeshIndexing", "BatchedMeshIndexing"),
        *("RelayoutFormat", "RequireInputDynamicStorage", "Reshape", "SetMeshIndexing"),
        *("SetSubtensor", "Split", "Stack", "Subtensor", "BatchedSetMeshIndexing"),
    }
)
"""Operators whose results are elements of their operands."""

ROUNDS = frozenset(
    {
        *("AdaptivePooling", "Padding", "Pooling", "Reduce", "Remap", "Resize", "WarpAffine"),
        "WarpPerspective",
    }
)
"""Operators that compute with the numbers meant, and round to the type of the first operand."""

OWN = frozenset(
    {
        *("BatchConvBiasForward", "BatchedMatrixMul", "ConvBiasForward", "Convolution"),
        *("ConvolutionBackwardData", "Deconvolution", "Elemwise", "ElemwiseMultiType"),
        *("MatrixMul", "TypeCvt"),
    }
)
"""Operators whose rules say what they do with quantized types."""

CHOOSE = frozenset({"RELU", "MAX_", "MIN_"})
SUMS = frozenset({"ADD", "SUB", "NEGATE"})
"""Modes of Elemwise that MegEngine computes with the stored numbers; sums of 8 bits wrap around."""


def expected(c: Call, inputs: Sequence[Value]) -> Result | None:
    """Return what the results are by the operator's kind, None where its rule says or nothing is.

    Raises:
        UnsupportedCase: the operator is not known to take quantized types.
    """
    held = [c.stored[x] for x in inputs if x in c.stored]
    kind = c.operator.type
    if not held or kind in OWN or kind == "GetVarShape":
        return None
    if kind not in KEEPS and kind not in ROUNDS:
        raise UnsupportedCase(
            f"{kind} of a quantized type",
            hint="convert to float32 before it: MegEngine has no kernel for it on a CPU",
        )
    if inputs[0] not in c.stored or len(set(held)) > 1:
        raise UnsupportedCase(f"{kind} of several quantized types")
    annotated = inputs[0].quant is not None
    return Result(held[0], kind in ROUNDS or annotated)


def elementwise(c: Call, mode: str, inputs: Sequence[Value]) -> Result | None:
    """Return what Elemwise gives in `mode`, None where no operand is quantized.

    Raises:
        UnsupportedCase: the mode is not one that MegEngine computes with quantized types.
    """
    held = [c.stored[x] for x in inputs if x in c.stored]
    if not held:
        return None
    if len(held) != len(inputs) or len(set(held)) > 1:
        raise UnsupportedCase(f"the mode {mode} of several quantized types")
    (quant,) = set(held)
    known = CHOOSE | SUMS if quant.dtype.numpy.itemsize == 4 else CHOOSE
    if mode not in known or quant.zero_point != (0,):
        raise UnsupportedCase(
            f"the mode {mode} of a quantized type, {quant.dtype.value} with {quant.zero_point[0]} "
            "as zero",
            hint="convert to float32 before it, or use the Elemwise module",
        )
    return Result(quant, rounds=quant.dtype.numpy.itemsize < 4)


def held(c: Call, value: Value, result: Result) -> Value:
    """Return a result of the operator, noted and rounded as `result` says."""
    if result.rounds:
        plain = c.packings.known.get(value)
        if plain is not None and plain[0] in c.made and plain[0].quant is None:
            plain[0].quant = result.quant
        elif value not in c.made or value.quant is not None or value.is_used:
            value = c.emit(ops.Identity(), value)
        value.quant = result.quant
    c.stored[value] = result.quant
    return value
