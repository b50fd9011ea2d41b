"""What counts as a difference between two tensors (numpy and the check's comparison only)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mgeconvert.check.compare import Rounded, compare
from mgeconvert.check.request import CheckRequest
from mgeconvert.check.result import Comparison
from mgeconvert.ir import Array
from mgeconvert.manifest import check_defaults


@dataclass(frozen=True)
class Tolerance:
    """What is no difference: abs(got - want) <= atol + rtol * abs(want), and a least SNR in dB.

    `rtol_max` is relative to the tensor's largest element, and added. None stands for what is not
    asked for. `rounded_snr` is the SNR in dB from which on a difference counts as rounding where
    values are quantized: a tie that is rounded to the other side moves all that follows.
    """

    rtol: float | None
    atol: float | None
    min_snr: float | None = None
    rtol_max: float | None = None
    rounded_snr: float | None = None

    def asked(self) -> dict[str, float]:
        """Return what is asked for, by name."""
        known = {"rtol": self.rtol, "atol": self.atol, "rtol_max": self.rtol_max}
        return {k: v for k, v in {**known, "min_snr": self.min_snr}.items() if v is not None}

    def compare(self, name: str, got: Array, want: Array, *, slack: float = 0.0) -> Comparison:
        """Compare two tensors; element types may differ where the numbers do not.

        Shapes may differ by axes of size 1, since not every system has rank 0. `slack` is added to
        the absolute tolerance.
        """
        return self._compared(name, got, want, slack=slack)

    def is_rounding(self, got: Array, want: Array, *, slack: float = 0.0) -> bool:
        """Whether a difference is one that sums in another order make.

        It is where the tolerance would hold if each element were as large as the root mean square
        of them all: the error of a small sum of large terms is that of the terms.
        """
        if self.rounded_snr is not None and got.shape == want.shape:
            found = self._compared("", got, want, slack=slack)
            if found.snr_db >= self.rounded_snr and not found.nonfinite_mismatches:
                return True
        if got.shape != want.shape or self.rtol is None or want.dtype.kind != "f":
            return False
        with np.errstate(all="ignore"):
            size = float(np.sqrt(np.mean(np.square(want, dtype=np.float64))))
        more = slack + self.rtol * size
        return bool(np.isfinite(more)) and self._compared("", got, want, slack=more).ok

    def _compared(self, name: str, got: Array, want: Array, *, slack: float) -> Comparison:
        if got.shape != want.shape and _squeezed(got) == _squeezed(want):
            got = got.reshape(want.shape)
        types = str(got.dtype), str(want.dtype)
        if got.dtype != want.dtype:
            got, want = got.astype(np.float64), want.astype(np.float64)
        atol = None if self.atol is None else self.atol + slack
        rounded = Rounded(min_snr=self.min_snr)
        found = compare(
            name, got, want, rtol=self.rtol, atol=atol, rtol_max=self.rtol_max, rounded=rounded
        )
        return replace(found, got_dtype=types[0], want_dtype=types[1])


def tolerance_of(request: CheckRequest, *, quantized: bool = False) -> Tolerance:
    """Return what counts as equal in a check: its tolerances, or the format's if it has none.

    A check that counts quantization steps has none of its own for what is not quantized.
    """
    snr = request.mixed_snr if quantized else None
    if request.rtol is None and request.atol is None and request.rtol_max is None:
        usual = check_defaults(request.format)
        return Tolerance(usual.rtol, usual.atol, None, usual.rtol_max, snr)
    return Tolerance(request.rtol, request.atol, request.min_snr, request.rtol_max, snr)


def _squeezed(array: Array) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)
