"""Read a graph in MegEngine's current flatbuffer format, where constants are inline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mgeconvert.frontends.mge import decode
from mgeconvert.frontends.mge.container import Section
from mgeconvert.frontends.mge.flatbuffer import Bytes, FlatBuffer
from mgeconvert.frontends.mge.records import MgeModel, MgeOperator, MgeTensor, MgeVar
from mgeconvert.frontends.mge.schema import load_schema


def read_v2(data: Bytes, section: Section) -> MgeModel:
    """Decode the graph of a version 2 section.

    Raises:
        UnreadableSource: the file is damaged; the message has the byte offset.
    """
    buffer = FlatBuffer(data, begin=section.begin, end=section.end, schema=load_schema(2))
    root = buffer.root("Model")
    operators = tuple(
        _operator(index, record, section.begin) for index, record in enumerate(root["oprs"])
    )
    ids = [record["compact_id"] for record in root["output_vars_idx"]]
    decode.check_constants(operators, section.begin)
    decode.check_ids(operators, ids, section.begin)
    variables = _variables(operators, root["middle_tensors"])
    aliases = {record["id"]: record["name"] for record in root["output_alias"]}
    return MgeModel(
        kind="fbs-v2",
        mge_version=decode.version(root["mge_version"]),
        operators=operators,
        vars=tuple(variables.values()),
        outputs=decode.name_outputs(ids, variables, operators, aliases),
        metadata=decode.metadata(root["metadata"]),
    )


def _operator(index: int, record: Mapping[str, Any], place: int) -> MgeOperator:
    return MgeOperator(
        index=index,
        type=decode.base_name(record["type"]),
        registered=record["type"],
        version=record["opr_version"],
        name=record["name"],
        param=decode.param(record["param"]),
        extra=decode.params(record["additional_params"]),
        inputs=record["inputs"],
        outputs=record["outputs"],
        output_dtype=decode.dtype(record["output_dtype"]),
        devices=decode.devices(record["comp_node"]),
        tensors=tuple(_tensor(tensor, place) for tensor in record["tensors"]),
        blobs=decode.blobs(record["custom_data"]),
        priority=record["priority"],
    )


def _tensor(record: Mapping[str, Any], place: int) -> MgeTensor:
    raw = record["data"]
    return decode.tensor(record, raw if isinstance(raw, np.ndarray) else None, place)


def _variables(
    operators: Sequence[MgeOperator], records: Sequence[Mapping[str, Any]]
) -> dict[int, MgeVar]:
    """Describe every variable; without kept names the list of descriptions is empty."""
    variables = {}
    for operator in operators:
        for made in operator.outputs:
            if made < len(records):
                record = records[made]
                shape = tuple(record["shape"]) or None
                kind = decode.dtype(record["dtype"])
                variables[made] = MgeVar(made, record["name"], shape, kind)
            else:
                variables[made] = MgeVar(made)
    return dict(sorted(variables.items()))
