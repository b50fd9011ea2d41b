"""Shapes and axes, joining and cutting."""

from __future__ import annotations

from tests.cases.case import Case, b8, case, f16, f32, i8, i16, i32, u8

X = f32(2, 3, 4)
ANY = (f16(2, 3), i8(2, 3), i16(2, 3), i32(2, 3), u8(2, 3), b8(2, 3))

SHAPES: list[Case] = [
    *(
        case(text, x=X)
        for text in (
            "x.reshape(6, 4)",
            "x.reshape((6, 4))",
            "x.reshape([6, -1])",
            "x.reshape(-1)",
            "x.reshape(2, -1, 2)",
            "x.reshape(x.shape[0], -1)",
            "x.reshape(-1, x.shape[2])",
            "x.reshape(x.shape[0] * x.shape[1], x.shape[2])",
            "x.reshape(x.shape)",
            "x.reshape(*x.shape, 1)",
            "F.reshape(x, (6, 4))",
            "F.reshape(x, (-1, 4))",
            "F.reshape(x, x.shape)",
            "F.reshape(x, [x.shape[0], 12])",
            "F.reshape(x, -1)",
            "x.reshape(x.shape[:2] + (4,)) if isinstance(x.shape, tuple) else x.reshape(2, 3, 4)",
            "x.reshape(F.concat([x.shape[:1], x.shape[1:]]))",
            "x.reshape(np.array([6, 4]))",
            "x.reshape(x.size)",
            "x.flatten()",
            "x.flatten(1)",
            "x.flatten(0, 1)",
            "x.flatten(1, -1)",
            "x.flatten(-2)",
            "x.flatten(0, -2)",
            "F.flatten(x)",
            "F.flatten(x, 1)",
            "F.flatten(x, 0, 1)",
            "F.flatten(x, start_axis=1)",
            "F.flatten(x, 1, 1)",
            "x.transpose(2, 0, 1)",
            "x.transpose((1, 0, 2))",
            "x.transpose([0, 2, 1])",
            "x.T",
            "x.transpose(1, 'x', 0, 2)",
            "F.transpose(x, (2, 1, 0))",
            "F.transpose(x, [0, 2, 1])",
            "F.transpose(x, ('x', 0, 1, 2))",
            "F.swapaxes(x, 0, 2)",
            "F.swapaxes(x, -1, -2)",
            "F.swapaxes(x, 1, 1)",
            "F.expand_dims(x, 0)",
            "F.expand_dims(x, -1)",
            "F.expand_dims(x, (0, 2))",
            "F.expand_dims(x, [1, -1])",
            "F.expand_dims(x, 1)",
            "F.expand_dims(x, (1, 2))",
            "F.broadcast_to(x, (5, 2, 3, 4))",
            "F.broadcast_to(x, x.shape)",
            "F.broadcast_to(F.expand_dims(x, 2), (2, 3, 6, 4))",
            "x._broadcast((2, 2, 3, 4))",
            "x.shape",
            "x.shape[1]",
            "x.shape[-1]",
            "x.shape[1:]",
            "x.shape[:-1]",
            "x.size",
            "x.shape[0] + x.shape[1]",
            "x * x.ndim",
        )
    ),
    *(
        case(f"F.broadcast_to(x, {shape})", x=f32(3, 1))
        for shape in ("(2, 3, 4)", "(3, 4)", "[3, 5]", "(2, 3, 1)")
    ),
    case("F.broadcast_to(x, (3,))", x=f32(1)),
    case("F.broadcast_to(x, (2, 3))", x=f32()),
    *(
        case(f"F.squeeze(x{axis})", x=f32(1, 3, 1, 2, 1))
        for axis in ("", ", 0", ", 2", ", -1", ", (0, 2)", ", [0, -1]", ", axis=4")
    ),
    case("F.squeeze(x)", x=f32(1)),
    case("x.reshape(())", x=f32(1)),
    case("x.reshape(1)", x=f32()),
    case("x.reshape(1, 1)", x=f32()),
    case("x.transpose()", x=f32(3)),
    case("x.flatten()", x=f32(3)),
    case("F.expand_dims(x, 0)", x=f32()),
    case("x.transpose(1, 0)", x=f32(0, 3)),
    case("F.transpose(x, (1,))", x=f32(1, 3)),
    *(
        case(text, x=data)
        for text in (
            "x.reshape(3, 2)",
            "x.transpose(1, 0)",
            "F.expand_dims(x, 1)",
            "F.broadcast_to(x, (2, 2, 3))",
            "F.concat([x, x])",
            "F.roll(x, 1, 0)",
            "F.repeat(x, 2, 1)",
            "F.tile(x, (2, 1))",
        )
        for data in ANY
    ),
]

NUMBERS: list[Case] = [  # numbers that shapes or constants give, where Python's ones are expected
    *(
        case(text, x=f32(1, 2, 6, 6))
        for text in (
            "F.concat([x, x], axis=x.shape[1])",
            "F.flatten(x, 0, x.shape[1])",
            "F.cumsum(x, x.shape[1])",
            "F.swapaxes(x, x.shape[1], 1)",
            "F.repeat(x, 2, x.shape[1])",
            "F.full_like(x, x.shape[1])",
            "F.pad(x, ((0, 0), (0, 0), (1, 1), (1, 0)), constant_value=x.shape[1])",
            "F.group_norm(x, x.shape[1], False)",
            "F.local_response_norm(x, 3, x.shape[1])",
            "F.norm(x, ord=x.shape[1], axis=1)",
        )
    ),
    *(
        case(text, x=f32(1, 2, 6, 6), w=f"mge.Parameter(np.ones({shape}, np.float32))")
        for text, shape in (
            ("F.conv2d(x, w, groups=x.shape[1])", (2, 1, 1, 3, 3)),
            ("F.conv_transpose2d(x, w, groups=x.shape[1])", (2, 1, 2, 3, 3)),
        )
    ),
]

DYNAMIC: list[Case] = [
    *(
        case(text, x=f32(1, 4, 6), dynamic=True)
        for text in (
            "x.reshape(x.shape[0], -1)",
            "x.reshape(-1, 6)",
            "x.reshape(x.shape[0], 2, 2, 6)",
            "x.reshape(-1, x.shape[1] * x.shape[2])",
            "x.reshape(x.shape[0] * 4, 6)",
            "F.flatten(x, 1)",
            "x.flatten(0, 1)",
            "x.flatten()",
            "F.flatten(x, 1, 2)",
            "x.transpose(1, 0, 2)",
            "F.expand_dims(x, 0)",
            "x.T",
            "x.shape",
            "x.shape[0]",
            "x.shape[0] // 2 + 3",
            "x.size",
            "F.broadcast_to(x, (2, x.shape[0], 4, 6))",
            "F.zeros((x.shape[0], 12)) + 1",
            "F.ones((x.shape[0], 1, 6)) * x",
            "F.zeros(x.shape)",
            "F.full((x.shape[0], 2), 0.25)",
            "F.zeros_like(x) + 1",
            "F.ones_like(x)",
            "F.full_like(x, 3)",
            "F.concat([x, x], 1)",
            "F.concat([x, x], 0)",
            "F.stack([x, x], 1)",
            "F.stack([x, x], 0)",
            "F.split(x, 2, 1)",
            "F.split(x, [1, 3], 1)",
            "F.roll(x, 1, 1)",
            "F.roll(x, (-1, 2), (1, 2))",
            "F.repeat(x, 2, 1)",
            "F.repeat(x, 2, 0)",
            "F.repeat(x[:1, 0], x.shape[0], 0)",
            "F.repeat(x, x.shape[0], 1)",
            "F.tile(x, (1, 2, 1))",
            "F.tile(x, (2, 1, 1))",
            "F.repeat(x, 3)",
            "F.arange(x.shape[0])",
            "F.arange(x.shape[0], dtype='int32')",
            "F.arange(1, x.shape[0] + 2)",
            "F.arange(0, x.shape[0] * 2, 2)",
            "F.linspace(0, x.shape[0], x.shape[0])",
            "F.linspace(0, 1, x.shape[0] + 1)",
            "F.linspace(0, x.shape[0] - 1, 7)",
            "F.broadcast_to(F.arange(x.shape[0]).reshape(-1, 1), (x.shape[0], 3))",
            "F.eye(x.shape[0])",
            "F.eye(x.shape[0], 4)",
            "F.concat([x[:1], x])",
            "x.reshape(F.concat([x.shape[:1], x.shape[2:], x.shape[1:2]]))",
            "x.reshape(x.shape[0], x.shape[1], 2, x.shape[2] // 2).transpose(0, 2, 1, 3)",
            "F.squeeze(F.expand_dims(x, 3), 3)",
            "F.swapaxes(x, 0, 1)",
            "F.roll(x, 1)",
            "F.zeros((x.shape[0] + 1, 2))",
            "F.roll(x, 1, 0)",
        )
    ),
    case(
        "F.concat([x, F.broadcast_to(w, (x.shape[0], 1, 6))], 1)",
        x=f32(1, 4, 6),
        w="mge.Parameter(np.zeros((1, 1, 6), 'float32'))",
        dynamic=True,
    ),
    case("x + F.broadcast_to(y, x.shape)", x=f32(1, 4), y=f32(1, 1), dynamic=True),
]

JOINING: list[Case] = [
    *(case(f"F.concat([x, y], {axis})", x=f32(2, 3, 4), y=f32(2, 3, 4)) for axis in (0, 1, 2, -1)),
    case("F.concat([x, y], axis=1)", x=f32(2, 3), y=f32(2, 1)),
    case("F.concat((x, y, x), 1)", x=f32(2, 3), y=f32(2, 1)),
    case("F.concat([x], 1)", x=f32(2, 3)),
    case("F.concat([x, y])", x=f32(2), y=i32(3)),
    case("F.concat([x, y])", x=i8(2), y=i32(3)),
    case("F.concat([x, w], 1)", x=f32(2, 3), w="mge.Tensor(np.ones((2, 1), 'float32'))"),
    *(case(f"F.stack([x, y], {axis})", x=f32(2, 3), y=f32(2, 3)) for axis in (0, 1, 2, -1, -2)),
    case("F.stack((x, x, x))", x=f32()),
    case("F.stack([x, y], axis=1)", x=i32(2, 3), y=i32(2, 3)),
    case("F.stack([x, y])", x=f32(3), y=i32(3)),
    *(
        case(f"F.split(x, {more})", x=f32(4, 6))
        for more in (
            "2",
            "3, 1",
            "2, -1",
            "[1, 3], 1",
            "(2, 5), axis=1",
            "[2], 0",
            "1",
            "[1, 1, 4], 1",
        )
    ),
    case("F.split(x, 3, 1)", x=f32(2, 7)),
    case("F.split(x, 4)", x=f32(6)),
    *(
        case(f"F.roll(x, {more})", x=f32(3, 4))
        for more in (
            "1",
            "-1",
            "1, 0",
            "-1, 1",
            "(1, 2), (0, 1)",
            "[1, -1], [0, -1]",
            "5, 1",
            "0, 1",
            "-7, 0",
            "2, axis=-1",
        )
    ),
    *(
        case(f"F.repeat(x, {more})", x=f32(2, 3))
        for more in ("2", "2, 0", "3, 1", "2, axis=1", "1, 0")
    ),
    case("F.repeat(x, 3)", x=f32()),
    *(case(f"F.tile(x, {more})", x=f32(2, 3)) for more in ("(2, 1)", "(1, 3)", "[2, 2]")),
    case("F.meshgrid(x, y)", x=f32(3), y=f32(4)),
    case("F.meshgrid(x, y, indexing='ij')", x=f32(3), y=f32(4)),
    case("F.meshgrid(x, y, z)", x=f32(2), y=f32(3), z=f32(4)),
    case("F.meshgrid(x)", x=f32(3)),
    *(
        case(f"F.diag(x{more})", x=data)
        for more in ("", ", 1", ", k=-1", ", 2")
        for data in (f32(3, 4), f32(3))
    ),
    case("F.diag(x)", x=i32(3, 3)),
]

CASES = [*SHAPES, *NUMBERS, *DYNAMIC, *JOINING]
