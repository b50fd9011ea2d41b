"""Reading and writing by index."""

from __future__ import annotations

from tests.cases.case import Case, b8, case, f16, f32, i8, i32, u8

X = f32(4, 5, 6)
BASIC = (
    "0",
    "-1",
    "1, 2",
    "1, -2, 3",
    ":",
    "1:",
    ":-1",
    "1:3",
    "::2",
    "1::2",
    "-3:-1",
    "10:",
    ":10",
    "3:1",
    "::-1",
    "3:0:-1",
    "-1:0:-2",
    "::-2",
    ":, 1",
    ":, 1:3",
    ":, -1",
    "..., 0",
    "..., 1:3",
    "0, ...",
    "...",
    "..., ::2, ::2",
    "None",
    ":, None",
    "..., None",
    "None, ..., None",
    ":, 1:5:2, None, ...",
    "0, None, 1",
    "1, :, -2:",
    ":, ::-1",
    ":, 0, :",
    "None, 1, ..., 2",
    "0:1, 0:1, 0:1",
    "2:2",
)
ADVANCED = (
    "[0, 2]",
    ":, [0, 2, 1]",
    "..., [1, 3]",
    "[0, 1], [1, 2]",
    "[0, 1], :, [1, 2]",
    ":, [0, 1], [1, 2]",
    "[[0], [1]], [1, 2]",
    "0, [1, 2]",
    "0, :, [1, 2]",
    "[1, 2], 0",
    "[0, 1], 1:3",
    "1:3, [0, 1]",
    "[0, 1], 1:3, [0, 2]",
    "None, [0, 1]",
    "[0, 1], None",
    "[0, 1], None, [1, 2]",
    "[-1, -2]",
    "[0, 1], ..., [1, 2]",
    "::2, [1, 0]",
    ":, :, [[0, 1], [2, 3]]",
    "np.array([2, 0])",
    ":, np.array([[0, 1], [1, 0]])",
    "[1], 1, [2]",
    "1, [1, 2], 2",
    "..., 1, [0, 1]",
    "[True, False, True, False]",
    "np.array([True, False, True, True])",
    ":, np.array([True, False, True, True, False])",
    "np.arange(20).reshape(4, 5) % 3 == 0",
    "[0, 1], np.array([True, False, False, True, False])",
    "::-1, [0, 1]",
)

READING: list[Case] = [
    *(case(f"x[{index}]", x=X) for index in (*BASIC, *ADVANCED)),
    *(
        case(f"x[{index}]", x=data)
        for index in ("0", "1:", "[1, 0]", ":, ::-1")
        for data in (f16(3, 4), i32(3, 4), u8(3, 4), i8(3, 4), b8(3, 4))
    ),
    *(
        case(f"x[{index}]", x=X, i=i32(low=0, high=3))
        for index in ("i", ":, i", "i, 1", "i, [0, 1]", "..., i")
    ),
    *(
        case(f"x[{index}]", x=X, i=i32(3, low=0, high=3))
        for index in (
            "i",
            ":, i",
            "..., i",
            "i, i",
            "i, :, i",
            "0, i",
            "i, 0",
            "1:3, i",
            "None, i",
            "i, [0, 1, 2]",
        )
    ),
    *(
        case(f"x[{index}]", x=X, i=i32(2, 3, low=0, high=3))
        for index in ("i", ":, i", "i, i", "i, i[0]")
    ),
    *(case(f"x[{index}]", x=X, i=i32(1, low=1, high=2)) for index in ("i:", ":i[0]", "i[0]:")),
    case("x[i]", x=X, i="mge.Tensor([2, 0, 1])"),
    case("x[:, i]", x=X, i="mge.Tensor([2, 0, 1])"),
    case("x[i]", x=X, i="mge.Tensor(np.array([True, False, True, False]))"),
    case("x[i]", x=X, i=i32(3, low=-4, high=-1)),
    case("x[x > 0]", x=f32(3, 4)),
    case("F.cond_take(x > 0, x)", x=f32(3, 4)),
    *(
        case(f"x[{index}]", x=f32(1, 5, 6), dynamic=True)
        for index in (
            ":, 0",
            ":, 1:3",
            "..., ::2",
            ":, [0, 2]",
            ":, -1",
            ":, None",
            "0",
            ":1",
            ":, ::-1",
            "0:x.shape[0]",
            ":, 1:x.shape[1] - 1",
            "..., :x.shape[2] // 2",
            ":, x.shape[1] // 2:",
            ":, :, np.array([0, 1])",
            ":, [0, 1], [2, 3]",
            "::-1",
            "-1",
            ":-1",
            "1:",
            "::2",
            "[0]",
            "::1, 2",
            "..., 2, 1:",
            ":, [0, 1], 2:4",
        )
    ),
    case("x[:, i]", x=f32(1, 5, 6), i="mge.Tensor([2, 0])", dynamic=True),
    case(
        "x[i]",
        x="mge.Tensor(np.arange(12, dtype='float32').reshape(4, 3))",
        i=i32(1, 2, low=0, high=3),
        dynamic=True,
    ),
    case("x[F.arange(x.shape[0], dtype='int32'), F.argmax(x, 1)]", x=f32(1, 5), dynamic=True),
    *(
        case(f"F.gather(x, {axis}, i)", x=f32(3, 4), i=i32(3, 4, low=0, high=2))
        for axis in (0, 1, -1)
    ),
    case("F.gather(x, 1, i)", x=f32(3, 4), i=i32(2, 5, low=0, high=3)),
    case("F.gather(x, 2, i)", x=f32(2, 3, 4), i=i32(2, 3, 2, low=0, high=3)),
    case("F.gather(x, axis=1, index=i)", x=f32(1, 4), i=i32(1, 2, low=0, high=3), dynamic=True),
    *(
        case(f"F.scatter(x + 0, {axis}, i, s)", x=f32(3, 4), i=f"mge.Tensor({i})", s=f32(2, 3))
        for axis, i in (
            (0, [[0, 2, 1], [1, 0, 2]]),
            (1, [[0, 2, 1], [1, 0, 3]]),
            (-1, [[3, 2, 1], [1, 0, 3]]),
        )
    ),
]

SET = "(lambda z: [z.__setitem__({index}, {value}), z][1])(x + 0)"


def written(index: str, value: str, **operands: object) -> Case:
    """Return the case of `x[index] = value`."""
    sliced = (
        f"np.s_[{index}]" if "i" not in index.split(", ") and "np." not in index else f"({index},)"
    )
    return case(SET.format(index=sliced, value=value), **operands)  # type: ignore[arg-type]


WRITING: list[Case] = [
    *(
        written(index, "1.5", x=X)
        for index in (
            "0",
            "-1",
            "1:3",
            "::2",
            "1::2",
            ":, 1",
            ":, 1:3",
            "..., 0",
            "..., ::2",
            "1, 2",
            "1:3, 2:4",
            ":",
            "...",
            "::-1",
            ":, 2:4, ::3",
            "1, :, -1",
            "3:1",
            "0, 1, 2",
            "..., :2",
            "[0, 2]",
            ":, [0, 2]",
            "[0, 1], [1, 2]",
            "[0, 1], :, [1, 2]",
            "1:3, [0, 1]",
            "..., -2:",
        )
    ),
    written("0", "y", x=X, y=f32(5, 6)),
    written("1:3", "y", x=X, y=f32(2, 5, 6)),
    written("1:3", "y", x=X, y=f32(6)),
    written(":, 1", "y", x=X, y=f32(4, 6)),
    written(":, ::2", "y", x=X, y=f32(4, 3, 6)),
    written("..., 1:3", "y", x=X, y=f32(4, 5, 2)),
    written("..., 1:3", "y", x=X, y=f32(5, 1)),
    written("[0, 2]", "y", x=X, y=f32(2, 5, 6)),
    written("[0, 2], [1, 3]", "y", x=X, y=f32(2, 6)),
    written("::-1", "y", x=X, y=f32(4, 5, 6)),
    written(":, ::-2", "y", x=X, y=f32(4, 3, 6)),
    written("0", "2", x=i32(3, 4)),
    written("0", "x[1]", x=f32(3, 4)),
    written("1:3", "y", x=f32(4, 2), y=i32(2, 2)),
    case("(lambda z: [z.__setitem__(i, 1.0), z][1])(x + 0)", x=X, i=i32(2, low=0, high=1)),
    case("(lambda z: [z.__setitem__(x > 0, 1.0), z][1])(x + 0)", x=f32(3, 4)),
    case(
        "(lambda z: [z.__setitem__(i, 1.0), z][1])(x + 0)",
        x=f32(3),
        i="mge.Tensor(np.array([True, False, True]))",
    ),
    *(
        written(index, "0.5", x=f32(1, 5, 6), dynamic=True)
        for index in (":, 0", ":, 1:3", "..., ::2", ":, 1:3, 2", "..., -1", "0", ":, [0, 2]")
    ),
    written(":, 0", "y", x=f32(1, 5, 6), y=f32(1, 6), dynamic=True),
]

CASES = [*READING, *WRITING]
