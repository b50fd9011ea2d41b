"""Models of a single operator, built by the schema's own object API, and what they say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert._pywrap_tensorflow_lite_calibration_wrapper import CalibrationWrapper
from ai_edge_litert.interpreter import Interpreter

from mgeconvert.backends.tflite.versions import Operand

TYPES = {number: name for name, number in vars(schema.TensorType).items() if name[0] != "_"}
CODES = {number: name for name, number in vars(schema.BuiltinOperator).items() if name[0] != "_"}


@dataclass(frozen=True)
class Given:
    """An operator on float inputs (shapes), constants (arrays), float outputs (shapes)."""

    code: str
    inputs: tuple[Any, ...]
    outputs: tuple[tuple[int, ...], ...]
    options: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


def build(given: Given, version: int) -> bytes:
    """Return the model of one operator."""
    model, graph = _empty()
    indices = [_tensor(model, graph, x) for x in given.inputs]
    made = [_tensor(model, graph, shape) for shape in given.outputs]
    graph.inputs = [i for i, x in zip(indices, given.inputs) if isinstance(x, tuple)]
    graph.outputs = made
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, indices, made
    if given.options:
        options = getattr(schema, f"{given.options}T")()
        for name, value in given.fields.items():
            assert hasattr(options, name)
            setattr(options, name, value)
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, given.options)
        operator.builtinOptions = options
    graph.operators = [operator]
    model.operatorCodes = [_code(given.code, version)]
    return pack(model)


def quantize(data: bytes, given: Given, dtype: str) -> Any:
    """Return the float model after LiteRT's own quantizer, as an object."""
    wrapper = CalibrationWrapper(data, [], [])
    wrapper.Prepare()
    random = np.random.default_rng(0)
    shapes = [x for x in given.inputs if isinstance(x, tuple)]
    wrapper.FeedTensor([random.uniform(-1, 1, shape).astype(np.float32) for shape in shapes])
    kinds = [np.dtype(kind).num for kind in ("f4", "f4", dtype, "i4" if dtype == "i1" else "i8")]
    made = wrapper.QuantizeModel(kinds[0], kinds[1], False, kinds[2], kinds[3], False, False)
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(made, 0))


def uses(model: Any) -> list[tuple[str, int, list[Operand | None], list[Operand | None], Any]]:
    """Return each operator of a model: code, version, inputs, outputs, options."""
    graph = model.subgraphs[0]
    found = []
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        ins = [None if i < 0 else _operand(graph.tensors[i]) for i in operator.inputs]
        outs = [None if i < 0 else _operand(graph.tensors[i]) for i in operator.outputs]
        options = vars(operator.builtinOptions) if operator.builtinOptions else {}
        found.append((CODES[code.builtinCode], code.version, ins, outs, options))
    return found


def registered(code: str, version: int) -> bool:
    """Return whether LiteRT has this version of an operator."""
    model, graph = _empty()
    graph.inputs = graph.outputs = [_tensor(model, graph, (1,))]
    graph.operators = []
    model.operatorCodes = [_code(code, version)]
    try:
        Interpreter(model_content=pack(model))
    except ValueError as error:
        assert "Didn't find op for builtin opcode" in str(error), error
        return False
    return True


def pack(model: Any) -> bytes:
    """Return a model's bytes."""
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _empty() -> tuple[Any, Any]:
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
    model.metadata, graph.tensors = [], []
    return model, graph


def _code(code: str, version: int) -> Any:
    made = schema.OperatorCodeT()
    made.builtinCode = getattr(schema.BuiltinOperator, code)
    made.deprecatedBuiltinCode, made.version = min(made.builtinCode, 127), version
    return made


def _tensor(model: Any, graph: Any, given: Any) -> int:
    tensor = schema.TensorT()
    tensor.name = f"t{len(graph.tensors)}"
    if isinstance(given, tuple):
        tensor.shape, tensor.type, tensor.buffer = list(given), schema.TensorType.FLOAT32, 0
    else:
        array = np.asarray(given)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.shape, tensor.buffer = list(array.shape), len(model.buffers) - 1
        tensor.type = getattr(schema.TensorType, array.dtype.name.upper())
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _operand(tensor: Any) -> Operand:
    shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
    quantization = tensor.quantization
    scales = [] if quantization is None or quantization.scale is None else quantization.scale
    return Operand(
        TYPES[tensor.type],
        len(shape),
        per_channel=len(scales) > 1,
        shape=shape,
        scale=float(scales[0]) if len(scales) else None,
    )
