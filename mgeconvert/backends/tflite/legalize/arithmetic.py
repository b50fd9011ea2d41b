"""Elementwise functions that TFLite does not have under a name of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mgeconvert.backends.tflite.legalize.activation import finite_log1p, number, plus, times
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.ir import DType, Node, Value, ops

UNSIGNED = (DType.U8, DType.U16, DType.U32)


@LEGAL(ops.Atan2)
def atan2(b: Rewriter, node: Node[ops.Atan2]) -> Value | None:
    """The kernel does not broadcast."""
    shape = node.output.type.shape
    if all(v.type.shape == shape for v in node.inputs):
        return None
    return b.emit(node.op, *(b.expand(v, shape) for v in node.inputs))


@LEGAL(ops.Reciprocal)
def reciprocal(b: Rewriter, node: Node[ops.Reciprocal]) -> Value:
    (x,) = node.inputs
    return b.emit(ops.Div(), number(b, x, 1), x)


@LEGAL(ops.Tan)
def tan(b: Rewriter, node: Node[ops.Tan]) -> Value:
    (x,) = node.inputs
    return b.emit(ops.Div(), b.emit(ops.Sin(), x), b.emit(ops.Cos(), x))


@LEGAL(ops.Atan)
def atan(b: Rewriter, node: Node[ops.Atan]) -> Value:
    (x,) = node.inputs
    return b.emit(ops.Atan2(), x, number(b, x, 1))


@LEGAL(ops.Asin)
def asin(b: Rewriter, node: Node[ops.Asin]) -> Value:
    """atan2(x, sqrt((1 - x)(1 + x)))."""
    (x,) = node.inputs
    return b.emit(ops.Atan2(), x, _opposite(b, x))


@LEGAL(ops.Acos)
def acos(b: Rewriter, node: Node[ops.Acos]) -> Value:
    """atan2(sqrt((1 - x)(1 + x)), x)."""
    (x,) = node.inputs
    return b.emit(ops.Atan2(), _opposite(b, x), x)


def _opposite(b: Rewriter, x: Value) -> Value:
    one = number(b, x, 1)
    product = b.emit(ops.Mul(), b.emit(ops.Sub(), one, x), b.emit(ops.Add(), one, x))
    return b.emit(ops.Sqrt(), product)


@LEGAL(ops.Sinh)
def sinh(b: Rewriter, node: Node[ops.Sinh]) -> Value:
    """(m + m / (m + 1)) / 2 with m = exp(x) - 1, which is exact around 0."""
    (x,) = node.inputs
    size = b.emit(ops.Abs(), x)
    m = b.emit(ops.Expm1(), size)
    y = b.emit(ops.Add(), m, b.emit(ops.Div(), m, plus(b, m, 1)))
    half = times(b, y, 0.5)
    small = b.emit(ops.Less(), size, number(b, x, 30))
    large = b.emit(ops.Exp(), plus(b, size, -math.log(2)))
    return b.emit(ops.Mul(), b.emit(ops.Where(), small, half, large), b.emit(ops.Sign(), x))


@LEGAL(ops.Cosh)
def cosh(b: Rewriter, node: Node[ops.Cosh]) -> Value:
    """(exp(x - ln 2) + exp(-x - ln 2)), which overflows where the result does."""
    (x,) = node.inputs
    up = b.emit(ops.Exp(), plus(b, x, -math.log(2)))
    down = b.emit(ops.Exp(), plus(b, b.emit(ops.Neg(), x), -math.log(2)))
    return b.emit(ops.Add(), up, down)


@LEGAL(ops.Asinh)
def asinh(b: Rewriter, node: Node[ops.Asinh]) -> Value:
    """sign(x) log1p(|x| + x^2 / (1 + sqrt(x^2 + 1)))."""
    (x,) = node.inputs
    size = b.emit(ops.Abs(), x)
    square = b.emit(ops.Mul(), x, x)
    root = b.emit(ops.Sqrt(), plus(b, square, 1))
    rest = b.emit(ops.Div(), square, plus(b, root, 1))
    y = b.emit(ops.Log1p(), b.emit(ops.Add(), size, rest))
    return b.emit(ops.Mul(), y, b.emit(ops.Sign(), x))


@LEGAL(ops.Acosh)
def acosh(b: Rewriter, node: Node[ops.Acosh]) -> Value:
    """log1p(t + sqrt(t (t + 2))) with t = x - 1."""
    t = plus(b, node.inputs[0], -1)
    root = b.emit(ops.Sqrt(), b.emit(ops.Mul(), t, plus(b, t, 2)))
    return b.emit(ops.Log1p(), b.emit(ops.Add(), t, root))


@LEGAL(ops.Atanh)
def atanh(b: Rewriter, node: Node[ops.Atanh]) -> Value:
    """(log1p(x) - log1p(-x)) / 2."""
    (x,) = node.inputs
    up = b.emit(ops.Log1p(), x)
    down = b.emit(ops.Log1p(), b.emit(ops.Neg(), x))
    return times(b, b.emit(ops.Sub(), up, down), 0.5)


@LEGAL(ops.Expm1)
def expm1(b: Rewriter, node: Node[ops.Expm1]) -> Value:
    """2 tanh(x / 2) / (1 - tanh(x / 2)) where |x| < 1, else exp(x) - 1."""
    (x,) = node.inputs
    t = b.emit(ops.Tanh(), times(b, x, 0.5))
    small = b.emit(ops.Div(), times(b, t, 2), b.emit(ops.Sub(), number(b, x, 1), t))
    large = plus(b, b.emit(ops.Exp(), x), -1)
    near = b.emit(ops.Less(), b.emit(ops.Abs(), x), number(b, x, 1))
    return b.emit(ops.Where(), near, small, large)


@LEGAL(ops.Log1p)
def log1p(b: Rewriter, node: Node[ops.Log1p]) -> Value:
    """The kernels that multiply and add make inf a finite number: it is chosen afterwards."""
    (x,) = node.inputs
    y = finite_log1p(b, x)
    log = b.emit(ops.Log(), plus(b, x, 1))
    lowest = b.emit(ops.Equal(), log, number(b, x, -math.inf))
    highest = b.emit(ops.Equal(), x, number(b, x, math.inf))
    return b.emit(ops.Where(), highest, x, b.emit(ops.Where(), lowest, log, y))


@LEGAL(ops.Round)
def round_(b: Rewriter, node: Node[ops.Round]) -> Value | None:
    """ROUND is half to even; half away from zero is by the fraction that is left."""
    (x,) = node.inputs
    if not x.type.dtype.is_float:
        return b.emit(ops.Identity(), x)
    if node.op.half == "even":
        return None
    sign = b.emit(ops.Sign(), x)
    size = b.emit(ops.Abs(), x)
    whole = b.emit(ops.Floor(), size)
    up = b.emit(ops.GreaterEqual(), b.emit(ops.Sub(), size, whole), number(b, x, 0.5))
    rounded = b.emit(ops.Add(), whole, b.cast(up, x.type.dtype))
    fraction = b.emit(ops.Less(), size, number(b, x, WHOLE[x.type.dtype]))
    return b.emit(ops.Where(), fraction, b.emit(ops.Mul(), rounded, sign), x)


WHOLE = {DType.F32: 2.0**23, DType.F16: 2.0**10}
"""From here on, every number of a type is whole."""


@LEGAL(ops.Floor, ops.Ceil)
def floor(b: Rewriter, node: Node[Any]) -> Value | None:
    (x,) = node.inputs
    return None if x.type.dtype.is_float else b.emit(ops.Identity(), x)


@LEGAL(ops.Fmod)
def fmod(b: Rewriter, node: Node[ops.Fmod]) -> Value:
    """sign(a) mod(|a|, |b|)."""
    x, y = node.inputs
    if x.type.dtype in UNSIGNED:
        return b.emit(ops.Mod(), x, y)
    rest = b.emit(ops.Mod(), b.emit(ops.Abs(), x), b.emit(ops.Abs(), y))
    return b.emit(ops.Mul(), rest, b.emit(ops.Sign(), x))


@LEGAL(ops.Abs)
def abs_(b: Rewriter, node: Node[ops.Abs]) -> Value | None:
    (x,) = node.inputs
    if x.type.dtype in UNSIGNED:
        return b.emit(ops.Identity(), x)
    if x.type.dtype is DType.I64:
        return b.emit(ops.Maximum(), x, b.emit(ops.Neg(), x))
    return None


@LEGAL(ops.Sign)
def sign(b: Rewriter, node: Node[ops.Sign]) -> Value | None:
    (x,) = node.inputs
    one = number(b, x, 1)
    if x.type.dtype in UNSIGNED:
        return b.emit(ops.Minimum(), x, one)
    if x.type.dtype is not DType.I64:
        return None
    low = number(b, x, -1)
    return b.emit(ops.Maximum(), b.emit(ops.Minimum(), x, one), low)


@LEGAL(ops.IsNan)
def is_nan(b: Rewriter, node: Node[ops.IsNan]) -> Value:
    (x,) = node.inputs
    return b.emit(ops.NotEqual(), x, x)


@LEGAL(ops.IsInf)
def is_inf(b: Rewriter, node: Node[ops.IsInf]) -> Value:
    """Kernels that add, multiply or divide make inf the greatest number: that is meant, too."""
    (x,) = node.inputs
    if x.type.dtype is DType.F16:
        return b.emit(ops.Equal(), b.emit(ops.Abs(), x), number(b, x, math.inf))
    greatest = float(np.finfo(x.type.dtype.numpy).max)
    return b.emit(ops.GreaterEqual(), b.emit(ops.Abs(), x), number(b, x, greatest))


@LEGAL(ops.Xor)
def xor(b: Rewriter, node: Node[ops.Xor]) -> Value:
    return b.emit(ops.NotEqual(), *node.inputs)


@LEGAL(ops.Erf)
def erf(b: Rewriter, node: Node[ops.Erf]) -> Value:
    """2 gelu(sqrt(2) x) / (sqrt(2) x) - 1; by series where x is near 0."""
    (x,) = node.inputs
    y = times(b, x, math.sqrt(2))
    zero = b.emit(ops.Less(), b.emit(ops.Abs(), x), number(b, x, 0.5))
    safe = b.emit(ops.Where(), zero, number(b, x, 1), y)
    far = plus(b, times(b, b.emit(ops.Div(), b.emit(ops.Gelu(), safe), safe), 2), -1)
    return b.emit(ops.Where(), zero, _erf_near(b, x), far)


def _erf_near(b: Rewriter, x: Value) -> Value:
    """Return 2 / sqrt(pi) (x - x^3 / 3 + x^5 / 10 ...), Maclaurin's series, for |x| <= 0.5."""
    square = b.emit(ops.Mul(), x, x)
    factors = [(-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(8)]
    total = plus(b, times(b, square, factors[-1]), factors[-2])
    for factor in factors[-3::-1]:
        total = plus(b, b.emit(ops.Mul(), total, square), factor)
    return times(b, b.emit(ops.Mul(), total, x), 2 / math.sqrt(math.pi))
