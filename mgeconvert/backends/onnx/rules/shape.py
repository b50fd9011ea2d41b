"""Operators that move or repeat elements; their sizes may be known at run time only."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules import versioned
from mgeconvert.backends.onnx.rules.dims import vector
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import carrier, cast_from
from mgeconvert.ir import Dim, DType, Node, Shape, ops


@RULES(ops.Reshape, since=7, limits="tensors without elements from opset 14 on")
def reshape(e: Emitter, node: Node[ops.Reshape]) -> str:
    (x,) = e.inputs(node)
    return emit_reshape(e, x, old=node.inputs[0].type.shape, new=node.op.shape)


def emit_reshape(e: Emitter, x: str, *, old: Shape, new: Shape) -> str:
    """Emit x, of shape `old`, as `new`; 0 and -1 stand for dimensions that only run time knows."""
    if any(d == 0 and old[i : i + 1] != (0,) for i, d in enumerate(new)):
        if e.opset < 14:
            raise e.refuse("a reshape to no elements", 14)
        return e.emit("Reshape", x, vector(e, new), allowzero=1)
    wanted: list[Dim] = []
    for i, dim in enumerate(new):
        kept = i < len(old) and old[i] == dim and not isinstance(dim, int)
        wanted.append(0 if kept else dim)
    left = [i for i, dim in enumerate(wanted) if not isinstance(dim, int)]
    if len(left) == 1:
        wanted[left[0]] = -1
    return e.emit("Reshape", x, vector(e, wanted))


@RULES(ops.Squeeze, since=7)
def squeeze(e: Emitter, node: Node[ops.Squeeze]) -> str:
    (x,) = e.inputs(node)
    if not node.op.squeezed:  # to ONNX, no axes means all of size 1
        return e.emit("Identity", x)
    return versioned.squeeze(e, x, node.op.squeezed)


@RULES(ops.Unsqueeze, since=7)
def unsqueeze(e: Emitter, node: Node[ops.Unsqueeze]) -> str:
    (x,) = e.inputs(node)
    return versioned.unsqueeze(e, x, node.op.added) if node.op.added else e.emit("Identity", x)


@RULES(ops.Transpose, since=7)
def transpose(e: Emitter, node: Node[ops.Transpose]) -> str:
    return e.emit("Transpose", *e.inputs(node), perm=list(node.op.perm))


@RULES(ops.Expand, since=8)
def expand(e: Emitter, node: Node[ops.Expand]) -> str:
    (x,) = e.inputs(node)
    old, new = node.inputs[0].type.shape, node.op.shape
    own = (*(1,) * (len(new) - len(old)), *old)
    return e.emit("Expand", x, vector(e, [1 if a == b else b for a, b in zip(own, new)]))


@RULES(ops.Expand, since=7)
def expand_by_tile(e: Emitter, node: Node[ops.Expand]) -> str:
    (x,) = e.inputs(node)
    old, new = node.inputs[0].type.shape, node.op.shape
    missing = len(new) - len(old)
    x = versioned.unsqueeze(e, x, range(missing)) if missing else x
    own = (*(1,) * missing, *old)
    return e.emit("Tile", x, vector(e, [1 if a == b else b for a, b in zip(own, new)]))


@RULES(ops.Concat, since=7)
def concat(e: Emitter, node: Node[ops.Concat]) -> str:
    return e.emit("Concat", *e.inputs(node), axis=node.op.axis)


@RULES(ops.Tile, since=7)
def tile(e: Emitter, node: Node[ops.Tile]) -> str:
    (x,) = e.inputs(node)
    if not node.op.repeats:
        return e.emit("Identity", x)
    return e.emit("Tile", x, vector(e, node.op.repeats, "repeats"))


@RULES(ops.Pad, since=7)
def pad(e: Emitter, node: Node[ops.Pad]) -> str:
    """The pads became inputs, and integers were taken, at opset 11."""
    (x,) = e.inputs(node)
    op, dtype = node.op, node.output.type.dtype
    if not node.output.type.rank:
        return e.emit("Identity", x)
    through = carrier(e, "Pad", dtype)
    x = cast_from(e, x, old=dtype, new=through)
    return cast_from(e, emit_pad(e, x, op, through), old=through, new=dtype)


def emit_pad(e: Emitter, x: str, op: ops.Pad, dtype: DType) -> str:
    """Emit `op` applied to x, of a type that Pad takes."""
    pads = [before for before, _ in op.pads] + [after for _, after in op.pads]
    constant = op.mode == "constant"
    if e.opset < 11:
        value = float(op.value) if constant else None
        return e.emit("Pad", x, pads=pads, mode=op.mode, value=value)
    operands = [x, e.ints(pads, "pads")]
    if constant and op.value:
        operands.append(e.constant(np.array(op.value).astype(dtype.numpy), "value"))
    return e.emit("Pad", *operands, mode=op.mode)


@RULES(ops.DepthToSpace, since=11)
def depth_to_space(e: Emitter, node: Node[ops.DepthToSpace]) -> str:
    return e.emit("DepthToSpace", *e.inputs(node), blocksize=node.op.size, mode="CRD")


@RULES(ops.DepthToSpace, since=7)
def depth_to_space_by_transpose(e: Emitter, node: Node[ops.DepthToSpace]) -> str:
    """Below opset 11 DepthToSpace knew only the other order of channels."""
    (x,) = e.inputs(node)
    r = node.op.size
    n, c, h, w = node.inputs[0].type.shape
    blocks: Shape = (n, c // (r * r), r, r, h, w)
    moved: Shape = (n, c // (r * r), h, r, w, r)
    y = emit_reshape(e, x, old=(n, c, h, w), new=blocks)
    y = e.emit("Transpose", y, perm=[0, 1, 4, 2, 5, 3])
    return emit_reshape(e, y, old=moved, new=(n, c // (r * r), h * r, w * r))
