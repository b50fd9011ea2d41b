"""Convolutions, pooling, linear layers and products of matrices."""

from __future__ import annotations

from mgeconvert.backends.tflite import dialect
from mgeconvert.backends.tflite.dims import vector
from mgeconvert.backends.tflite.emitter import Emitter
from mgeconvert.backends.tflite.rules.table import RULES, activation
from mgeconvert.backends.tflite.schema import options, schema
from mgeconvert.ir import Node, ops


def _padding(same: bool) -> int:
    return schema.Padding.SAME if same else schema.Padding.VALID


@RULES(dialect.TflConv)
def conv(e: Emitter, node: Node[dialect.TflConv]) -> None:
    op = node.op
    fused, result = activation(e, node)
    *depth, (stride_h, stride_w) = [op.stride[:-2], op.stride[-2:]]
    fields = {
        "padding": _padding(op.same),
        "strideH": stride_h,
        "strideW": stride_w,
        "dilationHFactor": op.dilation[-2],
        "dilationWFactor": op.dilation[-1],
        "fusedActivationFunction": fused,
    }
    if len(op.stride) == 2:
        e.emit("CONV_2D", node.inputs, [result], options("Conv2DOptions", **fields))
        return
    fields |= {"strideD": depth[0][0], "dilationDFactor": op.dilation[0]}
    e.emit("CONV_3D", node.inputs, [result], options("Conv3DOptions", **fields))


@RULES(dialect.TflDepthwise)
def depthwise(e: Emitter, node: Node[dialect.TflDepthwise]) -> None:
    op = node.op
    x, w = node.inputs[:2]
    fused, result = activation(e, node)
    channels, filters = x.type.shape[-1], w.type.shape[-1]
    assert isinstance(channels, int)
    assert isinstance(filters, int)
    given = options(
        "DepthwiseConv2DOptions",
        padding=_padding(op.same),
        strideH=op.stride[0],
        strideW=op.stride[1],
        depthMultiplier=filters // channels,
        dilationHFactor=op.dilation[0],
        dilationWFactor=op.dilation[1],
        fusedActivationFunction=fused,
    )
    e.emit("DEPTHWISE_CONV_2D", node.inputs, [result], given)


@RULES(dialect.TflTransposeConv)
def transpose_conv(e: Emitter, node: Node[dialect.TflTransposeConv]) -> None:
    op = node.op
    x, w, *bias = node.inputs
    shape = vector(e, node.outputs[0].type.shape)
    if len(op.stride) == 3:
        fields = {"strideD": op.stride[0], "strideH": op.stride[1], "strideW": op.stride[2]}
        deep = options(
            "Conv3DOptions",
            padding=_padding(op.same),
            dilationDFactor=1,
            dilationHFactor=1,
            dilationWFactor=1,
            **fields,
        )
        e.emit("CONV_3D_TRANSPOSE", [shape, w, x, *bias], node.outputs, deep)
        return
    given = options(
        "TransposeConvOptions",
        padding=_padding(op.same),
        strideH=op.stride[0],
        strideW=op.stride[1],
    )
    e.emit("TRANSPOSE_CONV", [shape, w, x, *bias], node.outputs, given)


@RULES(dialect.TflMaxPool, dialect.TflAvgPool)
def pool(e: Emitter, node: Node[dialect.TflMaxPool | dialect.TflAvgPool]) -> None:
    op = node.op
    fused, result = activation(e, node)
    given = options(
        "Pool2DOptions",
        padding=_padding(op.same),
        strideH=op.stride[0],
        strideW=op.stride[1],
        filterHeight=op.kernel[0],
        filterWidth=op.kernel[1],
        fusedActivationFunction=fused,
    )
    code = "MAX_POOL_2D" if isinstance(op, dialect.TflMaxPool) else "AVERAGE_POOL_2D"
    e.emit(code, node.inputs, [result], given)


@RULES(ops.Linear)
def linear(e: Emitter, node: Node[ops.Linear]) -> None:
    x, w, *bias = node.inputs
    fused, result = activation(e, node)
    given = options(
        "FullyConnectedOptions",
        keepNumDims=x.type.rank != 2,
        fusedActivationFunction=fused,
    )
    e.emit("FULLY_CONNECTED", [x, w, bias[0] if bias else None], [result], given)


@RULES(ops.MatMul)
def matmul(e: Emitter, node: Node[ops.MatMul]) -> None:
    e.emit("BATCH_MATMUL", node.inputs, node.outputs, options("BatchMatMulOptions"))


@RULES(dialect.TflResize)
def resize(e: Emitter, node: Node[dialect.TflResize]) -> None:
    op = node.op
    name = "ResizeBilinear" if op.mode == "linear" else "ResizeNearestNeighbor"
    given = options(
        f"{name}Options",
        alignCorners=op.coordinates == "align_corners",
        halfPixelCenters=op.coordinates == "half_pixel",
    )
    code = "RESIZE_BILINEAR" if op.mode == "linear" else "RESIZE_NEAREST_NEIGHBOR"
    e.emit(code, [*node.inputs, vector(e, op.size)], node.outputs, given)


@RULES(dialect.TflQuantize)
def quantize(e: Emitter, node: Node[dialect.TflQuantize]) -> None:
    e.emit("QUANTIZE", node.inputs, node.outputs, options("QuantizeOptions"))


@RULES(dialect.TflDequantize)
def dequantize(e: Emitter, node: Node[dialect.TflDequantize]) -> None:
    e.emit("DEQUANTIZE", node.inputs, node.outputs, options("DequantizeOptions"))


@RULES(dialect.TflDepthToSpace)
def depth_to_space(e: Emitter, node: Node[dialect.TflDepthToSpace]) -> None:
    given = options("DepthToSpaceOptions", blockSize=node.op.size)
    e.emit("DEPTH_TO_SPACE", node.inputs, node.outputs, given)
