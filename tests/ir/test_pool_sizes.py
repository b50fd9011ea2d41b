"""How many windows a pooling has, by counting them, and the same for sizes that are not known."""

from __future__ import annotations

import itertools

import pytest

from mgeconvert.errors import ShapeError
from mgeconvert.ir import DType, TensorType, ops
from mgeconvert.ir.dims import bind, symbol

CASES = [
    (k, s, (before, after))
    for k, s, before, after in itertools.product(range(1, 5), range(1, 5), range(3), range(3))
]


def counted(size: int, kernel: int, stride: int, pads: tuple[int, int]) -> int:
    """Return the number of windows: the last may reach outside, and starts inside if it does."""
    before, after = pads
    whole = 0
    while whole * stride + kernel <= size + before + after:
        whole += 1
    ends = (whole - 1) * stride + kernel if whole else 0
    rest = ends < size + before + after
    last = whole + 1 if rest else whole
    if (last - 1) * stride >= size + before:  # as in PyTorch and ONNX: at most one is dropped
        last -= 1
    return last


def infer(size: object, kernel: int, stride: int, pads: tuple[int, int]) -> object:
    pool = ops.MaxPool(kernel=(kernel,), stride=(stride,), padding=(pads,), ceil_mode=True)
    (result,) = pool.infer([TensorType(DType.F32, (1, 1, size))])  # type: ignore[arg-type]
    return result.shape[2]


@pytest.mark.parametrize(("kernel", "stride", "pads"), CASES)
def test_sizes_with_ceil_mode(kernel: int, stride: int, pads: tuple[int, int]) -> None:
    unknown = infer(symbol("N"), kernel, stride, pads)
    for size in range(1, 13):
        want = counted(size, kernel, stride, pads)
        if size + sum(pads) < kernel:  # no whole window: it is for the operator to say
            continue
        assert infer(size, kernel, stride, pads) == want
        assert bind(unknown, {"N": size}) == want  # type: ignore[arg-type]


def test_a_window_that_never_fits_is_refused() -> None:
    with pytest.raises(ShapeError, match="a window of 9 does not fit 2"):
        infer(2, 9, 1, (0, 0))
