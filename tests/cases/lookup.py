"""Look-ups, and layers that do little or nothing in inference."""

from __future__ import annotations

from tests.cases.case import Case, case, f32, i32

TABLE = "mge.Parameter(np.arange(12, dtype='float32').reshape(4, 3))"
INDEX = i32(2, low=0, high=3)

CASES: list[Case] = [
    case("F.nn.one_hot(x, 5)", x=i32(4, low=0, high=4)),
    case("F.nn.one_hot(x, num_classes=3)", x=i32(2, 4, low=0, high=2)),
    case("F.nn.one_hot(x, 5)", x=i32(1, 4, low=0, high=4), dynamic=True),
    case("F.nn.indexing_one_hot(x, y)", x=f32(2, 4), y=INDEX),
    case("F.nn.indexing_one_hot(x, y, 1, True)", x=f32(2, 4), y=INDEX),
    case("F.nn.indexing_one_hot(x, y, axis=1)", x=f32(2, 4, 3), y=i32(2, 3, low=0, high=3)),
    case("F.nn.indexing_one_hot(x, y, axis=0)", x=f32(4, 3), y=i32(3, low=0, high=3)),
    case("F.nn.indexing_one_hot(x, y)", x=i32(2, 4), y=INDEX),
    case("F.nn.embedding(x, w)", x=i32(1, 5, low=0, high=3), w=TABLE, dynamic=True),
    case("F.nn.embedding(x, w)", x=i32(low=0, high=3), w=TABLE),
    case("m(x)", x=i32(1, 5, low=0, high=3), m="M.Embedding(4, 3)", dynamic=True),
    case("m(x)", x=f32(2, 3), m="M.Dropout(0.5)"),
    case("F.dropout(x, 0.5, False)", x=f32(2, 3)),
    case("m(x)", x=f32(2, 3), m="M.Identity()"),
    case("m(x)", x=f32(2, 3), m="M.QuantStub()"),
    case("m(x)", x=f32(2, 3), m="M.DequantStub()"),
    case("m([x, y])", x=f32(2, 3), y=f32(2, 3), m="M.Concat()"),
    case("m([x, y], 1)", x=f32(2, 3), y=f32(2, 1), m="M.Concat()"),
    *(
        case("m(x, y)", x=f32(2, 3), y=f32(2, 3), m=f"M.Elemwise('{mode}')")
        for mode in ("add", "mul", "max", "fuse_add_relu", "sub")
    ),
    *(case("m(x)", x=f32(2, 3), m=f"M.Elemwise('{mode}')") for mode in ("relu", "exp", "sigmoid")),
]
