"""The file of quantization parameters that goes with a model; numpy and the IR only.

An object: tensor name -> dtype, qmin, qmax, scale, zero_point, is_weight, in the graph's order.
Parameters of a whole tensor are numbers, those of each channel lists beside the key `axis`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from mgeconvert.errors import QuantError
from mgeconvert.ir import DType, Graph, Quant, Value
from mgeconvert.ir.quantize import problem

ENDING = ".quant_params.json"
NEEDED = ("dtype", "qmin", "qmax", "scale")
KEYS = (*NEEDED, "zero_point", "axis", "is_weight")


def document(graph: Graph) -> bytes:
    """Return the file's bytes for the annotated values of `graph`; b"" where there are none."""
    named = names(graph)
    return text(
        {
            name: entry(value.quant, is_weight=value.const is not None)
            for name, value in named.items()
            if value.quant is not None
        }
    )


def text(entries: Mapping[str, Any]) -> bytes:
    """Return the file's bytes; b"" where there are no entries."""
    return (json.dumps(entries, indent=1) + "\n").encode() if entries else b""


def names(graph: Graph) -> dict[str, Value]:
    """Return every float value by its public name: a port's, else its own; in graph order."""
    found: dict[Value, str] = {port.value: port.name for port in graph.inputs}
    ports: dict[Value, str] = {}
    for port in graph.outputs:
        ports.setdefault(port.value, port.name)
    for node in graph:
        for value in node.inputs:
            if value.const is not None:
                found.setdefault(value, ports.get(value, value.name))
        for value in node.outputs:
            found.setdefault(value, ports.get(value, value.name))
    return {name: value for value, name in found.items() if value.type.dtype.is_float}


def apply(graph: Graph, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Annotate the values that `data` names; return the names that had the same parameters.

    Raises QuantError for names that the model does not have and for wrong entries.
    """
    named = names(graph)
    need_known(data, named)
    unused = []
    for name, entry in data.items():
        value = named[name]
        quant = read(name, entry)
        wrong = problem(value.type, quant)
        if wrong:
            raise QuantError(f"{name!r}: {wrong}")
        if value.quant == quant:
            unused.append(name)
        value.quant = quant
    return tuple(unused)


def idle(unused: Iterable[str]) -> tuple[str, ...]:
    """Return notes on parameters that change nothing."""
    return tuple(f"quantization.params: {name!r} says nothing new" for name in unused)


def taken(graph: Graph, data: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Annotate the values that `data` names, if any; return notes on what changes nothing."""
    return () if data is None else idle(apply(graph, data))


def need_some(parameters: bytes) -> None:
    """Raise QuantError where `document` found nothing to quantize by."""
    if not parameters:
        raise QuantError(
            "quantize = true, but no value of the model has quantization parameters",
            hint="convert a QAT or quantized model, or give quantization.params",
        )


def need_known(data: Iterable[str], known: Collection[str]) -> None:
    """Raise QuantError for names that are not `known`."""
    unknown = [name for name in data if name not in known]
    if unknown:
        close = get_close_matches(unknown[0], known, n=3)
        raise QuantError(
            f"the model has no tensor {', '.join(map(repr, unknown))}",
            hint=f"did you mean {', '.join(map(repr, close))}?" if close else "",
        )


def parse(text: str, *, file: str) -> dict[str, Any]:
    """Return the file's entries; raise QuantError where it is none."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise QuantError(f"{file} is no JSON: {error}") from None
    if not isinstance(data, dict):
        raise QuantError(f"{file} is no object of tensor names")
    return data


def entry(q: Quant, *, is_weight: bool) -> dict[str, Any]:
    """Return what the file says of one tensor."""
    zeros = q.zero_point if len(q.zero_point) == len(q.scale) else q.zero_point * len(q.scale)
    zero = None if not any(zeros) else list(zeros)
    whole = q.axis is None
    said: dict[str, Any] = {
        "dtype": q.dtype.value,
        "qmin": q.qmin,
        "qmax": q.qmax,
        "scale": q.scale[0] if whole else list(q.scale),
        "zero_point": zero[0] if zero and whole else zero,
        "is_weight": is_weight,
    }
    return said if whole else {**said, "axis": q.axis}


def read(name: str, entry: Any) -> Quant:
    """Return the parameters that an entry tells; raise QuantError where it tells none."""
    if not isinstance(entry, dict):
        raise QuantError(f"{name!r}: {entry!r} is no object")
    wrong = [key for key in entry if key not in KEYS] + [key for key in NEEDED if key not in entry]
    if wrong:
        raise QuantError(f"{name!r}: unknown or missing keys {', '.join(map(repr, wrong))}")
    zero = entry.get("zero_point")
    try:
        return Quant(
            DType(entry["dtype"]),
            int(entry["qmin"]),
            int(entry["qmax"]),
            tuple(map(float, _listed(entry["scale"]))),
            tuple(map(int, _listed(0 if zero is None else zero))),
            entry.get("axis"),
        )
    except (TypeError, ValueError) as error:
        raise QuantError(f"{name!r}: {error}") from None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


INPUT_TYPES: dict[str, DType] = {
    "quint8": DType.U8,
    "uint8": DType.U8,
    "qint8": DType.I8,
    "int8": DType.I8,
    "int16": DType.I16,
    "int32": DType.I32,
}


def annotate_inputs(
    graph: Graph, kind: str, scales: Sequence[float], zero_points: Sequence[int]
) -> None:
    """Say how the graph's inputs are quantized, one scale and zero point for each.

    Raises QuantError where their number is not that of the inputs.
    """
    zeros = zero_points or [0] * len(scales)
    if not len(graph.inputs) == len(scales) == len(zeros):
        raise QuantError(
            f"{len(scales)} input scales and {len(zeros)} zero points "
            f"for {len(graph.inputs)} inputs",
            hint="give one of each for every input",
        )
    dtype = INPUT_TYPES[kind]
    limits = np.iinfo(dtype.numpy)
    for port, scale, zero in zip(graph.inputs, scales, zeros):
        number = float(np.float32(scale))
        quant = Quant(dtype, int(limits.min), int(limits.max), (number,), (zero,))
        wrong = problem(port.value.type, quant)
        if wrong:
            raise QuantError(f"input {port.name!r}: {wrong}")
        port.value.quant = quant
