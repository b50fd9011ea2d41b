"""MegEngine's operators applied as they are, as Apply expressions hold them."""

from __future__ import annotations

from tests.cases.case import Case, b8, case, f32, i32

X = f32(2, 3)
UNARY = (
    *("relu", "abs", "ceil", "cos", "exp", "expm1", "floor", "negate", "sigmoid", "sin", "tanh"),
    *("fast_tanh", "round", "erf", "erfc", "h_swish", "silu", "gelu", "sinh", "cosh", "asinh"),
    *("tan", "softplus", "logsigmoid", "sign", "square", "relu6", "hsigmoid"),
)
BINARY = (
    *("add", "floor_div", "max", "min", "mod", "mul", "sub", "switch_gt0", "true_div"),
    *("log_sum_exp", "lt", "leq", "eq", "fuse_add_relu", "fuse_add_sigmoid"),
    *("fuse_add_tanh", "fuse_add_h_swish", "atan2", "prelu"),
)
ITEM = "items=[[1, {}, {}, {}, {}]]"
SPAN = "items=[[1, True, True, False, False]]"
STEP = "items=[[0, False, True, False, False], [1, True, False, True, False]]"
AT = "items=[[1, False, False, False, True]]"
BOTH = "items=[[0, False, False, False, True], [1, False, False, False, True]]"
NODE = "comp_node=mge.core._imperative_rt.common.CompNode('xpux')"

ELEMENTWISE: list[Case] = [
    *(case(f"op('Elemwise', x, mode='{mode}')", x=X, rtol=1e-4) for mode in UNARY),
    *(
        case(f"op('Elemwise', x, mode='{mode}')", x=f32(2, 3, low=0.1, high=0.9))
        for mode in ("acos", "asin", "log", "log1p", "atanh", "sqrt")
    ),
    case("op('Elemwise', x, mode='acosh')", x=f32(2, 3, low=1.1, high=3)),
    *(case(f"op('Elemwise', x, y, mode='{mode}')", x=X, y=X) for mode in BINARY),
    case("op('Elemwise', x, y, mode='pow')", x=f32(2, 3, low=0.1, high=2), y=X),
    *(
        case(f"op('Elemwise', x, y, mode='{mode}')", x=b8(2, 8), y=b8(2, 8))
        for mode in ("and", "or", "xor")
    ),
    case("op('Elemwise', x, mode='not')", x=b8(2, 8)),
    *(
        case(f"op('Elemwise', x, y, mode='{mode}')", x=i32(2, 3), y=i32(2, 3, low=0, high=3))
        for mode in ("shl", "shr")
    ),
    *(
        case(f"op('Elemwise', x, y, z, mode='{mode}')", x=X, y=X, z=X)
        for mode in ("cond_leq_mov", "cond_lt_mov", "fuse_mul_add3", "clip")
    ),
    case("op('Elemwise', x, y, z, x, mode='fuse_mul_add4')", x=X, y=X, z=X),
    *(
        case(f"op('ElemwiseMultiType', x, mode='{mode}', dtype='bool')", x=X)
        for mode in ("isnan", "isinf")
    ),
    *(
        case(f"op('ElemwiseMultiType', x, y, mode='{mode}', dtype='bool')", x=X, y=X)
        for mode in ("lt", "leq", "eq", "neq")
    ),
    *(case(f"op('TypeCvt', x, dtype='{name}')", x=X) for name in ("int32", "float16", "int8")),
    case(f"op('Copy', x, {NODE})", x=X),
    case(f"op('Borrow', x, {NODE})", x=X),
    case("op('Identity', x)", x=X),
    case("op('FastpathCopy', x)", x=X),
]

AXES: list[Case] = [
    *(
        case(f"op('Reduce', x, mode='{mode}', axis=1{keep})", x=X)
        for mode in ("sum", "sum_sqr", "product", "max", "min", "mean")
        for keep in ("", ", keepdim=False")
    ),
    case("op('Reduce', x, mode='sum')", x=X),
    case("op('Reduce', x, mode='sum', axis=-1)", x=X),
    case("op('Reduce', x, mode='max', axis=0)", x=b8(2, 3)),
    *(case(f"op('{name}', x, axis=1)", x=f32(3, 5)) for name in ("Argmax", "Argmin")),
    *(
        case(f"op('Argsort', x, order='{order}')", x=f32(3, 5))
        for order in ("ascending", "descending")
    ),
    *(
        case(f"op('TopK', x, mge.Tensor({k}), mode='{mode}')", x=f32(3, 5))
        for mode in ("kth_only", "value_idx_sorted")
        for k in (2, -2)
    ),
    case("op('Cumsum', x, axis=1, exclusive=True, reverse=True)", x=X),
    case("op('Cumsum', x, axis=0, exclusive=False, reverse=False)", x=X),
    case("op('Reshape', x, shape=[3, 2])", x=X),
    case("op('Reshape', x, mge.Tensor([3, -1]), axis=1)", x=X),
    case("op('Broadcast', x, mge.Tensor([2, 2, 3]))", x=X),
    case("op('AddAxis', x, axis=[0, 2])", x=X),
    case("op('RemoveAxis', x, axis=[0, 0])", x=f32(1, 1, 3)),
    case("op('RemoveAxis', x, axis=[0, 1])", x=f32(1, 3, 1, 2)),
    case("op('Dimshuffle', x, pattern=[1, -1, 0])", x=X),
    case(f"op('Concat', x, x, axis=1, {NODE})", x=X),
    case(f"op('Stack', x, x, axis=1, {NODE})", x=X),
    case("op('Split', x, axis=1, nsections=3)", x=X),
    case("op('Split', x, mge.Tensor(1), mge.Tensor(2), axis=1)", x=X),
    case("op('GetVarShape', x)", x=X),
    case("op('GetVarShape', x, axis=1)", x=X),
    case("op('MatrixMul', x, y, dimA=2, dimB=2, transposeA=True)", x=f32(4, 3), y=f32(4, 5)),
    case("op('BatchedMatrixMul', x, y, dimA=3, dimB=3)", x=f32(2, 3, 4), y=f32(2, 4, 5)),
    case("op('Dot', x, y)", x=f32(4), y=f32(4)),
    case("op('Diag', x, k=1)", x=f32(3, 4)),
    case("op('MeshGrid', x, y, indexing='ij')", x=f32(3), y=f32(4)),
    case(f"x + op('Linspace', mge.Tensor(0), mge.Tensor(1), mge.Tensor(5), {NODE})", x=f32(1)),
    case(f"x + op('Eye', mge.Tensor([2, 3]), k=1, dtype='float32', {NODE})", x=f32(1)),
    case(f"x + op('Fill', mge.Tensor([2, 3]), value=3.0, dtype='float32', {NODE})", x=f32(1)),
    case(f"op('FillLike', x, value=2.0, {NODE})", x=X),
    case("op('CondTake', x, m)", x=f32(3), m="mge.Tensor(np.array([True, False, True]))"),
    case("op('Softmax', x, axis=1)", x=X),
]

INDEXED: list[Case] = [
    case(f"op('Subtensor', x, mge.Tensor(1), mge.Tensor(3), {SPAN})", x=f32(2, 5)),
    case(f"op('Subtensor', x, mge.Tensor(1), mge.Tensor(1), mge.Tensor(2), {STEP})", x=f32(2, 5)),
    case(f"op('Subtensor', x, mge.Tensor(1), {AT})", x=f32(2, 5)),
    case(f"op('IndexingMultiAxisVec', x, mge.Tensor([1, 0]), {AT})", x=f32(2, 5)),
    case(f"op('IndexingMultiAxisVec', x, i, i, {BOTH})", x=f32(2, 5), i=i32(3, low=0, high=1)),
    case(f"op('MeshIndexing', x, mge.Tensor([1, 0]), {AT})", x=f32(2, 5)),
    case(f"op('MeshIndexing', x, mge.Tensor([1, 0]), mge.Tensor([1, 2, 4]), {BOTH})", x=f32(2, 5)),
    case(
        f"op('SetSubtensor', x, y, mge.Tensor(1), mge.Tensor(3), {SPAN})", x=f32(2, 5), y=f32(2, 2)
    ),
    case(
        f"op('IncrSubtensor', x, y, mge.Tensor(1), mge.Tensor(3), {SPAN})", x=f32(2, 5), y=f32(2, 2)
    ),
    case(
        f"op('IndexingSetMultiAxisVec', x, y, mge.Tensor([1, 0]), {AT})", x=f32(2, 5), y=f32(2, 2)
    ),
    case(
        f"op('IndexingIncrMultiAxisVec', x, y, mge.Tensor([1, 1]), {AT})", x=f32(2, 5), y=f32(2, 2)
    ),
    case(
        f"op('SetMeshIndexing', x, y, mge.Tensor([1, 0]), mge.Tensor([1, 2, 4]), {BOTH})",
        x=f32(2, 5),
        y=f32(2, 3),
    ),
    case(
        f"op('IncrMeshIndexing', x, y, mge.Tensor([1, 0]), mge.Tensor([1, 2, 4]), {BOTH})",
        x=f32(2, 5),
        y=f32(2, 3),
    ),
    case(f"op('BatchedMeshIndexing', x, i, {AT})", x=f32(2, 5), i=i32(2, 2, low=0, high=4)),
    case(
        f"op('BatchedSetMeshIndexing', x, y, i, {AT})",
        x=f32(2, 5),
        y=f32(2, 2),
        i="mge.Tensor([[0, 2], [4, 1]])",
    ),
    case(
        f"op('BatchedIncrMeshIndexing', x, y, i, {AT})",
        x=f32(2, 5),
        y=f32(2, 2),
        i="mge.Tensor([[0, 2], [4, 1]])",
    ),
    case("op('IndexingOneHot', x, i, axis=1, ndim=2)", x=f32(4, 3), i=i32(4, low=0, high=2)),
    case(
        "op('IndexingSetOneHot', x, i, v, axis=1, ndim=2)",
        x=f32(4, 3),
        i=i32(4, low=0, high=2),
        v=f32(4, 1),
    ),
    case("op('MaskedFill', x, m, value=2.0)", x=X, m=b8(2, 3)),
    case(
        "op('MatrixInverse', x + w)",
        x=f32(3, 3, low=-0.2, high=0.2),
        w="mge.Tensor(np.eye(3, dtype='float32'))",
    ),
]

IMAGE = f32(1, 4, 6, 6)

LAYERS: list[Case] = [
    case("op('Convolution', x, y, stride_h=2, pad_w=1)", x=IMAGE, y=f32(3, 4, 3, 3), atol=1e-4),
    case("op('Convolution', x, y, sparse='group')", x=IMAGE, y=f32(2, 3, 2, 3, 3), atol=1e-4),
    *(
        case(f"op('Pooling', x, mode='{mode}', pad_h=1)", x=IMAGE)
        for mode in ("max", "average", "average_count_exclude_padding")
    ),
    *(
        case(f"op('AdaptivePooling', x, mge.Tensor([2, 3]), mode='{mode}')", x=IMAGE)
        for mode in ("max", "average")
    ),
    case("op('LRN', x)", x=IMAGE),
    case("op('PixelShuffle', x, factor=2)", x=IMAGE),
    *(
        case(
            f"op('Padding', x, padding_mode='{mode}', front_offset_dim1=1, back_offset_dim0=1)",
            x=f32(3, 4),
        )
        for mode in ("constant", "reflect", "replicate")
    ),
]

CASES = [*ELEMENTWISE, *AXES, *INDEXED, *LAYERS]
