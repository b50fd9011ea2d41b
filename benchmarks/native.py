"""How much faster each native function is than its numpy twin.

    .venv/bin/python benchmarks/native.py [ELEMENTS]

Prints one line per case: elements, dtype, seconds of the twin, seconds of the native function (the
best of five each), and the ratio.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from mgeconvert.native import difference_native, difference_numpy


def best(run: Callable[[], object], *, repeats: int = 5) -> float:
    """Return the shortest of several times in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def main(size: int) -> None:
    random = np.random.default_rng(0)
    print("function    elements   dtype    twin s    native s  ratio")
    for kind in (np.float32, np.float64):
        want = random.standard_normal(size).astype(kind)
        got = want + kind(1e-5)
        twin = best(partial(difference_numpy, got, want, rtol=1e-4, atol=1e-5))
        native = best(partial(difference_native, got, want, rtol=1e-4, atol=1e-5))
        ratio = twin / native
        print(f"difference  {size:<9}  {want.dtype}  {twin:.5f}  {native:.5f}   {ratio:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
