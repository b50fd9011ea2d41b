"""Functions that some or all opsets lack, composed so that float32 results keep their accuracy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.clip import emit_clip
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import cast_from
from mgeconvert.ir import DType, Node, Op, ops

# log(erfc(z) exp(z^2) / t) as a polynomial in t = 1 / (1 + z / 2) for z >= 0, constant term first:
# a least-squares fit at 400 Chebyshev nodes of t in (0, 1]; erfc is off by at most 4e-12.
ERFC: Sequence[float] = (
    -1.2655121234748874,
    0.9999999938493909,
    0.3750006444090014,
    0.08330659828206116,
    -0.08535385530762736,
    -0.15147042318633658,
    -0.024648954433653544,
    -0.37419633664452695,
    1.8631940111955076,
    -5.244049487104892,
    12.031616869817588,
    -19.56126734844824,
    21.17532314595751,
    -15.039904540436215,
    6.790170828410666,
    -1.7793723509058745,
    0.20716332802391882,
)


def erf(e: Emitter, x: str, dtype: DType) -> str:
    """Emit the error function; below opset 9 by erfc(|x|) = t exp(-x^2 + p(t)) in float64."""
    if e.opset >= 9:
        return e.emit("Erf", x)
    wide = DType.F64
    x = cast_from(e, x, old=dtype, new=wide)
    z = e.emit("Abs", x)
    half = e.emit("Mul", z, e.scalar(0.5, wide))
    t = e.emit("Reciprocal", e.emit("Add", half, e.scalar(1, wide)))
    poly = e.scalar(ERFC[-1], wide)
    for factor in reversed(ERFC[:-1]):
        poly = e.emit("Add", e.emit("Mul", poly, t), e.scalar(factor, wide))
    erfc = e.emit("Mul", t, e.emit("Exp", e.emit("Sub", poly, e.emit("Mul", z, z))))
    result = e.emit("Mul", _sign(e, x), e.emit("Sub", e.scalar(1, wide), erfc))
    return cast_from(e, result, old=wide, new=dtype)


@RULES(ops.Erf, since=7, limits="below opset 9 a fit with an absolute error of 4e-12, in float64")
def erf_by_fit(e: Emitter, node: Node[ops.Erf]) -> str:
    return erf(e, e.name(node.inputs[0]), node.output.type.dtype)


def _sign(e: Emitter, x: str) -> str:
    """Emit -1 where x < 0, else 1, as float64."""
    negative = cast_from(
        e, e.emit("Less", x, e.scalar(0, DType.F64)), old=DType.BOOL, new=DType.F64
    )
    return e.emit("Sub", e.scalar(1, DType.F64), e.emit("Add", negative, negative))


@RULES(ops.Expm1, since=7)
def expm1(e: Emitter, node: Node[ops.Expm1]) -> str:
    """tanh(x / 2) (e^x + 1), which loses no digits where x is small."""
    dtype = node.output.type.dtype
    (x,) = e.inputs(node)
    half = e.emit("Tanh", e.emit("Mul", x, e.scalar(0.5, dtype)))
    return e.emit("Mul", half, e.emit("Add", e.emit("Exp", x), e.scalar(1, dtype)))


@RULES(ops.Log1p, since=7)
def log1p(e: Emitter, node: Node[ops.Log1p]) -> str:
    """log(u) - ((u - 1) - x) / u with u = 1 + x: the second term is what rounding u has lost."""
    dtype = node.output.type.dtype
    wide = DType.F32 if dtype is DType.F16 else dtype
    x, one = cast_from(e, e.name(node.inputs[0]), old=dtype, new=wide), e.scalar(1, wide)
    log = e.emit("Log", e.emit("Add", x, one))
    bounded = emit_clip(e, x, wide, low=2.0**-24 - 1, high=1e30)  # keeps u positive and finite
    u = e.emit("Add", bounded, one)
    lost = e.emit("Sub", e.emit("Sub", u, one), bounded)
    result = e.emit("Sub", log, e.emit("Div", lost, u))
    return cast_from(e, result, old=wide, new=dtype)


def _sinh(e: Emitter, x: str) -> str:
    return e.emit("Mul", e.emit("Sub", e.emit("Exp", x), e.emit("Exp", e.emit("Neg", x))), _half(e))


def _cosh(e: Emitter, x: str) -> str:
    return e.emit("Mul", e.emit("Add", e.emit("Exp", x), e.emit("Exp", e.emit("Neg", x))), _half(e))


def _asinh(e: Emitter, x: str) -> str:
    """sign(x) log(|x| + sqrt(x^2 + 1))."""
    z, one = e.emit("Abs", x), e.scalar(1, DType.F64)
    root = e.emit("Sqrt", e.emit("Add", e.emit("Mul", z, z), one))
    return e.emit("Mul", _sign(e, x), e.emit("Log", e.emit("Add", z, root)))


def _acosh(e: Emitter, x: str) -> str:
    """log(x + sqrt(x - 1) sqrt(x + 1))."""
    one = e.scalar(1, DType.F64)
    roots = [e.emit("Sqrt", e.emit(name, x, one)) for name in ("Sub", "Add")]
    return e.emit("Log", e.emit("Add", x, e.emit("Mul", *roots)))


def _atanh(e: Emitter, x: str) -> str:
    """(log(1 + x) - log(1 - x)) / 2."""
    one = e.scalar(1, DType.F64)
    logs = [e.emit("Log", e.emit(name, one, x)) for name in ("Add", "Sub")]
    return e.emit("Mul", e.emit("Sub", *logs), _half(e))


def _half(e: Emitter) -> str:
    return e.scalar(0.5, DType.F64)


HYPERBOLIC: dict[type[Op], Callable[[Emitter, str], str]] = {
    ops.Sinh: _sinh,
    ops.Cosh: _cosh,
    ops.Asinh: _asinh,
    ops.Acosh: _acosh,
    ops.Atanh: _atanh,
}


@RULES(*HYPERBOLIC, since=7, limits="below opset 9 composed in float64")
def hyperbolic(e: Emitter, node: Node[Op]) -> str:
    dtype = node.outputs[0].type.dtype
    x = cast_from(e, e.name(node.inputs[0]), old=dtype, new=DType.F64)
    return cast_from(e, HYPERBOLIC[type(node.op)](e, x), old=DType.F64, new=dtype)
