"""Shapes and axes."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import Value, ops
from mgeconvert.ir.ops.infer import broadcast
from mgeconvert.ir.quantize import dequantize

ALL_AXES = 7  # MegEngine's highest rank: its way to say that no axis is meant


@RULES("GetVarShape")
def get_var_shape(c: Call, *inputs: Value) -> Value:
    dims = broadcast([x.type.shape for x in inputs])
    axis = int(c.setting("axis"))
    return c.dims(dims if axis >= ALL_AXES else [dims[c.axis(axis, len(dims))]])


@RULES("Reshape")
def reshape(c: Call, x: Value, target: Value) -> Value:
    shape = c.known_dims(target)
    if -1 not in shape:
        plain = c.packings.reshaped(x, shape)
        if plain is not None:
            return plain
    return c.reshape(x, shape)


@RULES("Broadcast")
def broadcast_to(c: Call, x: Value, target: Value) -> Value:
    shape = c.known_dims(target)
    offset = len(shape) - x.type.rank
    if offset < 0 and all(d == 1 for d in x.type.shape):
        return c.expand(c.reshape(x, (1,)), shape)
    return c.expand(
        x, tuple(x.type.shape[i - offset] if d == -1 else d for i, d in enumerate(shape))
    )


@RULES("Dimshuffle")
def dimshuffle(c: Call, x: Value) -> Value:
    """A pattern has -1 where an axis of one element is added, and leaves such axes out."""
    pattern = tuple(int(i) for i in c.setting("pattern"))
    order = [i for i in pattern if i >= 0]
    dropped = [a for a in range(x.type.rank) if a not in order]
    kept = [a for a in range(x.type.rank) if a in order]
    moved = c.transpose(c.squeeze(x, dropped), [kept.index(a) for a in order])
    result = c.whole(c.unsqueeze(moved, [i for i, item in enumerate(pattern) if item < 0]))
    c.packings.shuffled(x, result, pattern)
    return result


@RULES("AxisAddRemove")
def axis_add_remove(c: Call, x: Value) -> Value:
    """Axes are added and removed one after the other; the last one of a tensor stays."""
    axes: list[int | None] = list(range(x.type.rank))  # None for an axis that is new
    for item in c.setting("desc"):
        axis = int(item["axis"])
        if item["method"] == "REMOVE":
            del axes[c.axis(axis, len(axes))]
        else:
            axes.insert(c.axis(axis, len(axes) + 1), None)
    dropped = [i for i in range(x.type.rank) if i not in axes]
    smaller = c.squeeze(x, dropped)
    return c.whole(c.unsqueeze(smaller, [i for i, axis in enumerate(axes) if axis is None]))


@RULES("Concat")
def concat(c: Call, *inputs: Value) -> Value:
    if len(inputs) == 1:
        return c.emit(ops.Identity(), inputs[0])
    return c.emit(ops.Concat(axis=c.axis(int(c.setting("axis")), inputs[0].type.rank)), *inputs)


@RULES("Stack")
def stack(c: Call, *inputs: Value) -> Value:
    axis = c.axis(int(c.setting("axis")), inputs[0].type.rank + 1)
    return c.emit(ops.Concat(axis=axis), *(c.unsqueeze(x, [axis]) for x in inputs))


@RULES("Split")
def split(c: Call, x: Value, *sizes: Value) -> tuple[Value, ...]:
    axis = c.axis(int(c.setting("axis")), x.type.rank)
    parts = tuple(c.number(size) for size in sizes)
    if len(parts) != len(c.operator.outputs):
        raise ShapeError(f"{len(parts)} sizes for {len(c.operator.outputs)} parts")
    if any(isinstance(size, int) and size < 0 for size in parts):
        raise ShapeError(f"parts of ({', '.join(map(str, parts))}) elements of {x.type}")
    return c.emit_multi(ops.Split(axis=axis, sizes=parts), x)


@RULES("Padding")
def padding(c: Call, x: Value) -> Value:
    modes = {"CONSTANT": "constant", "REFLECT": "reflect", "REPLICATE": "edge"}
    name = c.need("padding_mode", *modes)
    pads = tuple(
        c.settings(f"front_offset_dim{i}", f"back_offset_dim{i}") for i in range(x.type.rank)
    )
    value = _border(c, x) if name == "CONSTANT" else 0.0
    return c.emit(ops.Pad(pads=tuple((a, b) for a, b in pads), mode=modes[name], value=value), x)


def _border(c: Call, x: Value) -> float:
    """Return the number meant; of quantized types the parameter is the number stored."""
    value = float(c.setting("padding_val"))
    if x not in c.stored:
        return value
    stored = np.array([value]).astype(c.stored[x].dtype.numpy)
    return float(dequantize(stored, c.stored[x])[0])


@RULES("Diag")
def diag(c: Call, x: Value) -> Value:
    """The k-th diagonal of a matrix, or a matrix with a vector as its k-th diagonal."""
    k = int(c.setting("k"))
    shape = x.type.static
    if shape is None or len(shape) not in (1, 2):
        raise UnsupportedCase(f"the diagonal of {x.type}")
    if len(shape) == 1:
        return _diagonal_matrix(c, x, shape[0], k)
    rows, columns = shape
    row, column = max(-k, 0), max(k, 0)
    count = min(rows - row, columns - column)
    if count < 1:
        raise UnsupportedCase(f"the diagonal {k} of {x.type}, which is empty")
    flat = c.reshape(x, (-1,))
    start = row * columns + column
    stop = start + (count - 1) * (columns + 1) + 1
    return c.slice(flat, [(start, stop, columns + 1)])


def _diagonal_matrix(c: Call, x: Value, size: int, k: int) -> Value:
    """Put size zeros after each element, cut off the rest, and pad."""
    padded = c.emit(ops.Pad(pads=((0, 0), (0, size))), c.reshape(x, (size, 1)))
    flat = c.slice(c.reshape(padded, (-1,)), [(0, size * size, 1)])
    matrix = c.reshape(flat, (size, size))
    if k == 0:
        return matrix
    return c.emit(ops.Pad(pads=((max(-k, 0), max(k, 0)), (max(k, 0), max(-k, 0)))), matrix)
