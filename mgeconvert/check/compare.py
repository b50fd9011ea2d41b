"""Two arrays, or many runs of them, told apart in numbers (numpy and the native loops only)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mgeconvert.check.request import Steps
from mgeconvert.check.result import Comparison, Worst
from mgeconvert.check.runners.protocol import Array
from mgeconvert.check.steps import StepCount
from mgeconvert.native import Difference, difference

NOTHING = Difference(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0)


@dataclass(frozen=True)
class Rounded:
    """What counts as equal where one side or both are rounded; see `CheckRequest`.

    steps: of an output that is quantized; the tolerances that are None are not asked for
    """

    steps: Steps | None = None
    atol_lsb: float | None = None
    lsb_share: float | None = None
    min_snr: float | None = None


EXACT = Rounded()


class Tally:
    """The differences of one output, summed over the runs of a case.

    An element is outside when |got - want| > atol + rtol * |want| + rtol_max * max |want|, the
    maximum being that of the run's finite elements. For integers and bool only `atol` counts:
    equality, or the step that it allows. NaN is equal to NaN, and an infinity to itself; any other
    pair with one of them is outside. Where all are None, only such pairs are. What `rounded` asks
    must hold as well.
    """

    def __init__(
        self,
        output: str,
        *,
        rtol: float | None,
        atol: float | None,
        rtol_max: float | None = None,
        rounded: Rounded = EXACT,
    ) -> None:
        self.output, self.rtol, self.atol, self.rounded = output, rtol, atol, rounded
        self.rtol_max = rtol_max
        self._steps = StepCount(rounded.steps) if rounded.steps else None
        self._sum = NOTHING
        self._shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None
        self._dtypes = "", ""
        self._worst: Worst | None = None
        self._excess = -np.inf
        self._problems: list[str] = []

    def add(self, got: Array, want: Array) -> None:
        """Compare one run; shapes and dtypes first, numbers only where these agree."""
        if self._shapes is None:
            self._shapes = got.shape, want.shape
            self._dtypes = str(got.dtype), str(want.dtype)
        if got.dtype != want.dtype:
            self.problem(f"element type {got.dtype} where the source gives {want.dtype}")
        if got.shape != want.shape:
            self.problem(f"shape {_shape(got)} where the source gives {_shape(want)}")
        if got.dtype != want.dtype or got.shape != want.shape:
            return
        rtol = (self.rtol or 0.0) if want.dtype.kind == "f" else 0.0
        atol = (self.atol or 0.0) + (self.rtol_max or 0.0) * _largest(want)
        new = difference(got, want, rtol=rtol, atol=atol if self._is_asked else np.inf)
        if new.nonfinite_mismatches or new.max_abs > 0:
            self._find_worst(got, want, rtol=rtol, atol=atol)
        self._sum = merge(self._sum, new)
        if self._steps:
            self._steps.add(got, want, within=self.rounded.atol_lsb)

    def result(self) -> Comparison:
        """Return the numbers and what is wrong, over all runs so far (at least one)."""
        if self._shapes is None:
            raise ValueError(f"output {self.output!r} was never compared")
        total = self._sum
        return Comparison(
            output=self.output,
            got_dtype=self._dtypes[0],
            want_dtype=self._dtypes[1],
            got_shape=self._shapes[0],
            want_shape=self._shapes[1],
            size=total.size,
            max_abs=total.max_abs,
            max_rel=total.max_rel,
            cosine=total.cosine,
            snr_db=total.snr_db,
            outside=total.outside,
            outside_share=total.outside_share,
            nonfinite_mismatches=total.nonfinite_mismatches,
            worst=self._worst,
            problems=(*self._problems, *self._outside(), *self._far(), *self._noisy()),
            step=self._steps.step if self._steps else None,
            steps=tuple(map(int, self._steps.counts)) if self._steps else None,
        )

    def _outside(self) -> tuple[str, ...]:
        total, worst = self._sum, self._worst
        if not total.outside or worst is None:
            return ()
        return (
            f"output {self.output!r}: {total.outside} of {total.size} elements are "
            f"{self._limits()}; the worst, at {list(worst.index)}, is "
            f"{worst.got:.9g} where the source gives {worst.want:.9g}",
        )

    @property
    def _is_asked(self) -> bool:
        return any(limit is not None for limit in (self.rtol, self.atol, self.rtol_max))

    def _limits(self) -> str:
        if not self._is_asked:
            return "no numbers where the other side's are, or the reverse"
        limits = f"outside rtol {self.rtol or 0:g}, atol {self.atol or 0:g}"
        return limits if self.rtol_max is None else f"{limits}, rtol_max {self.rtol_max:g}"

    def _far(self) -> tuple[str, ...]:
        """Say where elements are off by more quantization steps than is allowed."""
        count, within, share = self._steps, self.rounded.atol_lsb, self.rounded.lsb_share
        if count is None or within is None or share is None:
            return ()
        beyond = count.beyond(within)
        if beyond <= (1 - share) * count.size * (1 + 1e-9) and count.most <= 2 * within:
            return ()
        return (
            f"output {self.output!r}: {beyond} of {count.size} elements are off by more than "
            f"{within:g} steps of {count.step:.4g} ({100 * (1 - share):.3g} % may be), the worst "
            f"by {count.most:g} ({2 * within:g} are allowed)",
        )

    def _noisy(self) -> tuple[str, ...]:
        least, found = self.rounded.min_snr, self._sum.snr_db
        if least is None or found >= least or not self._sum.size:
            return ()
        return (
            f"output {self.output!r}: its SNR is {found:.4g} dB where {least:g} dB are asked for",
        )

    def problem(self, text: str) -> None:
        """Add a sentence on what is wrong with this output, once."""
        problem = f"output {self.output!r}: {text}"
        if problem not in self._problems:
            self._problems.append(problem)

    def _find_worst(self, got: Array, want: Array, *, rtol: float, atol: float) -> None:
        """Keep the element with the largest excess over its tolerance, a non-finite one first."""
        a, b = got.astype(np.float64), want.astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            excess = np.abs(a - b) - (atol + rtol * np.abs(b))
        finite = np.isfinite(a) & np.isfinite(b)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        excess = np.where(finite, excess, np.where(same, -np.inf, np.inf))
        at = int(np.argmax(excess))
        if excess.flat[at] > self._excess:
            self._excess = float(excess.flat[at])
            index = tuple(int(i) for i in np.unravel_index(at, got.shape))
            self._worst = Worst(index, float(a.flat[at]), float(b.flat[at]))


def compare(
    output: str,
    got: Array,
    want: Array,
    *,
    rtol: float | None,
    atol: float | None,
    rtol_max: float | None = None,
    rounded: Rounded = EXACT,
) -> Comparison:
    """Compare one output of one run."""
    tally = Tally(output, rtol=rtol, atol=atol, rtol_max=rtol_max, rounded=rounded)
    tally.add(got, want)
    return tally.result()


def merge(a: Difference, b: Difference) -> Difference:
    """Return the difference over the elements of both."""
    return Difference(
        size=a.size + b.size,
        max_abs=max(a.max_abs, b.max_abs),
        max_rel=max(a.max_rel, b.max_rel),
        sum_error2=a.sum_error2 + b.sum_error2,
        sum_want2=a.sum_want2 + b.sum_want2,
        sum_got2=a.sum_got2 + b.sum_got2,
        dot=a.dot + b.dot,
        outside=a.outside + b.outside,
        nonfinite_mismatches=a.nonfinite_mismatches + b.nonfinite_mismatches,
    )


def _largest(array: Array) -> float:
    """Return the largest absolute value of the finite floats, 0 of other types."""
    if array.dtype.kind != "f" or not array.size:
        return 0.0
    low, high = float(array.min()), float(array.max())
    if not np.isfinite((low, high)).all():
        return _largest(np.where(np.isfinite(array), array, array.dtype.type(0)))
    return max(-low, high, 0.0)


def _shape(array: Array) -> str:
    return f"({', '.join(map(str, array.shape))})"
