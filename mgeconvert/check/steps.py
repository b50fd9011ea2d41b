"""Differences of quantized outputs, counted in quantization steps (numpy only)."""

from __future__ import annotations

import numpy as np

from mgeconvert.check.request import Steps
from mgeconvert.check.runners.protocol import Array

NO_NUMBER = np.inf
"""How far apart two elements are of which just one is a number."""


class StepCount:
    """How many elements of one output differ by how many steps, over the runs of a case.

    A difference is rounded to whole steps: results that stand on the same grid differ by a little
    more or less, for a step times a number is rounded to float32.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.counts = np.zeros(4, np.int64)
        self.most = 0.0
        self._limits: dict[float, int] = {}

    @property
    def step(self) -> float:
        """The largest step."""
        return max(self.steps.scale)

    @property
    def size(self) -> int:
        """The number of elements so far."""
        return int(self.counts.sum())

    def add(self, got: Array, want: Array, *, within: float | None) -> None:
        """Count the elements of one run, arrays of one shape; also those off by above `within`."""
        apart = _apart(got, want, self.steps)
        for index, number in enumerate((0, 1, 2)):
            self.counts[index] += int(np.count_nonzero(apart == number))
        self.counts[3] += int(np.count_nonzero(apart > 2))
        self.most = max(self.most, float(apart.max(initial=0.0)))
        if within is not None:
            beyond = self._limits.get(within, 0) + int(np.count_nonzero(apart > within))
            self._limits[within] = beyond

    def beyond(self, within: float) -> int:
        """Return how many elements are off by more than `within`, which `add` was told."""
        return self._limits.get(within, 0)


def _apart(got: Array, want: Array, steps: Steps) -> Array:
    scale = np.asarray(steps.scale, np.float64)
    if steps.axis is not None and scale.size > 1:
        shape = [-1 if axis == steps.axis else 1 for axis in range(want.ndim)]
        scale = scale.reshape(shape)
    a, b = got.astype(np.float64), want.astype(np.float64)
    with np.errstate(invalid="ignore"):
        apart: Array = np.rint(np.abs(a - b) / scale)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.where(np.isnan(apart), NO_NUMBER, apart))
