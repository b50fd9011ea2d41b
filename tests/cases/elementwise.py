"""Elementwise functions and operators: every element type, broadcasting, Python scalars."""

from __future__ import annotations

from tests.cases.case import Case, b8, case, f16, f32, i8, i16, i32, u8

X = f32(2, 3)
POSITIVE = f32(2, 3, low=0.1, high=3)
UNIT = f32(2, 3, low=-0.9, high=0.9)
HALF = {"rtol": 2e-2, "atol": 2e-3}
INTEGERS = (i8(2, 3), i16(2, 3), i32(2, 3), u8(2, 3))
SMALL = (i8(2, 3, low=1, high=4), i16(2, 3, low=1, high=4), i32(2, 3, low=1), u8(2, 3, low=1))

FLOAT_FUNCTIONS = {
    **dict.fromkeys(("exp", "expm1", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh"), X),
    **dict.fromkeys(("log", "log1p", "sqrt"), POSITIVE),
    **dict.fromkeys(("asin", "acos", "atanh"), UNIT),
    "asinh": X,
    "acosh": f32(2, 3, low=1.1, high=3),
}
SHARED = ("abs", "neg", "sign", "square", "floor", "ceil", "round")

FUNCTIONS: list[Case] = [
    *(case(f"F.{name}(x)", x=data, rtol=1e-4) for name, data in FLOAT_FUNCTIONS.items()),
    *(
        case(f"F.{name}(x * 0.25 + 1)", x=f16(2, 3, low=0, high=3), **HALF)
        for name in ("exp", "log", "sqrt", "sin", "tanh", "atan")
    ),
    *(case("F.exp(x)", x=data, rtol=1e-4) for data in SMALL),
    *(case("F.sqrt(x)", x=data) for data in SMALL),
    *(case(f"F.{name}(x)", x=X) for name in SHARED),
    *(case(f"F.{name}(x)", x=f16(2, 3), **HALF) for name in SHARED),
    *(case(f"F.{name}(x)", x=data) for name in SHARED for data in INTEGERS),
    *(
        case(f"F.{name}(x * 0.5)", x=i32(4, 5, low=-9, high=9))
        for name in ("floor", "ceil", "round", "sign")
    ),
    *(
        case(text, x=f32(2, 3, low=-4, high=4))
        for text in ("round(x)", "math.floor(x)", "math.ceil(x)", "abs(x)", "-x", "+x")
    ),
    *(case(text, x=i32(2, 3)) for text in ("round(x)", "math.floor(x)", "abs(x)", "-x", "+x")),
    case("F.exp(x)", x=f32()),
    case("F.exp(x)", x=f32(0, 3)),
    case("F.tanh(x)", x=f32(1, 3), dynamic=True),
    case("F.isnan(F.sqrt(x))", x=X),
    case("F.isinf(1 / F.floor(x))", x=f32(2, 3, low=0, high=2)),
    case("F.isnan(x)", x=i32(3)),
    case("F.isinf(x)", x=i32(2, 3)),
    case("F.isnan(F.sqrt(x))", x=f16(2, 3)),
    case("F.isinf(1 / F.floor(x))", x=f16(2, 3, low=0, high=2)),
    *(case(f"F.{name}(x, y)", x=X, y=f32(3)) for name in ("atan2", "logaddexp")),
    case("F.logaddexp(x, 1)", x=X),
    case("F.logaddexp(x * 100, y * 100)", x=X, y=X, rtol=1e-4),
    case("F.atan2(x, 2)", x=i32(2, 3)),
    case("F.atan2(x, y)", x=f16(2, 3), y=f16(2, 3), **HALF),
]

ARITHMETIC = ("add", "sub", "mul", "div", "floor_div", "mod", "maximum", "minimum", "atan2")
OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod"}
DIVISOR = f32(3, low=0.3, high=2)
TYPES = {
    "f32": f32(2, 3),
    "f16": f16(2, 3),
    "i8": i8(2, 3, low=1),
    "i16": i16(2, 3, low=1),
    "i32": i32(2, 3, low=1),
    "u8": u8(2, 3, low=1),
}
MIXED = [
    ("u8", "f16"),
    ("u8", "f32"),
    ("i8", "i16"),
    ("i8", "i32"),
    ("i8", "f16"),
    ("i8", "f32"),
    ("i16", "i32"),
    ("i16", "f32"),
    ("i32", "f16"),
    ("i32", "f32"),
    ("f16", "f32"),
]

BINARY: list[Case] = [
    *(case(f"F.{name}(x, y)", x=X, y=DIVISOR) for name in ARITHMETIC),
    *(case(f"F.{name}(x, 1.5)", x=X) for name in ARITHMETIC),
    *(case(f"F.{name}(2, x)", x=POSITIVE) for name in ARITHMETIC),
    *(
        case(f"F.{name}(x, y)", x=data, y=data, **(HALF if data.dtype == "float16" else {}))
        for name in ("add", "sub", "mul", "div", "maximum", "minimum")
        for data in (f16(2, 3, low=0.5, high=2), *SMALL)
    ),
    *(
        case(f"x {symbol} y", x=TYPES[a], y=TYPES[b], **(HALF if "f16" in (a, b) else {}))
        for symbol in ("+", "*", "/", "<")
        for a, b in MIXED
    ),
    *(
        case(f"x {symbol} y", x=data, y=data, **(HALF if data.dtype == "float16" else {}))
        for symbol in ("//", "%")
        for data in (f16(2, 3, low=0.5, high=2), *SMALL)
    ),
    *(
        case(f"x {symbol} y", x=f32(2, 3, low=-5, high=5), y=f32(3, low=-2, high=-0.3))
        for symbol in ("//", "%")
    ),
    *(
        case(f"x {symbol} {y}", x=x)
        for symbol in ("//", "%")
        for y in (2, -3, 2.5, -2.5)
        for x in (f32(7, low=-5, high=5), i32(7, low=-9, high=9), u8(5))
        if not (x.dtype == "uint8" and y < 0)
    ),
    *(case(f"x {symbol} y", x=X, y=DIVISOR) for symbol in OPERATORS),
    *(
        case(f"x {symbol} {y}", x=x, **(HALF if x.dtype == "float16" else {}))
        for symbol in OPERATORS
        for y in (3, 1.5, True)
        for x in (X, f16(2, 3), i32(2, 3), u8(2, 3))
        if symbol not in ("//", "%")
    ),
    *(
        case(f"{y} {symbol} x", x=x, **(HALF if x.dtype == "float16" else {}))
        for symbol in OPERATORS
        for y in (3, 1.5)
        for x in (POSITIVE, f16(2, 3, low=0.5, high=2), i32(2, 3, low=1), u8(2, 3, low=1))
    ),
    *(case(f"x.__i{name}__(y)", x=X, y=DIVISOR) for name in OPERATORS.values()),
    *(case(f"x.__i{name}__(2)", x=X) for name in OPERATORS.values()),
    *(case(f"x {symbol} {y}", x=b8(2, 3)) for symbol in ("+", "*", "-") for y in (2, 1.5)),
    *(
        case(f"x {symbol} y", x=b8(2, 3), y=y, **(HALF if y.dtype == "float16" else {}))
        for symbol in ("+", "*")
        for y in (f32(3), f16(3), i32(3), u8(3))
    ),
    case("x + y", x=f32(2, 1, 3), y=f32(4, 1)),
    case("x + y", x=f32(), y=f32(2)),
    case("x + y", x=f32(), y=f32()),
    case("x - y", x=f32(1, 4), y=f32(1, 1), dynamic=True),
    case("x * y", x=f32(2, 3), y="mge.Tensor([1.0, 2.0, 3.0])"),
    case("x * np.array([1.0, 2.0, 3.0], dtype='float32')", x=X),
    case("np.array([1.0, 2.0, 3.0], dtype='float32') * x", x=X),
    case("x + np.float32(2)", x=X),
    case("x + np.array([1, 2, 3], dtype='int32')", x=i32(2, 3)),
    case("x + x.shape[0]", x=f32(1, 3), dynamic=True),
    case("x / x.shape[0]", x=i32(1, 3), dynamic=True),
    case("(x.shape[0] * 2 - 1) * x", x=f32(1, 3), dynamic=True),
]

POWERS: list[Case] = [
    *(case(f"x ** {y}", x=POSITIVE) for y in (2, 3, 0.5, -1, -0.5, 1, 0)),
    *(case(f"x ** {y}", x=X) for y in (2, 3, -1, 2.0)),
    *(case(f"x ** {y}", x=x) for y in (2, 3, 2.0, 0.5) for x in (i32(2, 3, low=1), u8(2, 3))),
    *(case(f"{y} ** x", x=x, rtol=1e-4) for y in (2, 1.5) for x in (X, i32(2, 3))),
    case("x ** y", x=POSITIVE, y=f32(3)),
    case("x ** y", x=i32(2, 3, low=1), y=i32(3, low=0, high=3)),
    case("x ** y", x=f16(2, 3, low=0.5, high=2), y=f16(3), **HALF),
    case("F.pow(x, 1.5)", x=POSITIVE),
    case("F.pow(x, y)", x=POSITIVE, y=f32(2, 1)),
    case("x.__ipow__(2)", x=X),
]

CLIPS: list[Case] = [
    *(
        case(f"F.clip(x, {limits})", x=f32(2, 3, low=-3, high=3))
        for limits in ("-1, 1", "-1.5, 0.5", "lower=0", "upper=1", "None, 0.5", "2, -1")
    ),
    case("F.clip(x, 2, 3)", x=i32(2, 3)),
    case("F.clip(x, -1.5, 1.5)", x=i32(2, 3)),
    case("F.clip(x, y, z)", x=X, y=f32(3, low=-1, high=0), z=f32(2, 1, low=0, high=1)),
    case("F.clip(x, -1, y)", x=X, y=f32(3, low=-1, high=0)),
    case("F.clip(x, -0.5, 0.5)", x=f16(2, 3)),
    case("F.maximum(x, 0)", x=X),
    case("F.minimum(x, 6)", x=u8(2, 3)),
    case("F.maximum(x, 2.5)", x=i32(2, 3)),
    case("F.maximum(0, x)", x=i32(2, 3)),
]

COMPARED = {
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "==": "equal",
    "!=": "not_equal",
}

COMPARISONS: list[Case] = [
    *(case(f"x {symbol} y", x=f32(2, 3), y=f32(3)) for symbol in COMPARED),
    *(
        case(f"x {symbol} {y}", x=x)
        for symbol in COMPARED
        for y in (1, 0.5)
        for x in (f32(2, 3), i32(2, 3), u8(2, 3), f16(2, 3))
    ),
    *(case(f"1 {symbol} x", x=i32(2, 3)) for symbol in COMPARED),
    *(
        case(f"F.{name}(x, y)", x=data, y=data)
        for name in COMPARED.values()
        for data in (i32(2, 8), u8(2, 8, high=3), i8(2, 8), i16(2, 8), f16(2, 3), b8(2, 8))
    ),
    *(case(f"F.{name}(x, 0)", x=X) for name in COMPARED.values()),
    case("x == y", x=i32(2, 3), y=f32(2, 3)),
    case("x < y", x=b8(2, 3), y=i32(2, 3)),
    case("x > 0.5", x=b8(2, 3)),
    case("x == 1", x=b8(2, 3)),
]

LOGIC: list[Case] = [
    *(case(f"x {symbol} y", x=b8(2, 8), y=b8(8)) for symbol in "&|^"),
    *(case(f"F.logical_{name}(x, y)", x=b8(2, 8), y=b8(8)) for name in ("and", "or", "xor")),
    *(case(f"x.__i{name}__(y)", x=b8(8), y=b8(8)) for name in ("and", "or", "xor")),
    *(case(f"x.__r{name}__(y)", x=b8(8), y=b8(8)) for name in ("and", "or", "xor")),
    case("~x", x=b8(2, 3)),
    case("F.logical_not(x)", x=b8(2, 3)),
    *(
        case(f"x {symbol} {y}", x=data)
        for symbol in ("<<", ">>")
        for y in (0, 1, 3)
        for data in (i32(2, 3), i16(2, 3), i8(2, 3, low=-15, high=15), u8(2, 3))
    ),
    *(case(f"x {symbol} y", x=i32(2, 3), y=i32(3, low=0, high=4)) for symbol in ("<<", ">>")),
    *(case(f"F.{name}_shift(x, 2)", x=i32(2, 3)) for name in ("left", "right")),
    *(case(f"1 {symbol} x", x=i32(2, 3, low=0, high=4)) for symbol in ("<<", ">>")),
    *(case(f"x.__i{name}__(2)", x=i32(2, 3)) for name in ("lshift", "rshift")),
]

KINDS = (X, f16(2, 3), *INTEGERS, b8(2, 3))
NAMES = ("float32", "float16", "int32", "int16", "int8", "uint8", "bool")

CONVERSIONS: list[Case] = [
    *(
        case(f"x.astype('{name}')", x=data)
        for name in NAMES
        for data in KINDS
        if not (name == "uint8" and data.low != 0)
    ),
    case("x.astype(np.int32)", x=f32(2, 3, low=-4, high=4)),
    case("x.astype(np.dtype('float16'))", x=X),
    case("x.astype(x.dtype)", x=i32(3)),
    case("x.astype('float32') / 2", x=u8(3)),
    *(
        case(text, x=X)
        for text in (
            "x.detach()",
            "F.copy(x)",
            "x.to('cpu0')",
            "F.copy(x, 'cpu0')",
            "F.copy(x, device='cpu0')",
        )
    ),
    *(
        case("F.where(m, x, y)", m=b8(2, 3), x=data, y=data)
        for data in (X, f16(2, 3), i32(2, 3), u8(2, 3), i8(2, 3))
    ),
    case("F.where(m, x, y)", m=b8(2, 3), x=X, y=i32(2, 3)),
    case("F.where(x > 0, x, F.exp(x))", x=f32(1, 4), dynamic=True),
    case("F.where(m, x, y)", m=b8(2, 1), x=f32(2, 3), y=f32(3)),
]

CASES = [*FUNCTIONS, *BINARY, *POWERS, *CLIPS, *COMPARISONS, *LOGIC, *CONVERSIONS]
