"""Ranges of numbers that were seen, and the quantization parameters that fit them; numpy only."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mgeconvert.ir.op import Array
from mgeconvert.ir.quantize import fake_quantize
from mgeconvert.ir.types import DType, Quant

BINS = 2048
SHRINKS = np.linspace(0.2, 1.0, 81)
LIMITS = {DType.I8: (-128, 127), DType.U8: (0, 255), DType.I16: (-32768, 32767)}
SYMMETRIC = (DType.I16,)
SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass
class Seen:
    """What was seen of one tensor: its ends, then how often each part between them."""

    low: float = np.inf
    high: float = -np.inf
    counts: Array = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def widen(self, array: Array) -> None:
        """Take the ends of `array` in; what is not finite does not count."""
        finite = array[np.isfinite(array)]
        if finite.size:
            self.low = min(self.low, float(finite.min()))
            self.high = max(self.high, float(finite.max()))

    def count(self, array: Array) -> None:
        """Count the elements of `array` into equal parts between the ends, which are known."""
        if self.high > self.low:
            finite = array[np.isfinite(array)]
            self.counts += np.histogram(finite, BINS, (self.low, self.high))[0]

    def cut_below(self, width: float) -> None:
        """Forget what is more than `width` below the upper end."""
        low = max(self.low, self.high - width)
        if low > self.low:
            edges = np.linspace(self.low, self.high, BINS + 1)
            kept = np.where(edges[1:] > low, self.counts, 0)
            centres = self.centres
            self.counts = np.histogram(centres, BINS, (low, self.high), weights=kept)[0]
            self.low = low

    @property
    def centres(self) -> Array:
        """The middle of each part."""
        width = (self.high - self.low) / BINS
        return self.low + width * (np.arange(BINS) + 0.5)

    def between(self, percentile: float) -> tuple[float, float]:
        """Return the ends that leave (100 - percentile) % of the elements out, as many at each."""
        total = np.cumsum(self.counts)
        if not total[-1]:
            return self.low, self.high
        rest = (100 - percentile) / 200 * total[-1]
        edges = self.low + (self.high - self.low) / BINS * np.arange(BINS + 1)
        first = int(np.searchsorted(total, rest, side="right"))
        last = int(np.searchsorted(total, total[-1] - rest, side="left"))
        return float(edges[min(first, BINS - 1)]), float(edges[min(last, BINS - 1) + 1])

    def least_error(self, dtype: DType) -> tuple[float, float]:
        """Return the shrunken ends by which rounding loses least in the mean of squares."""
        if not self.counts.any():
            return self.low, self.high
        x, counts = self.centres.astype(np.float32), self.counts
        errors = [
            float((counts * np.square(x - fake_quantize(x, self._shrunken(s, dtype)))).sum())
            for s in SHRINKS
        ]
        best = SHRINKS[int(np.argmin(errors))]
        return self.low * best, self.high * best

    def _shrunken(self, factor: float, dtype: DType) -> Quant:
        return parameters(self.low * factor, self.high * factor, dtype)


def parameters(low: float, high: float, dtype: DType) -> Quant:
    """Return how numbers from `low` to `high` are stored; 0 is always among those expressed.

    int8 and uint8 use all their numbers: scale = (high - low) / 255; int16 has the zero point 0.
    """
    qmin, qmax = LIMITS[dtype]
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        high = 1.0  # nothing but 0 was seen
    if dtype in SYMMETRIC:
        scale = max(-low, high) / qmax
        return Quant(dtype, qmin, qmax, (_usable(scale),))
    scale = _usable((high - low) / (qmax - qmin))
    zero = int(np.clip(np.rint(qmin - low / scale), qmin, qmax))
    return Quant(dtype, qmin, qmax, (scale,), (zero,))


def weight_parameters(w: Array, axis: int | None) -> Quant:
    """Return how weights are stored: int8 from -127 to 127, with a scale for each index of `axis`.

    scale = largest absolute value / 127, as TFLite's specification of 8-bit quantization has it.
    """
    others = None if axis is None else tuple(i for i in range(w.ndim) if i != axis)
    most = np.abs(w.astype(np.float64)).max(others) if w.size else np.zeros(1)
    scales = tuple(_usable(float(s) / 127) for s in np.atleast_1d(most))
    return Quant(DType.I8, -127, 127, scales, axis=axis)


def _usable(scale: float) -> float:
    """Return a scale as float32 that is positive and finite: 1 for what is always 0."""
    number = float(np.float32(scale))
    return number if SMALLEST <= number < np.inf else 1.0
