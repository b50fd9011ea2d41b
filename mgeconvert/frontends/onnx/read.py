"""Read a .onnx file into records; the weights stay where they are, in the mapped file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from onnx import AttributeProto, ModelProto, defs

from mgeconvert.errors import Location, UnreadableSource, UnsupportedCase
from mgeconvert.frontends.onnx import wire
from mgeconvert.frontends.onnx.records import Dims, OnnxModel, OnnxNode, OnnxPort, OnnxTensor
from mgeconvert.frontends.onnx.tensors import Bytes, ExternalData, map_file, record, text

DEFAULT_DOMAINS = ("", "ai.onnx")
NUMBERS = {AttributeProto.INT: "i", AttributeProto.FLOAT: "f"}
LISTS = {AttributeProto.INTS: "ints", AttributeProto.FLOATS: "floats"}


def read(path: Path) -> OnnxModel:
    """Read the model in a file.

    Raises:
        UnreadableSource: the file is no ONNX model, or damaged.
        UnsupportedCase: its opset is newer than what is known.
    """
    try:
        return decode(map_file(path), ExternalData(path.parent))
    except (UnreadableSource, UnsupportedCase) as error:
        error.at = error.at or Location("onnx", path=str(path))
        raise


def decode(data: Bytes, files: ExternalData) -> OnnxModel:
    """Decode the bytes of a file, uint8; raise as `read`."""
    stripped = wire.strip(data.data)
    try:
        model = ModelProto.FromString(stripped.model)
        return _model(model, [r and data[r[0] : r[1]] for r in stripped.raw], files)
    except DecodeError as error:
        raise UnreadableSource(f"the file is damaged: {error}") from error
    except UnicodeDecodeError as error:
        raise UnreadableSource("the file is damaged: a name is no UTF-8 text") from error


def _model(model: Any, raw: list[Bytes | None], files: ExternalData) -> OnnxModel:
    opset = _opset(model)
    graph = model.graph
    if len(graph.initializer) != len(raw):
        raise UnreadableSource("the file is damaged: its initializers cannot be told apart")
    if graph.sparse_initializer:
        raise UnsupportedCase("sparse initializers")
    weights = [record(t, r, files) for t, r in zip(graph.initializer, raw)]
    initializers = {t.name: t for t in weights}
    if len(initializers) != len(weights):
        raise UnreadableSource("two initializers share a name")
    return OnnxModel(
        opset,
        frozenset((text(f.domain), text(f.name)) for f in model.functions),
        tuple(_port(p) for p in graph.input if p.name not in initializers),
        tuple(text(p.name) for p in graph.output),
        initializers,
        tuple(_node(n, i, opset, files) for i, n in enumerate(graph.node)),
    )


def _opset(model: Any) -> int:
    """Return the version of the default domain; a model has to say which it means."""
    versions = [i.version for i in model.opset_import if i.domain in DEFAULT_DOMAINS]
    if not versions and (model.ir_version < 3 or model.opset_import):
        versions = [1]  # of very old models, and of those with operators of other domains only
    if not versions:
        raise UnreadableSource("the model does not say which opset it is written in")
    newest = defs.onnx_opset_version()
    if not 1 <= versions[0] <= newest:
        raise UnsupportedCase(f"opset {versions[0]}, where 1 to {newest} are known")
    return int(versions[0])


def _port(port: Any) -> OnnxPort:
    if port.type.WhichOneof("value") != "tensor_type":
        return OnnxPort(text(port.name), 0, None)
    tensor = port.type.tensor_type
    dims: Dims | None = None
    if tensor.HasField("shape"):
        dims = tuple(_dim(d) for d in tensor.shape.dim)
    return OnnxPort(text(port.name), tensor.elem_type, dims)


def _dim(dim: Any) -> int | str | None:
    kind = dim.WhichOneof("value")
    if kind == "dim_value":
        return int(dim.dim_value) if dim.dim_value >= 0 else None
    return text(dim.dim_param) or None if kind else None


def _node(node: Any, index: int, opset: int, files: ExternalData) -> OnnxNode:
    domain = "" if node.domain in DEFAULT_DOMAINS else text(node.domain)
    schema = _schema(text(node.op_type), domain, opset)
    attributes = {} if schema is None else _defaults(schema)
    for attribute in node.attribute:
        attributes[text(attribute.name)] = _attribute(attribute, files)
    made = OnnxNode(
        index,
        node.op_type,
        domain,
        text(node.name),
        schema.since_version if schema else 0,
        tuple(map(text, node.input)),
        tuple(map(text, node.output)),
        attributes,
    )
    if schema is not None:
        _need_fit(made, schema, {a.name: a.type for a in node.attribute})
    return made


def _schema(op_type: str, domain: str, opset: int) -> Any:
    if domain:
        return None
    try:
        return defs.get_schema(op_type, opset, "")
    except defs.SchemaError:
        return None


def _defaults(schema: Any) -> dict[str, Any]:
    given = {name: a.default_value for name, a in schema.attributes.items()}
    return {name: _simple(value) for name, value in given.items() if value.type}


def _attribute(attribute: Any, files: ExternalData) -> Any:
    """Return what an attribute holds; None for graphs and types, which no rule asks for."""
    if attribute.type == AttributeProto.TENSOR:
        return _tensor(attribute.t, files)
    return _simple(attribute)


def _tensor(tensor: Any, files: ExternalData) -> OnnxTensor:
    return record(tensor, None, files)


def _simple(attribute: Any) -> Any:
    kind = attribute.type
    if kind in NUMBERS:
        number = getattr(attribute, NUMBERS[kind])
        return number if kind == AttributeProto.INT else shortest(number)
    if kind in LISTS:
        numbers = getattr(attribute, LISTS[kind])
        return tuple(numbers if kind == AttributeProto.INTS else map(shortest, numbers))
    if kind == AttributeProto.STRING:
        return attribute.s.decode()
    if kind == AttributeProto.STRINGS:
        return tuple(s.decode() for s in attribute.strings)
    return None


def shortest(number: float) -> float:
    """Return the float of the fewest digits that float32 rounds to `number`: 1e-5 stays 1e-5."""
    return float(str(np.float32(number)))


def _need_fit(node: OnnxNode, schema: Any, types: Mapping[str, int]) -> None:
    """Raise UnreadableSource unless the node has the attributes and operands of its operator."""
    at = Location("onnx", node.op_type, node.title)
    for name, attribute in schema.attributes.items():
        if attribute.required and name not in types:
            raise UnreadableSource(f"the attribute {name!r} is missing", at=at)
        if types.get(name, attribute.type.value) != attribute.type.value:
            raise UnreadableSource(f"the attribute {name!r} is of another type", at=at)
    count = len(node.inputs)
    if not schema.min_input <= count <= schema.max_input:
        raise UnreadableSource(f"{count} inputs", at=at)
    if not schema.min_output <= len(node.outputs) <= schema.max_output:
        raise UnreadableSource(f"{len(node.outputs)} outputs", at=at)
    option = defs.OpSchema.FormalParameterOption.Optional
    for index, name in enumerate(node.inputs):
        operand = schema.inputs[min(index, len(schema.inputs) - 1)]
        if not name and operand.option != option:
            raise UnreadableSource(f"the input {operand.name} is left out", at=at)
