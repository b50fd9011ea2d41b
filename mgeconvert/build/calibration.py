"""Quantization parameters of a float model, from what its tensors are on sample data.

The float ONNX artifact runs in onnxruntime with the tensors exposed; so the numbers are those of a
runtime, and calibration does not depend on how fast our interpreter is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mgeconvert.backends import Request, load, quant_params
from mgeconvert.check.runners.onnxruntime import Runtime
from mgeconvert.check.runners.protocol import Array, Arrays, Port
from mgeconvert.check.samples import Sample, read_sample
from mgeconvert.errors import ConversionFailed, ConvertError, QuantError
from mgeconvert.ir import DType, Graph, Node, Quant, Value, ops
from mgeconvert.ir.ranges import Seen, parameters, weight_parameters
from mgeconvert.manifest import Job, OnnxOptions

OPSET = 20  # the newest that onnxruntime has every kernel of
ROWS = 16
EXPONENTS = 16.0  # exp(-16) of a sum rounds to 0 in 8 bits, as what a mask takes out does
DTYPES = {"int8": DType.I8, "uint8": DType.U8, "int16": DType.I16}
LAYERS: Mapping[type, int] = {ops.Conv: 0, ops.ConvTranspose: 1, ops.Linear: 0}
"""Layers with weights, and the axis of the channels that they make."""

COMPUTES = (
    *(ops.Conv, ops.ConvTranspose, ops.Linear, ops.MatMul, ops.Add, ops.Sub, ops.Mul, ops.Concat),
    *(ops.AvgPool, ops.ReduceMean, ops.Relu, ops.Clip, ops.LeakyRelu, ops.HardSwish),
    *(ops.Softmax, ops.Sigmoid, ops.Tanh),
)
"""Operators that runtimes have kernels of whole numbers for."""

CONSTANTS = (ops.Add, ops.Sub, ops.Mul, ops.Concat)
"""Operators whose constant operands are stored as activations are."""

KEEPS = (
    *(ops.Identity, ops.Reshape, ops.Squeeze, ops.Unsqueeze, ops.Transpose, ops.Slice, ops.Split),
    *(ops.Pad, ops.Expand, ops.Tile, ops.DepthToSpace, ops.Gather, ops.MaxPool),
    *(ops.ReduceMax, ops.ReduceMin),
)
"""Operators whose results have the parameters of what they are made from."""

LIKE_INPUT = (ops.AvgPool, ops.Resize)
"""Operators whose kernels want the same parameters on both sides."""

FIXED = {ops.Softmax: (0.0, 255 / 256), ops.Sigmoid: (0.0, 255 / 256), ops.Tanh: (-1.0, 127 / 128)}
"""The range of what can only have one."""


def calibrate(job: Job, graph: Graph) -> dict[str, Any]:
    """Return entries as quant_params.json has them, for the float model `graph`, which is used up.

    Raises QuantError for samples that do not fit, and where the model cannot run as ONNX.
    """
    asked = job.quantization
    dtype = DTYPES[asked.activation]
    options = OnnxOptions(opset=OPSET, fold_bn=getattr(job.options, "fold_bn", True))
    request = Request(options, "float", {})
    try:
        artifact = load("onnx").convert(graph, request, _unobserved)
    except ConversionFailed as failed:
        told = "; ".join(problem.problem for problem in failed.problems)
        raise QuantError(f"calibration runs the model as ONNX, which cannot be: {told}") from None
    with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
        for name, chunks in artifact.files.items():
            with open(Path(folder) / name, "wb") as file:
                file.writelines(chunks)
        ports = {port.value.name: port.name for port in graph.inputs}
        names = {n: ports.get(n) or artifact.tensors[n] for n in _observed(graph)}
        seen = _run(job, graph, Path(folder) / "float.onnx", list(names.values()))
    for value in _exponents(graph):
        if value.name in names:
            seen[names[value.name]].cut_below(EXPONENTS)
    ranges = {n: _ends(seen[name], job, dtype) for n, name in names.items()}
    return _entries(graph, ranges, dtype, per_channel=asked.per_channel)


def _unobserved(name: str, graph: Graph) -> None:
    """See nothing of the passes."""


def _observed(graph: Graph) -> Iterator[str]:
    """Yield the names of the activations that get parameters of their own."""
    for port in graph.inputs:
        if port.value.type.dtype.is_float and _is_computed_with(port.value):
            yield port.value.name
    for node in graph:
        if isinstance(node.op, (*KEEPS, *LIKE_INPUT)) or type(node.op) in FIXED:
            continue
        for value in node.outputs:
            if value.type.dtype.is_float and _has_own(node, value):
                yield value.name


def _has_own(node: Node[Any], value: Value) -> bool:
    """Return whether a result has parameters of its own, not those of a relu behind it."""
    users = value.users
    if len(users) == 1 and not value.is_output and isinstance(users[0].op, (ops.Relu, ops.Clip)):
        return False
    return isinstance(node.op, COMPUTES) or _is_computed_with(value)


def _is_computed_with(value: Value) -> bool:
    """Return whether whole numbers go on being computed with, behind moves of elements too."""
    return any(
        isinstance(user.op, COMPUTES)
        or (isinstance(user.op, KEEPS) and any(map(_is_computed_with, user.outputs)))
        for user in value.users
    )


def _exponents(graph: Graph) -> Iterator[Value]:
    """Yield what only softmax reads: differences above some e-folds are all the same to it."""
    for node in graph:
        if isinstance(node.op, ops.Softmax) and len(node.inputs[0].users) == 1:
            yield node.inputs[0]


def _run(job: Job, graph: Graph, path: Path, names: Sequence[str]) -> dict[str, Seen]:
    runtime = Runtime()
    ports = runtime.open(str(path), format="onnx", outputs=()).inputs
    seen = {name: Seen() for name in names}
    passes = [Seen.widen] if job.quantization.method == "min-max" else [Seen.widen, Seen.count]
    known = {p.name: p.value.name for p in graph.inputs}
    for take in passes:
        for feeds in _feeds(job.quantization.calibration_files, ports):
            found = {**_inner(runtime, feeds, names), **_inputs(feeds, known)}
            for name in names:
                take(seen[name], found[name])
    runtime.close()
    return seen


def _inner(runtime: Runtime, feeds: Arrays, names: Sequence[str]) -> dict[str, Array]:
    try:
        return runtime.inner(feeds, names)
    except ConvertError as error:
        told = error.problem
    except Exception as error:  # whatever onnxruntime raises
        told = " ".join(str(error).split())
    raise QuantError(
        f"calibration runs the model as ONNX, which fails on the samples: {told}",
        hint="are the samples such inputs as the model takes?",
    )


def _inputs(feeds: Arrays, known: Mapping[str, str]) -> dict[str, Array]:
    return {name: array for name, array in feeds.items() if name in known}


def _feeds(files: Sequence[str], ports: Sequence[Port]) -> Iterator[dict[str, Array]]:
    """Yield what the model is run on: all rows of all files, some at a time."""
    for file in files:
        samples = {p.name: _sample(file, p, alone=len(ports) == 1) for p in ports}
        rows = max((s.rows or 1 for s in samples.values()), default=1)
        head = next((p.shape[0] for p in ports if p.shape), 1)
        step = head if isinstance(head, int) else min(ROWS, rows)
        for start in range(0, rows, step):
            size = step if isinstance(head, int) else min(step, rows - start)
            yield {p.name: _cut(samples[p.name], p, start, size) for p in ports}


def _sample(file: str, port: Port, *, alone: bool) -> Sample:
    try:
        return read_sample(file, port, alone=alone)
    except ConvertError as error:
        raise QuantError(f"quantization.calibration: {error.problem}", hint=error.hint) from None


def _cut(sample: Sample, port: Port, start: int, rows: int) -> Array:
    shape = [d if isinstance(d, int) else rows for d in port.shape or ()]
    return sample.cut(start, (rows, *shape[1:]))


def _ends(seen: Seen, job: Job, dtype: DType) -> Quant:
    """Return the parameters by the method that is asked for."""
    asked = job.quantization
    if not np.isfinite(seen.low):
        raise QuantError("quantization.calibration: a tensor had no finite numbers on the samples")
    if asked.method == "percentile":
        low, high = seen.between(asked.percentile)
    elif asked.method == "mse":
        low, high = seen.least_error(dtype)
    else:
        low, high = seen.low, seen.high
    return parameters(low, high, dtype)


def _entries(
    graph: Graph, ranges: Mapping[str, Quant], dtype: DType, *, per_channel: bool
) -> dict[str, Any]:
    found: dict[Value, Quant] = {}
    for port in graph.inputs:
        if port.value.name in ranges:
            found[port.value] = ranges[port.value.name]
    for node in graph:
        _note(node, found, ranges, dtype)
        _note_constants(node, found, dtype, per_channel=per_channel)
    named = quant_params.names(graph)
    return {
        name: quant_params.entry(found[value], is_weight=value.const is not None)
        for name, value in named.items()
        if value in found
    }


def _note(
    node: Node[Any], found: dict[Value, Quant], ranges: Mapping[str, Quant], dtype: DType
) -> None:
    for value in node.outputs:
        if type(node.op) in FIXED:
            found[value] = parameters(*FIXED[type(node.op)], dtype)
        elif isinstance(node.op, LIKE_INPUT) and node.inputs[0] in found:
            found[value] = found[node.inputs[0]]
        elif isinstance(node.op, KEEPS) and node.inputs[0] in found:
            if value.type.dtype.is_float:
                found[value] = found[node.inputs[0]]
        elif value.name in ranges:
            found[value] = ranges[value.name]


def _note_constants(
    node: Node[Any], found: dict[Value, Quant], dtype: DType, *, per_channel: bool
) -> None:
    axis = LAYERS.get(type(node.op))
    if axis is not None and node.inputs[1].const is not None:
        whole = not per_channel or dtype is DType.U8 or _shares(node)
        found[node.inputs[1]] = weight_parameters(node.inputs[1].const, None if whole else axis)
    if isinstance(node.op, CONSTANTS):
        for x in node.inputs:
            if x.const is not None and x.type.dtype.is_float and x.const.size:
                found[x] = parameters(float(x.const.min()), float(x.const.max()), dtype)


def _shares(node: Node[Any]) -> bool:
    """Return whether an index of the weights' axis stands for channels of several groups."""
    return isinstance(node.op, ops.ConvTranspose) and node.op.groups > 1
