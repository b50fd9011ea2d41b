"""How much faster each native function is than its numpy twin.

python -m benchmarks.native [ELEMENTS] [NAME ...]

Prints one line per case: seconds of the twin, seconds of the native function (the best of five
each, in turn), and the ratio. Channels are those of a filter (the first axis, runs of 9 x 512
elements) and of an activation in N,H,W,C order (the last axis, 256 of them).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mgeconvert import native
from mgeconvert.native import FixedPoint, Multipliers, Rounding

Run = Callable[[], object]
Case = tuple[str, str, Run, Run]


@dataclass(frozen=True)
class Steps:
    scale: Sequence[float]
    zero_point: Sequence[int]
    qmin: int
    qmax: int
    axis: int | None = None


def in_turn(twin: Run, ours: Run, *, repeats: int = 5) -> tuple[float, float]:
    """Return the shortest of several times of both in seconds."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for run, taken in zip((twin, ours), times):
            start = time.perf_counter()
            run()
            taken.append(time.perf_counter() - start)
    return min(times[0]), min(times[1])


def shapes(size: int) -> Iterator[tuple[str, tuple[int, ...], int | None]]:
    """Return what the channels are, a shape of about `size` elements, and their axis."""
    yield "whole tensor", (size,), None
    yield "first axis", (max(1, size // 4608), 512, 3, 3), 0
    yield "last axis", (max(1, size // 256), 256), 1


def steps(shape: tuple[int, ...], axis: int | None, *, dtype: str, zero: int) -> Steps:
    count = 1 if axis is None else shape[axis]
    limits = np.iinfo(dtype)
    scales = tuple(np.linspace(0.01, 0.02, count).tolist())
    return Steps(scales, (zero,) * count, int(limits.min), int(limits.max), axis)


def pair(name: str, *given: object, **more: object) -> tuple[Run, Run]:
    twin, ours = (getattr(native, f"{name}_{form}") for form in ("numpy", "native"))
    return partial(twin, *given, **more), partial(ours, *given, **more)


def differences(size: int) -> Iterator[Case]:
    random = np.random.default_rng(0)
    for kind in (np.float32, np.float64):
        want = random.standard_normal(size).astype(kind)
        got = want + kind(1e-5)
        yield "difference", want.dtype.name, *pair("difference", got, want, rtol=1e-4, atol=1e-5)


def quantizations(size: int) -> Iterator[Case]:
    for where, shape, axis in shapes(size):
        x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        for dtype in ("int8", "uint8", "int16", "int32"):
            grid = steps(shape, axis, dtype=dtype, zero=3 if dtype == "uint8" else 0)
            kind = np.dtype(dtype)
            for rounding in Rounding if dtype == "int8" else (Rounding.AWAY,):
                what = f"{dtype}, {rounding.value}, {where}"
                quantized = pair("quantize", x, grid, dtype=kind, rounding=rounding)
                yield "quantize", what, *quantized
                yield "fake_quantize", what, *pair("fake_quantize", x, grid, rounding=rounding)
            whole = native.quantize_numpy(x, grid, dtype=kind, rounding=Rounding.AWAY)
            yield "dequantize", f"{dtype}, {where}", *pair("dequantize", whole, grid)


def requantizations(size: int) -> Iterator[Case]:
    for where, shape, axis in shapes(size):
        x = np.random.default_rng(0).integers(-(2**15), 2**15, shape, dtype=np.int32)
        for dtype in ("int8", "uint8", "int16"):
            grid = steps(shape, axis, dtype=dtype, zero=3)
            kind = np.dtype(dtype)
            what = f"{dtype}, {where}"
            numbers = pair("requantize", x, grid, dtype=kind, rounding=Rounding.EVEN)
            yield "requantize", what, *numbers
        count = len(grid.scale)
        m = Multipliers((2**30 + 12345,) * count, (-7,) * count, 3, -128, 127, axis)
        for form in FixedPoint:
            sums = x.astype(form.sums)
            numbers = pair("requantize_fixed", sums, m, dtype=np.dtype(np.int8), form=form)
            yield "requantize_fixed", f"{form.value}, {where}", *numbers


def nibbles(size: int) -> Iterator[Case]:
    for kind, low in ((np.int8, -8), (np.uint8, 0)):
        x = np.random.default_rng(0).integers(low, low + 16, size, dtype=kind)
        dtype = x.dtype
        yield "pack_nibbles", dtype.name, *pair("pack_nibbles", x)
        data = native.pack_nibbles_numpy(x)
        yield "unpack_nibbles", dtype.name, *pair("unpack_nibbles", data, size=size, dtype=dtype)


def main(size: int, names: Sequence[str]) -> None:
    print(f"{size} elements\n{'function':17} {'case':42} {'twin s':8} {'native s':9} ratio")
    for cases in (differences, quantizations, requantizations, nibbles):
        for name, what, twin, ours in cases(size):
            if not names or name in names:
                slow, fast = in_turn(twin, ours)
                print(
                    f"{name:17} {what:42} {slow:<8.4f} {fast:<9.4f} {slow / fast:.1f}", flush=True
                )


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    main(*numbers or [10_000_000], [a for a in sys.argv[1:] if not a.isdigit()])
