from typing import Any

import numpy as np
from numpy.typing import NDArray

# max_abs, max_rel, sum_error2, sum_want2, sum_got2, dot, outside, nonfinite_mismatches
_Sums = tuple[float, float, float, float, float, float, int, int]
_Float32 = NDArray[np.float32]
_Int32 = NDArray[np.int32]
_Real = NDArray[Any]  # float32 for 8 and 16 bits, float64 for 32
_Whole = NDArray[Any]  # int8, uint8, int16, uint16 or int32; fixed point has no uint16

def difference_f32(got: _Float32, want: _Float32, rtol: float, atol: float) -> _Sums: ...
def difference_f64(
    got: NDArray[np.float64], want: NDArray[np.float64], rtol: float, atol: float
) -> _Sums: ...

# Each fills y; x is outer x channels x inner, and as many channels as there are scales.
def quantize_even(
    x: _Float32, y: _Whole, inner: int, scale: _Float32, low: _Real, high: _Real, zero: _Real
) -> None: ...
def quantize_away(
    x: _Float32, y: _Whole, inner: int, scale: _Float32, low: _Real, high: _Real, zero: _Real
) -> None: ...
def fake_quantize_even(
    x: _Float32, y: _Float32, inner: int, scale: _Float32, low: _Real, high: _Real, zero: _Real
) -> None: ...
def fake_quantize_away(
    x: _Float32, y: _Float32, inner: int, scale: _Float32, low: _Real, high: _Real, zero: _Real
) -> None: ...
def dequantize(
    x: _Whole, y: _Float32, inner: int, scale: _Float32, low: _Real, high: _Real, zero: _Real
) -> None: ...
def requantize_even(
    x: _Int32, y: _Whole, inner: int, scale: _Float32, low: _Real, high: _Real, zero: _Real
) -> None: ...
def requantize_away(
    x: _Int32, y: _Whole, inner: int, scale: _Float32, low: _Real, high: _Real, zero: _Real
) -> None: ...
def requantize_once(
    x: _Int32,
    y: _Whole,
    inner: int,
    multiplier: _Int32,
    shift: _Int32,
    zero: _Int32,
    low: int,
    high: int,
) -> None: ...
def requantize_twice(
    x: _Int32,
    y: _Whole,
    inner: int,
    multiplier: _Int32,
    shift: _Int32,
    zero: _Int32,
    low: int,
    high: int,
) -> None: ...
def requantize_wide(
    x: NDArray[np.int64],
    y: _Whole,
    inner: int,
    multiplier: _Int32,
    shift: _Int32,
    zero: _Int32,
    low: int,
    high: int,
) -> None: ...
def pack_nibbles(x: NDArray[Any], bytes: NDArray[np.uint8]) -> bool: ...
def unpack_nibbles(bytes: NDArray[np.uint8], x: NDArray[Any]) -> None: ...
