"""From emitted nodes to the bytes of `.onnx` files, weights streamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, StringStringEntryProto, TensorProto, ValueInfoProto, helper

from mgeconvert.backends.base import Chunk
from mgeconvert.backends.onnx.emitter import ELEMENT_TYPES, Emitter
from mgeconvert.errors import InternalError
from mgeconvert.ir import Array, DType, TensorType
from mgeconvert.ir.mapped import forget

INLINE_LIMIT = 2**31 - 2**20  # protobuf refuses messages of 2 GiB
CHECKED_SIZE = 1024  # elements up to which the checker sees an initializer's data
ALIGNMENT = 4096  # of tensors in external data, so that they can be mapped
GRAPH, INITIALIZER, RAW_DATA = 7, 5, 9  # field numbers in ModelProto, GraphProto, TensorProto


@dataclass(frozen=True)
class Structure:
    """A model without its weights, and the weights."""

    model: ModelProto
    weights: Mapping[str, Array]


def structure(emitter: Emitter, graph_name: str, provenance: Mapping[str, str]) -> Structure:
    """Return the model that `emitter` collected, without the constants that nothing reads."""
    graph = GraphProto(name=graph_name)
    graph.node.extend(emitter.nodes)
    graph.input.extend(_info(p.name, p.value.type) for p in emitter.graph.inputs)
    graph.output.extend(_info(p.name, p.value.type) for p in emitter.graph.outputs)
    opset = helper.make_opsetid("", emitter.opset)
    model = ModelProto(ir_version=ir_version(emitter.opset), producer_name="mgeconvert")
    model.opset_import.append(opset)
    model.graph.CopyFrom(graph)
    for key in sorted(provenance):
        model.metadata_props.append(StringStringEntryProto(key=key, value=provenance[key]))
    read = {name for node in emitter.nodes for name in node.input}
    read.update(port.name for port in emitter.graph.outputs)
    return Structure(model, {k: v for k, v in emitter.initializers.items() if k in read})


def ir_version(opset: int) -> int:
    """Return the lowest IR version for `opset`, but 4 at least: there weights are no inputs."""
    return max(4, int(helper.find_min_ir_version_for([helper.make_opsetid("", opset)])))


def check(model: Structure) -> None:
    """Let onnx check structure, types and shapes; large weights are stood in for by inputs."""
    copy = ModelProto()
    copy.CopyFrom(model.model)
    for name, array in model.weights.items():
        if array.size <= CHECKED_SIZE:
            tensor = _header(name, array)
            tensor.raw_data = _little_endian(array).tobytes()
            copy.graph.initializer.append(tensor)
        else:
            copy.graph.input.append(_info(name, TensorType(DType.of(array), array.shape)))
    try:
        onnx.checker.check_model(copy, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise InternalError(f"the ONNX model is not valid: {error}") from error


def stream(model: Structure) -> Iterator[Chunk]:
    """Yield the bytes of the file, each weight as one view of its array."""
    rest = ModelProto()
    rest.CopyFrom(model.model)
    graph = rest.graph.SerializeToString(deterministic=True)
    rest.ClearField("graph")
    yield rest.SerializeToString(deterministic=True)
    headers = [_initializer_header(name, array) for name, array in model.weights.items()]
    arrays = list(model.weights.values())
    size = len(graph) + sum(len(h) + a.nbytes for h, a in zip(headers, arrays))
    yield _tag(GRAPH) + _varint(size)
    yield graph
    for header, array in zip(headers, arrays):
        yield header
        yield _bytes(array)
        forget(array)


def total_size(weights: Mapping[str, Array]) -> int:
    """Return the number of bytes of all weights."""
    return sum(array.nbytes for array in weights.values())


def externalize(model: Structure, location: str) -> tuple[Structure, list[tuple[int, Array]]]:
    """Move the weights to the file `location`: the model that refers to it, and (offset, array)."""
    copy = ModelProto()
    copy.CopyFrom(model.model)
    inline: dict[str, Array] = {}
    moved: list[tuple[int, Array]] = []
    end = 0
    for name, array in model.weights.items():
        if array.size <= CHECKED_SIZE:
            inline[name] = array
            continue
        offset = -(-end // ALIGNMENT) * ALIGNMENT
        tensor = _header(name, array)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", offset), ("length", array.nbytes)):
            tensor.external_data.append(StringStringEntryProto(key=key, value=str(value)))
        copy.graph.initializer.append(tensor)
        moved.append((offset, array))
        end = offset + array.nbytes
    return Structure(copy, inline), moved


def external_chunks(moved: Iterable[tuple[int, Array]]) -> Iterator[Chunk]:
    """Yield the bytes of the file of external data."""
    end = 0
    for offset, array in moved:
        yield bytes(offset - end)
        yield _bytes(array)
        end = offset + array.nbytes


def _info(name: str, type: TensorType) -> ValueInfoProto:
    dims = [d if isinstance(d, int) else str(d) for d in type.shape]
    return helper.make_tensor_value_info(name, ELEMENT_TYPES[type.dtype], dims)


def _header(name: str, array: Array) -> TensorProto:
    return TensorProto(name=name, dims=array.shape, data_type=ELEMENT_TYPES[DType.of(array)])


def _initializer_header(name: str, array: Array) -> bytes:
    """All bytes of an initializer field before its raw data."""
    header = _header(name, array).SerializeToString(deterministic=True)
    head = header + _tag(RAW_DATA) + _varint(array.nbytes)
    return _tag(INITIALIZER) + _varint(len(head) + array.nbytes) + head


def _bytes(array: Array) -> memoryview:
    return _little_endian(array).reshape(-1).view(np.uint8).data


def _little_endian(array: Array) -> Array:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def _tag(field: int) -> bytes:
    return bytes([field << 3 | 2])  # wire type 2: length-delimited


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
