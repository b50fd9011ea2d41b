"""`.tflite` bytes: the structure by the schema's object API, the data of buffers streamed after it.

A FlatBuffer may refer to any place behind the reference, so the vectors of data follow the
structure, each at a multiple of 16 bytes. Where they would not fit into the 2 GiB of a FlatBuffer
they stand behind it, and the buffers say where by `offset` and `size` (TFLite's schema, version 3).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import flatbuffers
import numpy as np

from mgeconvert.backends.base import Chunk
from mgeconvert.backends.tflite import versions
from mgeconvert.backends.tflite.emitter import Emitter, Operator, Tensor
from mgeconvert.backends.tflite.schema import in_second_union, options_number, schema, tensor_type
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array, Quant
from mgeconvert.ir.mapped import forget
from mgeconvert.ir.quantize import quantize

ALIGNMENT = 16
STRUCTURE_LIMIT = (1 << 31) - (1 << 20)
INLINE_LIMIT = STRUCTURE_LIMIT
PLACEHOLDER = 2  # 0 is not written, 1 is TFLite's own sign for "to be filled in"
OLDEST_CODE = 127  # BuiltinOperator numbers above do not fit the deprecated field, a byte
RUNTIME_LENGTH = 16
FIRST_RUNTIME = "1.5.0"


@dataclass(frozen=True)
class Data:
    """The contents of one buffer: bytes, or an array that is written as `quant` says."""

    array: Array
    quant: Quant | None = None
    outside: bool = False  # behind the FlatBuffer

    @property
    def size(self) -> int:
        item = self.array.dtype if self.quant is None else self.quant.dtype.numpy
        return self.array.size * item.itemsize

    def chunk(self) -> Chunk:
        """Return the bytes, little-endian, in the order of the elements."""
        array = self.array if self.quant is None else quantize(self.array, self.quant)
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        return plain.reshape(-1).view(np.uint8).data if plain.size else b""


@dataclass(frozen=True)
class File:
    """The bytes of the structure, and the data that follow it."""

    head: bytearray
    data: Sequence[Data]


def build(
    emitter: Emitter,
    outputs: Sequence[int],
    *,
    graph_name: str,
    facts: Mapping[str, Any],
) -> File:
    """Return the file of one subgraph with one signature, `serving_default`.

    `facts` go into the metadata "mgeconvert" as JSON.
    """
    data: list[Data] = [Data(np.zeros(0, np.uint8))]  # buffer 0 is empty, by the schema
    model = schema.ModelT()
    model.version = 3
    model.description = "mgeconvert"
    model.operatorCodes, operators = _operators(emitter.operators)
    graph = schema.SubGraphT()
    graph.name, graph.operators = graph_name, operators
    graph.tensors = [_tensor(t, data) for t in emitter.tensors]
    graph.inputs, graph.outputs = list(emitter.inputs), list(outputs)
    model.subgraphs = [graph]
    model.metadata = [
        _metadata("min_runtime_version", _runtime(emitter.operators), data),
        _metadata("mgeconvert", json.dumps(facts, sort_keys=True).encode(), data),
    ]
    model.signatureDefs = [_signature(emitter, outputs)]
    if sum(d.size for d in data) > INLINE_LIMIT:
        kept = {m.buffer for m in model.metadata}
        data = [replace(d, outside=i not in kept) for i, d in enumerate(data)]
    model.buffers = [_buffer(d) for d in data]
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    order = sorted(range(len(data)), key=lambda i: data[i].outside)  # the FlatBuffer comes first
    head = _placed(bytearray(builder.Output()), data, order)
    return File(head, [data[i] for i in order])


def size(file: File) -> int:
    """Return the number of bytes of a file."""
    end = len(file.head)
    for start, one in _places(end, file.data):
        end = start + one.size
    return end


def stream(file: File) -> Iterator[Chunk]:
    """Return the bytes of a file in chunks, quantizing and copying one buffer at a time."""
    yield file.head
    end = len(file.head)
    for start, data in _places(len(file.head), file.data):
        gap = bytes(start - end)
        yield gap if data.outside else gap[:-4] + struct.pack("<I", data.size)
        yield data.chunk()
        forget(data.array)
        end = start + data.size


def _places(head: int, data: Iterable[Data]) -> Iterator[tuple[int, Data]]:
    """Return where each buffer that has data begins."""
    end = head
    for one in data:
        if not one.size:
            continue
        start = -(-(end + 4) // ALIGNMENT) * ALIGNMENT  # 4 bytes before it have the length
        yield start, one
        end = start + one.size


def _placed(head: bytearray, data: Sequence[Data], order: Sequence[int]) -> bytearray:
    """Write into the structure where the data of each buffer are."""
    root = schema.Model.GetRootAs(head)
    filled = [i for i in order if data[i].size]
    for index, (start, one) in zip(filled, _places(len(head), [data[i] for i in filled])):
        table = root.Buffers(index)._tab
        if one.outside:
            struct.pack_into("<Q", head, table.Pos + table.Offset(6), start)
            struct.pack_into("<Q", head, table.Pos + table.Offset(8), one.size)
        else:
            field = table.Pos + table.Offset(4)
            struct.pack_into("<I", head, field, start - 4 - field)
    return head


def _buffer(data: Data) -> Any:
    buffer = schema.BufferT()
    if data.outside and data.size:
        buffer.offset = buffer.size = PLACEHOLDER
    elif data.size:
        buffer.data = np.zeros(0, np.uint8)
    return buffer


def _tensor(tensor: Tensor, data: list[Data]) -> Any:
    made = schema.TensorT()
    made.name = tensor.name
    made.type = getattr(schema.TensorType, tensor_type(tensor.dtype, tensor.quant))
    made.shape = [max(d, 1) if d < 0 else d for d in tensor.signature]
    if -1 in tensor.signature:
        made.shapeSignature = list(tensor.signature)
    made.hasRank = True
    made.buffer = 0
    if tensor.quant is not None:
        made.quantization = _quantization(tensor.quant)
    if tensor.data is not None:
        made.buffer = len(data)
        lazy = tensor.quant is not None and tensor.data.dtype.kind == "f"
        data.append(Data(tensor.data, tensor.quant if lazy else None))
    return made


def _quantization(quant: Quant) -> Any:
    made = schema.QuantizationParametersT()
    made.scale = list(quant.scale)
    zeros = quant.zero_point if len(quant.zero_point) == len(quant.scale) else None
    made.zeroPoint = list(zeros or quant.zero_point * len(quant.scale))
    made.quantizedDimension = quant.axis or 0
    return made


def _operators(operators: Sequence[Operator]) -> tuple[list[Any], list[Any]]:
    codes: dict[tuple[str, int], int] = {}
    made = []
    for op in operators:
        one = schema.OperatorT()
        one.opcodeIndex = codes.setdefault((op.code, op.version), len(codes))
        one.inputs, one.outputs = list(op.inputs), list(op.outputs)
        _give_options(one, op)
        made.append(one)
    return [_code(*pair) for pair in codes], made


def _give_options(one: Any, op: Operator) -> None:
    if op.options is None:
        return
    if in_second_union(op.options):
        name = type(op.options).__name__.removesuffix("T")
        one.builtinOptions2Type = getattr(schema.BuiltinOptions2, name)
        one.builtinOptions2 = op.options
    else:
        one.builtinOptionsType = options_number(op.options)
        one.builtinOptions = op.options


def _code(code: str, version: int) -> Any:
    made = schema.OperatorCodeT()
    number = getattr(schema.BuiltinOperator, code)
    made.builtinCode, made.deprecatedBuiltinCode = number, min(number, OLDEST_CODE)
    made.version = version
    return made


def _runtime(operators: Sequence[Operator]) -> bytes:
    """Return the oldest runtime that has all the operators, padded as TFLite's converter does."""
    since = {versions.runtime(op.code, op.version) for op in operators}
    text = versions.newest({FIRST_RUNTIME, *since})
    return text.encode().ljust(RUNTIME_LENGTH, b"\0")


def _metadata(name: str, text: bytes, data: list[Data]) -> Any:
    made = schema.MetadataT()
    made.name, made.buffer = name, len(data)
    data.append(Data(np.frombuffer(text, np.uint8)))
    return made


def _signature(emitter: Emitter, outputs: Sequence[int]) -> Any:
    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex = "serving_default", 0
    graph = emitter.graph
    made.inputs = [_mapped(p.name, i) for p, i in zip(graph.inputs, emitter.inputs)]
    made.outputs = [_mapped(p.name, i) for p, i in zip(graph.outputs, outputs)]
    return made


def _mapped(name: str, index: int) -> Any:
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name, index
    return made


def check_size(file: File) -> None:
    """Raise UnsupportedCase where the structure alone, without data, is too large."""
    if len(file.head) > STRUCTURE_LIMIT:
        raise UnsupportedCase("the structure of the model is larger than 2 GiB")
