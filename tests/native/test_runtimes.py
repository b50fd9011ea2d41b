"""The roundings against the runtimes that have them: onnxruntime, LiteRT, MegEngine."""

import math

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema

from mgeconvert.ir import DType, Quant
from mgeconvert.ir.quantize import quantize_multiplier
from mgeconvert.native import (
    FixedPoint,
    Multipliers,
    Rounding,
    fake_quantize,
    quantize,
    requantize_fixed,
)
from tests.native.grids import Steps
from tests.tflite_backend.one_operator import Given, build, pack

TIES = np.array([*(np.arange(-600, 600) / 4), math.inf, -math.inf, math.nan, 3e38], np.float32)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16"])
@pytest.mark.parametrize("scale", [0.5, 0.1])
def test_onnxruntime_rounds_half_to_even(dtype, scale):
    import onnxruntime

    limits = np.iinfo(dtype)
    grid = Steps((scale,), (5,), int(limits.min), int(limits.max))
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"])],
        "quantize",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, TIES.shape)],
        [onnx.helper.make_tensor_value_info("y", kind, TIES.shape)],
        [
            onnx.helper.make_tensor("scale", onnx.TensorProto.FLOAT, [], [scale]),
            onnx.helper.make_tensor("zero", kind, [], [5]),
        ],
    )
    opset = onnx.helper.make_opsetid("", 21)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (want,) = session.run(None, {"x": TIES})
    got = quantize(TIES, grid, dtype=np.dtype(dtype), rounding=Rounding.EVEN)
    np.testing.assert_array_equal(got, want)


def litert(x, dtype, *, scales, zeros):
    """Return what LiteRT's reference kernel QUANTIZE makes of x."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    data = build(Given("QUANTIZE", (x.shape,), (x.shape,), "QuantizeOptions"), 3)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    types = (x.dtype.name, dtype)
    for tensor, name, scale, zero in zip(model.subgraphs[0].tensors, types, scales, zeros):
        tensor.type = getattr(schema.TensorType, name.upper())
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero]
    kernels = OpResolverType.BUILTIN_REF
    runtime = Interpreter(model_content=pack(model), experimental_op_resolver_type=kernels)
    runtime.allocate_tensors()
    runtime.set_tensor(runtime.get_input_details()[0]["index"], x)
    runtime.invoke()
    return runtime.get_tensor(runtime.get_output_details()[0]["index"])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_litert_quantizes_half_away_from_zero(dtype):
    x = TIES[np.abs(TIES) < 1e6]  # beyond, its conversion to integers is undefined
    zero = 0 if dtype == "int16" else 5
    limits = np.iinfo(dtype)
    want = litert(x, dtype, scales=(None, 0.5), zeros=(0, zero))
    grid = Steps((0.5,), (zero,), int(limits.min), int(limits.max))
    got = quantize(x, grid, dtype=np.dtype(dtype), rounding=Rounding.AWAY)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("scales", [(0.5, 2.0), (0.25, 0.5), (0.3, 0.7), (0.001, 0.9), (1.5, 0.5)])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_litert_requantizes_with_two_roundings(scales, dtype):
    random = np.random.default_rng(0)
    x = np.concatenate([np.arange(-3000, 3000), random.integers(-(2**20), 2**20, 3000)])
    x = x.astype(np.int32)
    want = litert(x, dtype, scales=scales, zeros=(0, 0))
    into, out = (float(np.float32(scale)) for scale in scales)
    multiplier, shift = quantize_multiplier(into / out)
    limits = np.iinfo(dtype)
    m = Multipliers((multiplier,), (shift,), 0, int(limits.min), int(limits.max))
    got = requantize_fixed(x, m, dtype=np.dtype(dtype), form=FixedPoint.TWICE)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("name", "zero"), [("qint8", 0), ("quint8", 5)])
def test_megengine_rounds_half_away_from_zero(name, zero):
    import megengine
    from megengine.core.tensor import dtype as dtypes
    from megengine.quantization.utils import QuantMode, create_qparams, fake_quant_tensor

    meta = dtypes._builtin_quant_dtypes[name]
    symmetric = zero == 0
    q = Quant(DType(meta.np_dtype_str), meta.qmin, meta.qmax, (0.5,), (zero,))
    mode = QuantMode.SYMMERTIC if symmetric else QuantMode.ASYMMERTIC
    number = None if symmetric else megengine.Tensor(np.float32(zero))
    x = megengine.Tensor(TIES)
    qparams = create_qparams(mode, meta, megengine.Tensor(np.float32(0.5)), number)
    np.testing.assert_array_equal(
        fake_quantize(TIES, q, rounding=Rounding.AWAY), fake_quant_tensor(x, qparams).numpy()
    )
    kind = getattr(dtypes, name)(0.5) if symmetric else getattr(dtypes, name)(0.5, zero)
    np.testing.assert_array_equal(
        quantize(TIES, q, dtype=q.dtype.numpy, rounding=Rounding.AWAY), x.astype(kind).numpy()
    )
