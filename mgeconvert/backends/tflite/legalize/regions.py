"""Pooling of regions of interest."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.tflite.legalize.activation import number, plus, times
from mgeconvert.backends.tflite.legalize.sampling import Places, channels_first, interpolated
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, Value, ops
from mgeconvert.ir.dims import product

I32, F32 = DType.I32, DType.F32


def _columns(b: Rewriter, rois: Value) -> list[Value]:
    """Return image, left, top, right, bottom, each (K)."""
    parts = b.emit_multi(ops.Split(axis=1, sizes=(1,) * 5), rois)
    return [b.squeeze(part, [1]) for part in parts]


@LEGAL(ops.RoiAlign)
def roi_align(b: Rewriter, node: Node[ops.RoiAlign]) -> Value:
    x, rois = (b.cast(v, F32) for v in node.inputs)
    op = node.op
    image, *corners = _columns(b, rois)
    count = rois.type.shape[0]
    left, top, right, bottom = (plus(b, times(b, c, op.scale), -op.offset) for c in corners)
    rows, columns = (op.size[i] * op.samples[i] for i in (0, 1))
    at = Places(
        b.reshape(b.cast(image, I32), [count, 1, 1]),
        b.reshape(_spread(b, top, bottom, rows), [count, rows, 1]),
        b.reshape(_spread(b, left, right, columns), [count, 1, columns]),
    )
    y = interpolated(b, x, at)
    (height, width), (down, across) = op.size, op.samples
    parts = b.reshape(y, [count, height, down, width, across, x.type.shape[1]])
    kind = ops.ReduceMax if op.mode == "max" else ops.ReduceMean
    pooled = b.emit(kind(reduced=(2, 4)), parts)
    return b.cast(channels_first(b, pooled), node.output.type.dtype)


def _spread(b: Rewriter, start: Value, end: Value, count: int) -> Value:
    """Return the middles of `count` equal parts from start to end, (K, count)."""
    size = b.emit(ops.Maximum(), b.emit(ops.Sub(), end, start), number(b, start, 0))
    steps = ((np.arange(count) + 0.5) / count).astype(np.float32)
    moved = b.emit(ops.Mul(), b.unsqueeze(size, [1]), b.constant(steps, f"{b.name}.steps"))
    return b.emit(ops.Add(), moved, b.unsqueeze(start, [1]))


@LEGAL(ops.RoiPool)
def roi_pool(b: Rewriter, node: Node[ops.RoiPool]) -> Value:
    """By the greatest of all blocks of 2**i x 2**j pixels: four of them cover any rectangle."""
    x, rois = (b.cast(v, F32) for v in node.inputs)
    op = node.op
    sizes = [n for n in x.type.shape[2:] if isinstance(n, int)]
    if len(sizes) < 2:
        raise UnsupportedCase(
            "RoiPool of an image whose size is known at run time only",
            hint="give the input a fixed height and width",
        )
    image, *corners = _columns(b, rois)
    whole = [_rounded(b, times(b, c, op.scale)) for c in corners]
    spans = [
        _span(b, whole[1], whole[3], op.size[0], sizes[0]),
        _span(b, whole[0], whole[2], op.size[1], sizes[1]),
    ]
    table = _block_maxima(b, x, [_levels(n) for n in sizes])
    y = _covered(b, table, x, b.cast(image, I32), spans)
    return b.cast(channels_first(b, y), node.output.type.dtype)


def _rounded(b: Rewriter, x: Value) -> Value:
    return b.emit(ops.Round(half="away"), x)


def _span(b: Rewriter, first: Value, last: Value, count: int, limit: int) -> tuple[Value, Value]:
    """Return start and length of each of `count` parts of a region, int32 (K, count)."""
    length = plus(b, b.emit(ops.Sub(), last, first), 1)
    length = b.emit(ops.Maximum(), length, number(b, length, 1))
    step = b.unsqueeze(b.emit(ops.Div(), length, number(b, length, count)), [1])
    index = np.arange(count + 1, dtype=np.float32)
    edges = []
    for kind, numbers in ((ops.Floor(), index[:-1]), (ops.Ceil(), index[1:])):
        place = b.emit(ops.Mul(), step, b.constant(numbers, f"{b.name}.index"))
        moved = b.emit(ops.Add(), b.emit(kind, place), b.unsqueeze(first, [1]))
        inside = b.emit(ops.Maximum(), moved, number(b, moved, 0))
        edges.append(b.cast(b.emit(ops.Minimum(), inside, number(b, moved, limit)), I32))
    return edges[0], b.emit(ops.Sub(), edges[1], edges[0])


def _levels(size: int) -> int:
    """Return how many powers of two are not above `size`."""
    return size.bit_length()


def _block_maxima(b: Rewriter, x: Value, levels: list[int]) -> Value:
    """Return (N, C, H, levels * W) of rows: the greatest of 2**i x 2**j pixels from each one on."""
    rows = [x]
    for i in range(1, levels[0]):
        rows.append(_doubled(b, rows[-1], axis=2, reach=1 << (i - 1)))
    made = []
    for row in rows:
        blocks = [row]
        for j in range(1, levels[1]):
            blocks.append(_doubled(b, blocks[-1], axis=3, reach=1 << (j - 1)))
        made.extend(blocks)
    stacked = b.emit(ops.Concat(axis=0), *(b.unsqueeze(m, [0]) for m in made))
    count, n, c, h, w = stacked.type.shape
    last = b.transpose(stacked, (0, 1, 3, 4, 2))
    return b.reshape(last, [product([count, n, h, w]), c])


def _doubled(b: Rewriter, x: Value, *, axis: int, reach: int) -> Value:
    """Return the greater of x and of x `reach` further; behind the border nothing is."""
    pads = tuple((0, reach if i == axis else 0) for i in range(4))
    wide = b.emit(ops.Pad(pads=pads, value=float("-inf")), x)
    spans = [(reach, None, 1) if i == axis else None for i in range(4)]
    return b.emit(ops.Maximum(), x, b.slice(wide, spans))


def _covered(
    b: Rewriter, table: Value, x: Value, image: Value, spans: list[tuple[Value, Value]]
) -> Value:
    """Return the maximum of each part, (K, PH, PW, C), and 0 where it has no pixel."""
    n, _, height, width = x.type.shape
    (count,) = image.type.shape
    limits = [size for size in (height, width) if isinstance(size, int)]
    level, near, far = zip(*(_cover(b, *span, size) for span, size in zip(spans, limits)))
    blocks = b.scalar(_levels(limits[1]), I32)
    block = b.emit(
        ops.Add(),
        b.unsqueeze(b.emit(ops.Mul(), level[0], blocks), [2]),
        b.unsqueeze(level[1], [1]),
    )
    picture = b.emit(ops.Mul(), block, b.dims([n], scalar=True))
    picture = b.emit(ops.Add(), picture, b.reshape(image, [count, 1, 1]))
    base = b.emit(ops.Mul(), picture, b.dims([height], scalar=True))
    best = None
    columns = [b.unsqueeze(column, [1]) for column in (near[1], far[1])]
    for row in (near[0], far[0]):
        line = b.emit(ops.Add(), base, b.unsqueeze(row, [2]))
        line = b.emit(ops.Mul(), line, b.dims([width], scalar=True))
        for column in columns:
            index = b.emit(ops.Add(), line, column)
            b.session.counted.add(index)
            found = b.emit(ops.Gather(axis=0), table, index)
            best = found if best is None else b.emit(ops.Maximum(), best, found)
    assert best is not None
    lengths = [b.unsqueeze(span[1], [2 - i]) for i, span in enumerate(spans)]
    least = b.emit(ops.Minimum(), *lengths)
    empty = b.unsqueeze(b.emit(ops.LessEqual(), least, b.scalar(0, I32)), [3])
    return b.emit(ops.Where(), empty, number(b, best, 0), best)


def _cover(b: Rewriter, start: Value, length: Value, limit: int) -> tuple[Value, Value, Value]:
    """Return i, and where the two blocks of 2**i elements begin that cover a part."""
    positive = b.emit(ops.Maximum(), length, b.scalar(1, I32))
    near = b.emit(ops.Minimum(), start, b.scalar(limit - 1, I32))
    powers = np.array([1 << i for i in range(_levels(limit))], np.int32)
    reached = b.emit(
        ops.GreaterEqual(), b.unsqueeze(positive, [2]), b.constant(powers[1:], f"{b.name}.powers")
    )
    level = b.emit(ops.ReduceSum(reduced=(2,)), b.cast(reached, I32))
    b.session.counted.add(level)
    size = b.emit(ops.Gather(axis=0), b.constant(powers, f"{b.name}.powers"), level)
    return level, near, b.emit(ops.Sub(), b.emit(ops.Add(), near, positive), size)
