"""Cutting tensors: Slice and Split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.counting import number, row
from mgeconvert.backends.onnx.rules.dims import known, vector
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.ir import Dim, DType, Node, ops

BEFORE_ALL = -(2**63) + 1  # an end before the first element, for negative steps


@dataclass(frozen=True)
class Cut:
    """A slice of one axis as ONNX writes it: an index may be negative to count from the end."""

    axis: int
    start: Dim
    end: Dim
    step: int


def cut(axis: int, dim: Dim, *, start: Dim, size: Dim, step: int) -> Cut | None:
    """Return the slice of `size` elements from `start` on; None where it takes the whole axis."""
    if step == 1 and start == 0 and size == dim:
        return None
    stop = start + size * step
    if size == 0:
        return Cut(axis, 0, 0, 1)
    if step < 0:  # from the end, so that -1, before the first element, stays distinct
        end = stop if isinstance(stop, int) and stop >= 0 else stop - dim
        end = BEFORE_ALL if isinstance(stop, int) and stop < 0 else end
    else:
        end = _index(stop, dim)
    return Cut(axis, _index(start, dim), end, step)


def _index(place: Dim, dim: Dim) -> Dim:
    """Return `place`, counted from the end where that makes it a number."""
    if isinstance(place, int):
        return place
    from_end = place - dim
    if isinstance(from_end, int):
        return from_end if from_end < 0 else 2**63 - 1
    return place


def emit_cuts(e: Emitter, x: str, cuts: Sequence[Cut]) -> str:
    """Emit a slice; its indices became inputs, and steps came, at opset 10."""
    starts, ends = [c.start for c in cuts], [c.end for c in cuts]
    axes, steps = [c.axis for c in cuts], [c.step for c in cuts]
    if e.opset >= 10:
        operands = [vector(e, starts, "starts"), vector(e, ends, "ends"), e.ints(axes, "axes")]
        if any(step != 1 for step in steps):
            operands.append(e.ints(steps, "steps"))
        return e.emit("Slice", x, *operands)
    return e.emit("Slice", x, starts=known(starts), ends=known(ends), axes=axes)


def _needs_gather(e: Emitter, found: Cut) -> bool:
    """Whether Slice cannot take the cut: below opset 10 it has no steps and no computed places."""
    return e.opset < 10 and (found.step != 1 or known([found.start, found.end]) is None)


def _gather(e: Emitter, x: str, axis: int, *, start: Dim, size: Dim, step: int) -> str:
    """Emit the elements at start + step * 0, 1, 2 ..."""
    if isinstance(start, int) and isinstance(size, int):
        places = e.constant(start + np.arange(size, dtype=np.int64) * step, "places")
    else:
        apart = e.emit("Mul", row(e, size), e.scalar(step, DType.I64))
        places = e.emit("Add", apart, number(e, start))
    return e.emit("Gather", x, places, axis=axis)


@RULES(ops.Slice, since=7)
def slice_(e: Emitter, node: Node[ops.Slice]) -> str:
    x, op = e.name(node.inputs[0]), node.op
    cuts: list[Cut] = []
    gathered = False
    for axis, dim in enumerate(node.inputs[0].type.shape):
        start, size, step = op.starts[axis], op.sizes[axis], op.steps[axis]
        step = 1 if size == 1 else step
        found = cut(axis, dim, start=start, size=size, step=step)
        if found is not None and _needs_gather(e, found):
            x = _gather(e, x, axis, start=start, size=size, step=step)
            gathered = True
        elif found is not None:
            cuts.append(found)
    if cuts:
        return emit_cuts(e, x, cuts)
    return x if gathered else e.emit("Identity", x)


@RULES(ops.Split, since=7)
def split(e: Emitter, node: Node[ops.Split]) -> list[str]:
    (x,) = e.inputs(node)
    op, count = node.op, len(node.outputs)
    if e.opset >= 13:
        return e.emit_multi("Split", x, vector(e, op.sizes, "sizes"), count=count, axis=op.axis)
    sizes = known(op.sizes)
    if sizes is not None:
        return e.emit_multi("Split", x, count=count, axis=op.axis, split=sizes)
    return _split_by_slices(e, x, node)


def _split_by_slices(e: Emitter, x: str, node: Node[ops.Split]) -> list[str]:
    axis, dim, results = node.op.axis, node.inputs[0].type.shape[node.op.axis], []
    start: Dim = 0
    for size in node.op.sizes:
        found = cut(axis, dim, start=start, size=size, step=1)
        if found is None:
            results.append(e.emit("Identity", x))
        elif _needs_gather(e, found):
            results.append(_gather(e, x, axis, start=start, size=size, step=1))
        else:
            results.append(emit_cuts(e, x, [found]))
        start = start + size
    return results
