"""Read a .mge file into records, without MegEngine; numpy and the standard library only."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mgeconvert.errors import Location, UnreadableSource
from mgeconvert.frontends.mge.container import NO_MODEL, Container, Section, open_container
from mgeconvert.frontends.mge.flatbuffer import Bytes, damaged
from mgeconvert.frontends.mge.read_v1 import read_v1
from mgeconvert.frontends.mge.read_v2 import read_v2
from mgeconvert.frontends.mge.records import INPUT, Array, MgeModel


def read(path: Path) -> MgeModel:
    """Read the model in a file; its constants are views on the mapped file.

    Raises:
        UnreadableSource: the file is not a .mge file, or damaged; the message has the byte offset.
    """
    try:
        return decode_file(map_file(path))
    except UnreadableSource as error:
        where = Location("mge", path=str(path))
        raise UnreadableSource(error.problem, at=where, hint=error.hint) from None


def map_file(path: Path) -> Bytes:
    """Return the bytes of a file without reading them; it must not change while they are in use."""
    try:
        with path.open("rb") as file:
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except OSError as error:
        raise UnreadableSource(f"cannot read the model: {error.strerror}") from error
    except ValueError:  # an empty file cannot be mapped
        raise UnreadableSource(NO_MODEL) from None


def decode_file(data: Bytes) -> MgeModel:
    """Decode the bytes of a whole file, uint8.

    Raises:
        UnreadableSource: as `read`.
    """
    container = open_container(data)
    model = _graph(data, container.model)
    if not container.tests:
        return model
    return replace(model, test_data=_samples(data, container, model))


def _graph(data: Bytes, section: Section) -> MgeModel:
    return read_v2(data, section) if section.kind == "fbs-v2" else read_v1(data, section)


def _samples(data: Bytes, container: Container, model: MgeModel) -> tuple[Mapping[str, Array], ...]:
    """Return the samples by name; each is a graph of constants in the order of the sorted names."""
    names = sorted(
        operator.tensors[0].name for operator in model.operators if operator.type == INPUT
    )
    return tuple(_sample(data, section, names) for section in container.tests)


def _sample(data: Bytes, section: Section, names: list[str]) -> Mapping[str, Array]:
    graph = _graph(data, section)
    constants = graph.constants()
    values = []
    for output in graph.outputs:
        tensor = constants.get(output.id)
        if tensor is None or tensor.data is None:
            damaged("a sample is not a constant in the graph", section.begin)
        values.append(tensor.data)
    if len(values) != len(names):
        damaged(f"{len(values)} samples for {len(names)} inputs in the graph", section.begin)
    return dict(zip(names, values))
