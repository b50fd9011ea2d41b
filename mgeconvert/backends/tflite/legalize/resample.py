"""Resampling of axes whose size is known at run time only: indices and weights are computed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from mgeconvert.backends.tflite.legalize.activation import plus, times
from mgeconvert.backends.tflite.legalize.table import Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Dim

I32, F32 = DType.I32, DType.F32
LARGEST = 1 << 10
"""The largest number in a scale that is counted with exactly."""


def resampled(b: Rewriter, op: ops.Resize, x: Value, axis: int, out: Dim) -> Value:
    """Return x with `axis` resampled to `out` elements; `op.scale` is that of this axis."""
    size = x.type.shape[axis]
    if op.mode == "nearest":
        index = _nearest(b, op, size, out)
        b.session.counted.add(index)
        return b.emit(ops.Gather(axis=axis), x, index)
    place = _places(b, op, size, out)
    base = b.emit(ops.Floor(), place)
    weights = _weights(b, op, b.emit(ops.Sub(), place, base))
    start = b.cast(base, I32)
    total = None
    for tap, weight in enumerate(weights, 0 if op.mode == "linear" else -1):
        index = _clipped(b, b.emit(ops.Add(), start, b.scalar(tap, I32)), size)
        b.session.counted.add(index)
        factor = b.reshape(weight, [out, *[1] * (x.type.rank - axis - 1)])
        part = b.emit(ops.Mul(), b.emit(ops.Gather(axis=axis), x, index), factor)
        total = part if total is None else b.emit(ops.Add(), total, part)
    assert total is not None
    return total


def _clipped(b: Rewriter, index: Value, size: Dim) -> Value:
    low = b.emit(ops.Maximum(), index, b.scalar(0, I32))
    return b.emit(ops.Minimum(), low, b.dims([size - 1], scalar=True))


def _nearest(b: Rewriter, op: ops.Resize, size: Dim, out: Dim) -> Value:
    """Return the pixels in whole numbers: floor(i p / q), or ceil((2 i + 1) p / (2 q)) - 1."""
    above, below = _ratio(op, size, out)
    i = b.emit(ops.Range(count=out))
    if op.coordinates != "half_pixel":
        product = b.emit(ops.Mul(), i, b.dims([above], scalar=True))
        index = b.emit(ops.FloorDiv(), product, _positive(b, below))
    else:
        odd = plus(b, times(b, i, 2), 1)
        product = b.emit(ops.Mul(), odd, b.dims([above], scalar=True))
        raised = b.emit(ops.Add(), product, b.dims([below * 2 - 1], scalar=True))
        index = b.emit(ops.FloorDiv(), raised, b.dims([below * 2], scalar=True))
        index = plus(b, index, -1)
    return _clipped(b, index, size)


def _positive(b: Rewriter, dim: Dim) -> Value:
    return b.emit(ops.Maximum(), b.dims([dim], scalar=True), b.scalar(1, I32))


def _ratio(op: ops.Resize, size: Dim, out: Dim) -> tuple[Dim, Dim]:
    """Return p and q of the step p / q between the places that are read."""
    if op.coordinates == "align_corners":
        return size - 1, out - 1
    if op.scale is None:
        return size, out
    step = Fraction(1 / op.scale[0])
    if max(step.numerator, step.denominator) > LARGEST:
        raise UnsupportedCase(
            f"resizing by nearest with the scale {op.scale[0]} of a size known at run time only: "
            "the pixels would depend on rounding",
            hint="give the input a fixed shape, or use a scale such as 2 or 0.5",
        )
    return step.numerator, step.denominator


def _places(b: Rewriter, op: ops.Resize, size: Dim, out: Dim) -> Value:
    i = b.cast(b.emit(ops.Range(count=out)), F32)
    if op.coordinates == "align_corners" or op.scale is None:
        aligned = op.coordinates == "align_corners"
        above = b.dims([size - aligned], dtype=F32, scalar=True)
        below = b.cast(_positive(b, out - aligned), F32)
        step = b.emit(ops.Div(), above, below)
    else:
        step = b.scalar(1 / op.scale[0], F32)
    if op.coordinates == "half_pixel":
        return plus(b, b.emit(ops.Mul(), plus(b, i, 0.5), step), -0.5)
    return b.emit(ops.Mul(), i, step)


def _weights(b: Rewriter, op: ops.Resize, t: Value) -> Sequence[Value]:
    """Return the weight of each tap; `t` is how far the place is behind the one at or before it."""
    rest = plus(b, times(b, t, -1), 1)
    if op.mode == "linear":
        return rest, t
    a = op.cubic_a
    near = (a + 2, -(a + 3), 0.0, 1.0)
    far = (a, -5 * a, 8 * a, -4 * a)
    return (
        _polynomial(b, plus(b, t, 1), far),
        _polynomial(b, t, near),
        _polynomial(b, rest, near),
        _polynomial(b, plus(b, rest, 1), far),
    )


def _polynomial(b: Rewriter, x: Value, factors: Sequence[float]) -> Value:
    y = times(b, x, factors[0])
    for factor in factors[1:-1]:
        y = b.emit(ops.Mul(), plus(b, y, factor), x)
    return plus(b, y, factors[-1])
