"""Every operator that lets permutations through: what it becomes between two opposite ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from mgeconvert.ir import (
    CATALOGUE,
    DType,
    Graph,
    Layout,
    Op,
    TensorType,
    Value,
    evaluate,
    ops,
    verify,
)
from mgeconvert.ir.passes import run_passes
from mgeconvert.ir.passes.layout import settle_transposes
from tests.ir.layout_stand_ins import AT, FIRST, LAST, transposes

pytestmark = pytest.mark.core

SHAPE = (2, 3, 4, 5)  # N,H,W,C: the operators see (2, 5, 3, 4)
RANDOM = np.random.RandomState(3)


@dataclass(frozen=True)
class Case:
    """An operator on N,C,H,W, what it becomes on N,H,W,C, and what leads its results there.

    `others`: shapes of the operands after the first; those of rank 4 come transposed, the others
    are constants.
    """

    op: Op
    after: str
    others: tuple[tuple[int, ...], ...] = ()
    closing: tuple[int, ...] | None = LAST
    dtype: DType = DType.F32
    other_dtype: DType | None = None


B, I32, I64 = DType.BOOL, DType.I32, DType.I64
FLOAT_ONLY = "Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Elu Erf Exp Expm1 Floor Gelu"
FLOAT_ONLY += " HardSigmoid HardSwish Identity IsInf IsNan Log Log1p LogSigmoid Mish Neg Reciprocal"
FLOAT_ONLY += " Relu Round Selu Sigmoid Sign Silu Sin Sinh Softplus Softsign Sqrt Tan Tanh"
BINARY = "Add Atan2 Div Equal FloorDiv Fmod Greater GreaterEqual Less LessEqual Maximum Minimum Mod"
BINARY += " Mul NotEqual Pow PRelu Sub"
IMAGE = (2, 5, 3, 4)

CASES = [
    *(Case(CATALOGUE[name](), f"{name}()") for name in FLOAT_ONLY.split()),
    *(Case(CATALOGUE[name](), f"{name}()", (IMAGE,)) for name in BINARY.split()),
    *(Case(CATALOGUE[n](), f"{n}()", (IMAGE,), dtype=B) for n in ("And", "Or", "Xor")),
    *(
        Case(CATALOGUE[n](), f"{n}()", (IMAGE,), dtype=I32)
        for n in ("BitAnd", "BitOr", "BitXor", "ShiftLeft", "ShiftRight")
    ),
    Case(ops.Not(), "Not()", dtype=B),
    Case(ops.BitNot(), "BitNot()", dtype=I32),
    Case(ops.Clip(low=-0.5, high=0.5), "Clip(low=-0.5, high=0.5)"),
    Case(ops.LeakyRelu(alpha=0.1), "LeakyRelu(alpha=0.1)"),
    Case(ops.Cast(to=I32), "Cast(to=int32)"),
    Case(ops.Where(), "Where()", (IMAGE, IMAGE), dtype=B, other_dtype=DType.F32),
    Case(ops.Concat(axis=1), "Concat(axis=3)", (IMAGE, (2, 2, 3, 4))),
    Case(ops.Split(axis=2, sizes=(1, 2)), "Split(axis=1, sizes=(1, 2))"),
    Case(
        ops.Slice(starts=(0, 4, 1, 0), sizes=(2, 3, 2, 4), steps=(1, -2, 1, 1)),
        "Slice(starts=(0, 1, 0, 4), sizes=(2, 2, 4, 3), steps=(1, 1, 1, -2))",
    ),
    Case(
        ops.Pad(pads=((0, 0), (1, 2), (3, 0), (0, 0)), value=2.0),
        "Pad(pads=((0, 0), (3, 0), (0, 0), (1, 2)), value=2.0)",
    ),
    Case(ops.Tile(repeats=(1, 2, 3, 1)), "Tile(repeats=(1, 3, 1, 2))"),
    Case(ops.Squeeze(squeezed=()), "Squeeze(squeezed=())"),
    Case(ops.Unsqueeze(added=(1,)), "Unsqueeze(added=(1,))", closing=(0, 1, 3, 4, 2)),
    Case(ops.Reshape(shape=(2, 5, 12)), "Reshape(shape=(2, 12, 5))", closing=(0, 2, 1)),
    Case(ops.Expand(shape=(6, *IMAGE)), "Expand(shape=(6, 2, 3, 4, 5))", closing=(0, 1, 3, 4, 2)),
    Case(ops.Gather(axis=1), "Gather(axis=3)", ((2, 2),), closing=(0, 3, 4, 1, 2), other_dtype=I64),
    Case(ops.Gather(axis=2), "Gather(axis=1)", ((),), closing=(0, 2, 1), other_dtype=I32),
    Case(ops.GatherElements(axis=1), "GatherElements(axis=3)", (IMAGE,), other_dtype=I32),
    Case(
        ops.ScatterElements(axis=3),
        "ScatterElements(axis=2)",
        ((2, 4, 1, 2), (2, 4, 1, 2)),
        other_dtype=I32,
    ),
    Case(ops.OneHot(depth=3), "OneHot(depth=3)", closing=(0, 2, 3, 1, 4), dtype=I32),
    Case(ops.Softmax(axis=1), "Softmax(axis=3)"),
    Case(ops.LogSoftmax(axis=3), "LogSoftmax(axis=2)"),
    Case(ops.CumSum(axis=1, reverse=True), "CumSum(axis=3, reverse=True)"),
    Case(ops.TopK(axis=1, k=2), "TopK(axis=3, k=2)"),
    *(
        Case(cls(axis=1, keepdims=True), f"{cls.__name__}(axis=3, keepdims=True)")
        for cls in (ops.ArgMax, ops.ArgMin)
    ),
    Case(ops.ArgMax(axis=1), "ArgMax(axis=3)", closing=None),
    Case(ops.ArgMin(axis=2), "ArgMin(axis=1)", closing=(0, 2, 1)),
    *(
        Case(cls(reduced=(2, 1), keepdims=True), f"{cls.__name__}(reduced=(1, 3), keepdims=True)")
        for cls in (ops.ReduceSum, ops.ReduceMean, ops.ReduceMax, ops.ReduceMin, ops.ReduceProd)
    ),
    Case(ops.ReduceMean(reduced=(2, 3)), "ReduceMean(reduced=(1, 2))", closing=None),
    Case(ops.ReduceMax(reduced=(3,)), "ReduceMax(reduced=(2,))", closing=(0, 2, 1)),
]
LATER = {  # operators whose last axes stay: they stand between permutations of those before
    ops.Linear: Case(ops.Linear(), "Linear()", ((6, 5), (6,))),
    ops.MatMul: Case(ops.MatMul(), "MatMul()", ((5, 6),)),
    ops.LayerNorm: Case(ops.LayerNorm(axis=3, epsilon=1e-5), "LayerNorm(axis=3, epsilon=1e-05)"),
}


def test_every_operator_has_a_case() -> None:
    seen = {type(case.op) for case in CASES} | set(LATER)
    own = {c for c in CATALOGUE.values() if c.__module__.startswith("mgeconvert.ir")}
    free = {c for c in own if c.layout is not Layout.SENSITIVE}
    assert {c.__name__ for c in free - seen} == set()
    assert {c.__name__ for c in seen - free} == set()


def data(dtype: DType, shape: tuple[int, ...]) -> np.ndarray:
    if dtype is DType.F32:
        return RANDOM.uniform(0.1, 0.9, shape).astype(np.float32)
    return RANDOM.randint(0, 2, shape).astype(dtype.numpy)


def operands(graph: Graph, case: Case, feeds: dict[str, np.ndarray]) -> list[Value]:
    """Return the operands after the first."""
    found = []
    for i, shape in enumerate(case.others):
        dtype = case.dtype if i or case.other_dtype is None else case.other_dtype
        dtype = case.other_dtype if isinstance(case.op, ops.Where) else dtype
        if len(shape) != 4:
            found.append(graph.constant(f"k{i}", data(dtype, shape)))
            continue
        image = tuple(shape[axis] for axis in LAST)
        feeds[f"z{i}"] = data(dtype, image)
        z = graph.input(f"z{i}", TensorType(dtype, image))
        found.append(graph.add(ops.Transpose(perm=FIRST), z, name="t", at=AT))
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.op))
def test_permutation_goes_through(case: Case) -> None:
    graph = Graph()
    x = graph.input("x", TensorType(case.dtype, SHAPE))
    feeds = {"x": data(case.dtype, SHAPE)}
    first = graph.add(ops.Transpose(perm=FIRST), x, name="first", at=AT)
    others = operands(graph, case, feeds)
    results = graph.add_multi(case.op, first, *others, names=["y"], at=AT)
    for i, y in enumerate(results):
        if case.closing is not None:
            y = graph.add(ops.Transpose(perm=case.closing), y, name="z", at=AT)
        graph.output(f"y{i}", y)
    want = evaluate(graph, feeds)
    run_passes(graph, (settle_transposes,))
    assert transposes(graph) == []
    assert [str(node.op) for node in graph] == [case.after]
    exact = not isinstance(case.op, (ops.ReduceSum, ops.ReduceMean, ops.ReduceProd))
    for name, got in evaluate(graph, feeds).items():
        np.testing.assert_allclose(got, want[name], rtol=0 if exact else 1e-6)
    assert not settle_transposes.run(graph)


@pytest.mark.parametrize("case", LATER.values(), ids=lambda case: str(case.op))
def test_axes_before_the_features_may_move(case: Case) -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, SHAPE))
    feeds = {"x": data(DType.F32, SHAPE)}
    y = graph.add(ops.Transpose(perm=(1, 2, 0, 3)), x, name="t", at=AT)
    y = graph.add(case.op, y, *operands(graph, case, feeds), name="y", at=AT)
    graph.output("y", graph.add(ops.Transpose(perm=(2, 0, 1, 3)), y, name="t", at=AT))
    want = evaluate(graph, feeds)["y"]
    run_passes(graph, (settle_transposes,))
    assert [str(node.op) for node in graph] == [case.after]
    np.testing.assert_array_equal(evaluate(graph, feeds)["y"], want)


@pytest.mark.parametrize("case", LATER.values(), ids=lambda case: str(case.op))
def test_features_stay(case: Case) -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2, 5, 3, 4)))
    feeds = {"x": data(DType.F32, (2, 5, 3, 4))}
    y = graph.add(ops.Transpose(perm=LAST), x, name="t", at=AT)
    y = graph.add(case.op, y, *operands(graph, case, feeds), name="y", at=AT)
    graph.output("y", graph.add(ops.Transpose(perm=FIRST), y, name="t", at=AT))
    run_passes(graph, (settle_transposes,))
    assert transposes(graph) == [LAST, FIRST]
    verify(graph)
