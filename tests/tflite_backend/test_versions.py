"""Operator versions: exact ones, those LiteRT's quantizer writes, and that LiteRT has them all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from mgeconvert.backends.tflite.versions import newest, not_later, runtime, version
from mgeconvert.backends.tflite.versions_data import NEEDS
from mgeconvert.backends.tflite.versions_runtimes import RUNTIMES
from mgeconvert.errors import InternalError
from tests.tflite_backend.one_operator import Given, build, pack, quantize, registered, uses
from tests.tflite_backend.version_cases import GIVEN, operand

# versions that LiteRT 2.3.0 has and that no public table explains
UNEXPLAINED = {
    "CONCATENATION": 6,
    "COS": 2,
    "GELU": 3,
    "SIN": 2,
    "SLICE": 8,
    "SOFTMAX": 4,
    "TRANSPOSE": 9,
}
# int16 LSTM: in TensorFlow's table of versions, but not in the interpreter
NOT_REGISTERED = {("LSTM", 5), ("UNIDIRECTIONAL_SEQUENCE_LSTM", 5)}
# what the quantizer writes against TensorFlow's own table: for a bias that isn't there, for int8
OTHERWISE = {"TRANSPOSE_CONV": 3, "UNPACK": 1}

I16, W8 = "INT16[1,4,4,8]@0.5", "INT8[8,3,3,8]*@0.5"
EXACT: tuple[tuple[str, str, str, dict[str, Any], int], ...] = (
    ("CONV_2D", "INT8[1,4,4,8] INT8[8,3,3,8]* INT32[8]", "INT8[1,4,4,8]", {}, 3),
    ("CONV_2D", f"{I16} {W8} INT64[8]", I16, {}, 4),
    ("CONV_2D", f"{I16} {W8} INT64[8]", I16, {"quantizedBiasType": 4}, 8),
    ("CONV_2D", f"{I16} INT8[8,3,3,4]* INT64[8]", I16, {}, 6),
    ("CONV_2D", "FLOAT32[1,4,4,8] INT8[8,3,3,8]", "FLOAT32[1,4,4,8]", {}, 2),
    ("CONV_2D", "FLOAT32[1,4,4,8] INT8[8,3,3,8]*", "FLOAT32[1,4,4,8]", {}, 5),
    ("CONV_2D", "INT8[1,4,4,8] INT4[8,3,3,4]*", "INT8[1,4,4,8]", {}, 7),
    ("CONV_2D", "UINT8[-1,-1,-1,8] UINT8[8,3,3,8]", "UINT8[-1,-1,-1,8]", {}, 1),
    ("DEPTHWISE_CONV_2D", "FLOAT32[1,4,4,8] FLOAT32[1,3,3,8]", "FLOAT32", {}, 1),
    ("DEPTHWISE_CONV_2D", "FLOAT32 FLOAT32", "FLOAT32", {"dilationWFactor": 1}, 1),
    ("DEPTHWISE_CONV_2D", "FLOAT32 FLOAT32", "FLOAT32", {"dilationWFactor": 2}, 2),
    ("DEPTHWISE_CONV_2D", "INT16 INT8*", "INT16", {"dilationHFactor": 2}, 5),
    ("FULLY_CONNECTED", "INT8 INT8 INT32", "INT8", {"keepNumDims": False}, 4),
    ("FULLY_CONNECTED", "INT8 INT8 INT32", "INT8", {"keepNumDims": True}, 5),
    ("FULLY_CONNECTED", "INT8 INT8", "INT8", {"keepNumDims": True}, 6),
    ("FULLY_CONNECTED", "FLOAT32 FLOAT32 -", "FLOAT32", {}, 1),
    ("FULLY_CONNECTED", "INT16 INT8", "INT16", {}, 7),
    ("FULLY_CONNECTED", "INT16 INT8 INT64", "INT16", {"quantizedBiasType": 4}, 11),
    ("FULLY_CONNECTED", "FLOAT32 INT8", "FLOAT32", {"asymmetricQuantizeInputs": True}, 9),
    ("ADD", "INT16@0.5 INT16@0.5", "INT16@0.5", {"potScaleInt16": False}, 3),
    ("ADD", "INT16@0.5 INT16@0.5", "INT16@0.5", {"potScaleInt16": True}, 1),
    ("ADD", "INT16 INT16", "INT16", {}, 5),
    ("ADD", "INT64 INT64", "INT64", {}, 4),
    ("SUB", "INT16@0.5 INT16@0.5", "INT16@0.5", {"potScaleInt16": False}, 5),
    ("MUL", "INT8@0.5 INT8@0.5", "INT8@0.25", {}, 3),
    ("MUL", "INT8@0.5 INT8@0.5", "INT8@0.5", {}, 2),
    ("MUL", "INT16@0.5 INT16@0.5", "INT16@0.1", {}, 4),
    ("MUL", "INT16 INT16", "INT16", {}, 7),
    ("ABS", "INT16@0.5", "INT16@0.5", {}, 3),
    ("ABS", "INT16", "INT16", {}, 4),
    ("DIV", "FLOAT32[2,1,1,1,3] FLOAT32[2,1,1,1,3]", "FLOAT32", {}, 1),
    ("DIV", "FLOAT32[2,1,1,1,3] FLOAT32[3]", "FLOAT32", {}, 2),
    ("MAX_POOL_2D", "INT16", "INT16", {}, 3),
    ("TRANSPOSE", "FLOAT32[1,1,1,1,1,1] INT32[6]", "FLOAT32", {}, 6),
    ("TRANSPOSE", "INT16[1,1] INT32[2]", "INT16", {}, 5),
    ("SLICE", "INT16[1,1] INT32[2] INT32[2]", "INT16", {}, 4),
    ("TRANSPOSE_CONV", "INT32[4] INT8 INT8", "INT8", {}, 2),
    ("TRANSPOSE_CONV", "INT32[4] INT8 INT8 INT32", "INT8", {}, 3),
    ("TRANSPOSE_CONV", "INT32[4] FLOAT32 FLOAT32", "FLOAT32", {"fusedActivationFunction": 1}, 4),
    ("TRANSPOSE_CONV", "INT32[4] INT8 INT16 INT64", "INT16", {"quantizedBiasType": 4}, 5),
    ("STRIDED_SLICE", "FLOAT32[1,1]", "FLOAT32", {"newAxisMask": 1}, 6),
    ("GATHER", "FLOAT32 INT32", "FLOAT32", {"batchDims": 1}, 5),
    ("SELECT", "BOOL[1,1,1,1,1] FLOAT32 FLOAT32", "FLOAT32", {}, 3),
    ("SELECT_V2", "BOOL UINT32 UINT32", "UINT32", {}, 2),
    ("SPACE_TO_BATCH_ND", "FLOAT32[1,4,8]", "FLOAT32", {}, 3),
    ("QUANTIZE", "FLOAT32", "INT8", {}, 1),
    ("QUANTIZE", "INT8", "INT8", {}, 2),
    ("QUANTIZE", "FLOAT32", "INT16", {}, 2),
    ("QUANTIZE", "FLOAT32", "INT8*", {}, 3),
    ("DEQUANTIZE", "INT8*", "FLOAT32", {}, 5),
    ("DEQUANTIZE", "FLOAT16", "FLOAT32", {}, 3),
    ("CAST", "INT8", "FLOAT16", {}, 5),
    ("CAST", "INT32", "FLOAT32", {}, 1),
    ("BROADCAST_TO", "FLOAT32 INT32", "FLOAT32", {}, 2),
    ("FILL", "INT32 BOOL", "BOOL", {}, 2),
    ("WHERE", "FLOAT32", "INT64", {}, 2),
    ("LEAKY_RELU", "INT16", "INT16", {}, 2),
    ("LSTM", "FLOAT32 FLOAT32 FLOAT32", "FLOAT32", {"kernelType": 0}, 1),
    ("LSTM", "FLOAT32 FLOAT32 FLOAT32", "FLOAT32", {"kernelType": 1}, 2),
    ("UNIDIRECTIONAL_SEQUENCE_LSTM", "FLOAT32 - INT8", "FLOAT32", {}, 2),
    ("BIDIRECTIONAL_SEQUENCE_LSTM", "FLOAT32 - FLOAT32", "FLOAT32", {}, 1),
    ("BIDIRECTIONAL_SEQUENCE_LSTM", "FLOAT32 - INT8", "FLOAT32", {}, 2),
    ("NON_MAX_SUPPRESSION_V5", "FLOAT32 FLOAT32", "INT32", {}, 1),
)
SAID = [f"{given.code}-{number}" for number, (given, *_) in enumerate(GIVEN)]


def _operands(text: str) -> list[Any]:
    return [None if word == "-" else operand(word) for word in text.split()]


@pytest.mark.parametrize(("code", "inputs", "outputs", "options", "expected"), EXACT)
def test_exact(
    code: str, inputs: str, outputs: str, options: dict[str, Any], expected: int
) -> None:
    assert version(code, _operands(inputs), _operands(outputs), options) == expected


@pytest.mark.parametrize(("given", "plain", "quantized"), GIVEN, ids=SAID)
def test_models_run_in_litert(given: Given, plain: int, quantized: int) -> None:
    data = build(given, plain)
    ((code, _, ins, outs, options),) = uses(schema.ModelT.InitFromPackedBuf(data))
    assert version(code, ins, outs, options) == plain
    _run(data)
    model = quantize(build(given, 1), given, "i1")
    (found,) = [use for use in uses(model) if use[0] == given.code]
    made = version(found[0], *found[2:])
    assert made == quantized
    numbers = {getattr(schema.BuiltinOperator, given.code): made}
    for code in model.operatorCodes:
        code.version = numbers.get(code.builtinCode, code.version)
    _run(pack(model))


@pytest.mark.parametrize(("given", "plain", "quantized"), GIVEN, ids=SAID)
def test_quantizer_of_litert_agrees(given: Given, plain: int, quantized: int) -> None:
    """It has one int8 version an operator, so only uses that need nothing else are comparable."""
    model = quantize(build(given, 1), given, "i1")
    (found,) = [use for use in uses(model) if use[0] == given.code]
    theirs, ours = found[1], version(found[0], *found[2:])
    assert theirs <= ours if plain > 1 else theirs == OTHERWISE.get(given.code, ours)


@pytest.mark.parametrize("code", sorted(RUNTIMES))
def test_litert_has_what_the_tables_have(code: str) -> None:
    releases = RUNTIMES[code].split()
    last = max(len(releases), UNEXPLAINED.get(code, 0))
    assert [registered(code, n) for n in range(2, last + 2)] == [True] * (last - 1) + [False]
    assert registered(code, 1) == (releases[0] != "-")


def test_every_need_has_a_runtime() -> None:
    for code, needs in NEEDS.items():
        for number in needs:
            if (code, number) in NOT_REGISTERED:
                assert not registered(code, number)
                continue
            assert runtime(code, number)


def test_every_operator_of_litert_has_a_version() -> None:
    codes = {name for name in vars(schema.BuiltinOperator) if name[0] != "_"}
    assert codes >= set(RUNTIMES)
    missing = sorted(codes - set(RUNTIMES) - {"CUSTOM"})  # we write none
    assert not [code for code in missing if registered(code, 1) or registered(code, 2)]


@pytest.mark.parametrize(
    ("code", "number", "release"),
    [
        ("CONV_2D", 1, "1.5.0"),
        ("CONV_2D", 3, "1.14.0"),
        ("CONV_2D", 6, "2.9.0"),
        ("FULLY_CONNECTED", 5, "2.0.0"),
        ("FULLY_CONNECTED", 7, "2.3.0"),
        ("FULLY_CONNECTED", 12, "2.17.0"),
        ("MAX_POOL_2D", 3, "2.3.0"),
        ("TRANSPOSE", 7, "2.14.4"),
        ("BROADCAST_TO", 2, "2.5.0"),
        ("GELU", 1, "2.9.0"),
        ("SIGN", 2, "2.12.0"),
    ],
)
def test_runtime(code: str, number: int, release: str) -> None:
    assert runtime(code, number) == release


@pytest.mark.parametrize(
    ("code", "number"),
    [("CONV_2D", 0), ("CONV_2D", 9), ("BROADCAST_TO", 1), ("CONCATENATION", 6), ("NONE", 1)],
)
def test_unknown_runtime(code: str, number: int) -> None:
    with pytest.raises(InternalError, match=code):
        runtime(code, number)


def test_unknown_operator() -> None:
    with pytest.raises(InternalError, match="CONCAT_EMBEDDINGS"):
        version("CONCAT_EMBEDDINGS", [], [], {})


def test_releases_are_compared_as_numbers() -> None:
    assert newest(["1.5.0", "2.10.0", "2.9.0", "1.14.0"]) == "2.10.0"
    assert newest(iter(())) == "1.5.0"
    assert not_later("2.9.0", "2.10.0")
    assert not_later("2.3.0", "2.3")
    assert not not_later("2.10.0", "2.9.0")
    assert not not_later("2.14.4", "2.14")


def _run(data: bytes) -> None:
    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.ones(detail["shape"], detail["dtype"]))
    interpreter.invoke()
