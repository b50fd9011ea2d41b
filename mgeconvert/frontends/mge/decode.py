"""What both versions of the graph format share: from decoded tables to records."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mgeconvert.frontends.mge.flatbuffer import Bytes, damaged
from mgeconvert.frontends.mge.records import (
    CONSTANTS,
    INPUT,
    PACKED_BITS,
    Array,
    MgeDType,
    MgeMetadata,
    MgeOperator,
    MgeOutput,
    MgeParam,
    MgeTensor,
    MgeVar,
)

Record = Mapping[str, Any]
MAX_DIMS = 7  # MegEngine's own limit
EXPECTED = ":expect"


def base_name(registered: str) -> str:
    """Return the name of an operator without its registered version: ReduceV2 is Reduce."""
    return re.sub(r"V\d+$", "", registered)


def param(union: Record | None) -> MgeParam | None:
    """Turn a decoded union into a parameter record."""
    if union is None:
        return None
    name, values = union["type"].removeprefix("param."), union["value"]
    return MgeParam(name, {"dtype": _target(values)} if name == "DType" else values)


def _target(values: Record) -> MgeDType | None:
    """Unify the two tables that name an element type, with and without quantization."""
    return dtype(values if "param" in values else {"type": values["dtype"], "param": None})


def params(unions: Sequence[Record | None]) -> tuple[MgeParam, ...]:
    """Turn a vector of unions into parameter records; empty ones are left out."""
    return tuple(found for found in map(param, unions) if found)


def dtype(record: Record | None) -> MgeDType | None:
    """Turn a decoded DType table into a record; an unknown type is named "#" and its number."""
    if record is None:
        return None
    kind = record["type"]
    name = kind if isinstance(kind, str) else f"#{kind}"
    if not record["param"]:
        return MgeDType(name)
    values = record["param"]["value"]
    asymmetric = name.endswith("Asymm")
    return MgeDType(name, values.get("scale"), values.get("zero_point") if asymmetric else None)


def devices(records: Sequence[Record]) -> tuple[str, ...]:
    """Return the names of the devices ("xpux:0") of an operator."""
    return tuple(record["logical_locator"] for record in records)


def blobs(records: Sequence[Record]) -> tuple[Array, ...]:
    """Return the opaque data of an operator, as bytes."""
    return tuple(np.asarray(record["data"], np.uint8) for record in records)


def metadata(record: Record | None) -> MgeMetadata | None:
    """Turn the decoded metadata into a record; None where the file says that it has none."""
    if record is None or not record["is_valid"]:
        return None
    info = record["user_info"]
    return MgeMetadata(
        graph_modified=record["graph_modified"],
        optimize_options=record["optimize_options"],
        user_info=info if isinstance(info, np.ndarray) else np.empty(0, np.uint8),
    )


def version(number: int) -> tuple[int, int, int]:
    """Split MegEngine's version number: 101300 is 1.13.0."""
    return number // 100000, number // 100 % 1000, number % 100


def tensor(record: Record, raw: Bytes | None, place: int) -> MgeTensor:
    """Build a tensor from its table and its bytes, None where it has no value.

    Raises:
        UnreadableSource: shape, element type and number of bytes contradict each other; `place`
            is the byte offset to report.
    """
    kind = dtype(record["dtype"])
    if kind is None:
        damaged(f"tensor {record['name']!r} has no element type", place)
    shape = tuple(record["shape"])
    if len(shape) > MAX_DIMS:
        damaged(f"tensor {record['name']!r} has {len(shape)} dimensions", place)
    if raw is not None and not len(raw) and math.prod(shape):
        raw = None
    data = None if raw is None else _view(shape, kind, raw, place)
    layout = record.get("format")
    written = layout["type"].removesuffix("TensorFormat") if layout else "Default"
    return MgeTensor(record["name"], shape, kind, data, written)


def _view(shape: tuple[int, ...], kind: MgeDType, raw: Bytes, place: int) -> Array:
    count = math.prod(shape)
    storage = kind.storage
    if storage is None:
        bits = PACKED_BITS.get(kind.name)
        if bits is not None and len(raw) * 8 < count * bits:
            damaged(f"{len(raw)} bytes are too few for {kind.name}{list(shape)}", place)
        return raw
    if len(raw) != count * storage.itemsize:
        damaged(f"{len(raw)} bytes do not make a {kind.name}{list(shape)}", place)
    return raw.view(storage).reshape(shape)


def check_constants(operators: Sequence[MgeOperator], place: int) -> None:
    """Check that constants have a value, and constants and inputs as many tensors as outputs.

    Raises:
        UnreadableSource: they have not; `place` is the byte offset of the graph.
    """
    for operator in operators:
        constant = operator.type in CONSTANTS
        if not constant and operator.type != INPUT:
            continue
        where = f"operator {operator.index} ({operator.type})"
        if len(operator.tensors) != len(operator.outputs) or not operator.tensors:
            damaged(f"{where} has {len(operator.tensors)} tensors in the graph", place)
        if constant and any(tensor.data is None for tensor in operator.tensors):
            damaged(f"{where} has no value in the graph", place)


def check_ids(operators: Sequence[MgeOperator], outputs: Sequence[int], place: int) -> None:
    """Check that every variable has one producer and is computed before it is used.

    Nothing is known of the ids after an operator that is not known: it is reported by its hash.

    Raises:
        UnreadableSource: the ids contradict each other; `place` is the byte offset of the graph.
    """
    if any(operator.type.startswith("#") for operator in operators):
        return
    seen: set[int] = set()
    for operator in operators:
        where = f"operator {operator.index} ({operator.type})"
        for used in operator.inputs:
            if used not in seen:
                damaged(f"{where} reads variable {used} before it exists in the graph", place)
        for made in operator.outputs:
            if made in seen:
                damaged(f"{where} computes variable {made} again in the graph", place)
            seen.add(made)
    for used in outputs:
        if used not in seen:
            damaged(f"output {used} is not computed in the graph", place)


def name_outputs(
    ids: Sequence[int],
    variables: Mapping[int, MgeVar],
    operators: Sequence[MgeOperator],
    aliases: Mapping[int, str],
) -> tuple[MgeOutput, ...]:
    """Name the results, and look through the AssertEqual that a dump with test data ends in."""
    producers = {made: operator for operator in operators for made in operator.outputs}
    outputs = []
    for used in ids:
        producer = producers.get(used)
        if producer and producer.type == "AssertEqual" and len(producer.inputs) > 1:
            expected, real = producer.inputs[:2]
            name = _declared(producers.get(expected)).removesuffix(EXPECTED)
            outputs.append(MgeOutput(real, name))
        else:
            name = aliases.get(used) or (variables[used].name if used in variables else "")
            outputs.append(MgeOutput(used, name))
    return tuple(outputs)


def _declared(producer: MgeOperator | None) -> str:
    return producer.tensors[0].name if producer and producer.tensors else ""
