"""How far two arrays are apart: one pass over both, with float64 sums; depends on numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mgeconvert.native.extension import NO_NATIVE, _native


@dataclass(frozen=True)
class Difference:
    """How far `got` is from `want`, over all elements; maxima and sums over the finite pairs.

    `max_rel` is the largest |got - want| / |want| where want is not 0; `sum_error2` the sum of
    (got - want)^2; `outside` counts |got - want| > atol + rtol * |want| and includes
    `nonfinite_mismatches`: pairs with a NaN or an infinity that are not the same one on both sides.
    """

    size: int
    max_abs: float
    max_rel: float
    sum_error2: float
    sum_want2: float
    sum_got2: float
    dot: float
    outside: int
    nonfinite_mismatches: int

    @property
    def outside_share(self) -> float:
        """The share of elements outside the tolerance, 0 to 1; 0 when there are none."""
        return self.outside / self.size if self.size else 0.0

    @property
    def cosine(self) -> float:
        """The cosine of the angle between both; 1 if both are all zero, 0 if one is."""
        norms = math.sqrt(self.sum_want2) * math.sqrt(self.sum_got2)
        if norms == 0:
            return 1.0 if self.sum_want2 == self.sum_got2 else 0.0
        return max(-1.0, min(1.0, self.dot / norms))

    @property
    def snr_db(self) -> float:
        """10 log10(sum want^2 / sum error^2) in dB; infinite without error, -inf without signal."""
        if self.sum_error2 == 0:
            return math.inf
        if self.sum_want2 == 0:
            return -math.inf
        return 10 * (math.log10(self.sum_want2) - math.log10(self.sum_error2))


def difference(got: ArrayLike, want: ArrayLike, *, rtol: float, atol: float) -> Difference:
    """Compare two arrays of the same shape in one pass, with float64 sums.

    Any real dtype and layout: float32 and float64 in C order are read where they are, when both
    have the same type; everything else (float16, integers, bool) is cast to float64 first.
    Equal infinities are equal, and so are two NaNs; any other non-finite pair is outside and kept
    out of maxima and sums. Raises ValueError when shapes differ or a tolerance is negative or NaN.
    """
    return (difference_numpy if NO_NATIVE else difference_native)(got, want, rtol=rtol, atol=atol)


def difference_native(got: ArrayLike, want: ArrayLike, *, rtol: float, atol: float) -> Difference:
    """`difference` by the extension module."""
    a, b = _pair(got, want, rtol=rtol, atol=atol)
    compare = _native.difference_f32 if a.dtype == np.float32 else _native.difference_f64
    return Difference(a.size, *compare(a, b, rtol, atol))


def difference_numpy(got: ArrayLike, want: ArrayLike, *, rtol: float, atol: float) -> Difference:
    """`difference` by numpy: the definition that the extension module is tested against."""
    a, b = (array.astype(np.float64) for array in _pair(got, want, rtol=rtol, atol=atol))
    finite = np.isfinite(a) & np.isfinite(b)
    mismatches = int(np.sum(~finite & (a != b) & ~(np.isnan(a) & np.isnan(b))))
    got64, want64 = a[finite], b[finite]
    with np.errstate(over="ignore"):
        error, size = np.abs(got64 - want64), np.abs(want64)
        relative = error[size > 0] / size[size > 0]
        return Difference(
            size=a.size,
            max_abs=float(error.max(initial=0)),
            max_rel=float(relative.max(initial=0)),
            sum_error2=float(np.sum(error * error)),
            sum_want2=float(np.sum(want64 * want64)),
            sum_got2=float(np.sum(got64 * got64)),
            dot=float(np.sum(got64 * want64)),
            outside=int(np.sum(error > atol + rtol * size)) + mismatches,
            nonfinite_mismatches=mismatches,
        )


def _pair(got: ArrayLike, want: ArrayLike, *, rtol: float, atol: float) -> tuple[NDArray, NDArray]:
    """Return both as C-ordered native arrays of one type, float32 or float64."""
    a, b = np.asarray(got), np.asarray(want)
    if a.shape != b.shape:
        raise ValueError(f"shapes differ: got {a.shape}, want {b.shape}")
    if not (rtol >= 0 and atol >= 0):
        raise ValueError(f"tolerances must be 0 or more: rtol {rtol}, atol {atol}")
    kind = np.float32 if a.dtype == b.dtype == np.float32 else np.float64
    return np.ascontiguousarray(a, kind), np.ascontiguousarray(b, kind)
