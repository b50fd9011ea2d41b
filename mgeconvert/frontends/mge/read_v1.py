"""Read a graph in MegEngine's older flatbuffer format: constants out of band, names as hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mgeconvert.frontends.mge import decode
from mgeconvert.frontends.mge.container import Section
from mgeconvert.frontends.mge.flatbuffer import Bytes, FlatBuffer, damaged
from mgeconvert.frontends.mge.operators import count_outputs, operator_name
from mgeconvert.frontends.mge.records import MgeModel, MgeOperator, MgeTensor, MgeVar
from mgeconvert.frontends.mge.schema import load_schema


def read_v1(data: Bytes, section: Section) -> MgeModel:
    """Decode the graph of a version 1 section.

    Raises:
        UnreadableSource: the file is damaged; the message has the byte offset.
    """
    buffer = FlatBuffer(data, begin=section.begin, end=section.end, schema=load_schema(1))
    root = buffer.root("Graph")
    blob = Blob(data, begin=section.blob, end=section.begin - 4)
    operators: list[MgeOperator] = []
    variables: dict[int, MgeVar] = {}
    for record in root["oprs"]:
        operator = _operator(record, operators, len(variables), blob)
        operators.append(operator)
        names = record["output_name"] or [""] * len(operator.outputs)
        variables |= {made: MgeVar(made, name) for made, name in zip(operator.outputs, names)}
    ids = [record["compact_id"] for record in root["output_vars_idx"]]
    decode.check_constants(operators, section.begin)
    decode.check_ids(operators, ids, section.begin)
    return MgeModel(
        kind="fbs-v1",
        mge_version=decode.version(root["mgb_version"]),
        operators=tuple(operators),
        vars=tuple(variables.values()),
        outputs=decode.name_outputs(ids, variables, operators, {}),
        metadata=decode.metadata(root["metadata"]),
    )


class Blob:
    """The constants in front of the graph, taken one after the other in the operators' order."""

    def __init__(self, data: Bytes, *, begin: int, end: int) -> None:
        self._data, self.place, self._end = data, begin, end

    def take(self, padding: int, size: int) -> Bytes:
        """Return the next `size` bytes after `padding` bytes that are skipped."""
        start = self.place + padding
        if start + size > self._end:
            damaged(f"a constant of {size} bytes reaches into the graph", start)
        self.place = start + size
        return self._data[start : self.place]


def _operator(
    record: Mapping[str, Any], before: Sequence[MgeOperator], first: int, blob: Blob
) -> MgeOperator:
    registered = operator_name(record["type_id"])
    param = decode.param(record["param"])
    kind = decode.base_name(registered)
    inputs = record["inputs"]
    # Where any name of an operator is kept, all of its outputs have an entry.
    count = len(record["output_name"]) or count_outputs(
        kind, inputs=len(inputs), tensors=len(record["tensors"]), param=param
    )
    return MgeOperator(
        index=len(before),
        type=kind,
        registered=registered,
        version=1,
        name=record["name"],
        param=param,
        extra=decode.params(record["additional_params"]),
        inputs=inputs,
        outputs=tuple(range(first, first + count)),
        output_dtype=decode.dtype(record["output_dtype"]),
        devices=decode.devices(record["comp_node"]),
        tensors=tuple(_tensor(tensor, blob) for tensor in record["tensors"]),
        blobs=decode.blobs(record["blobs"]),
        priority=record["priority"],
    )


def _tensor(record: Mapping[str, Any], blob: Blob) -> MgeTensor:
    size = record["data_size"]
    place = blob.place
    raw = blob.take(record["offset"], size) if size else None
    return decode.tensor(record, raw, place)
