"""The way from the IR to `.prototxt` and `.caffemodel`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from mgeconvert.backends import base, quant_params
from mgeconvert.backends.base import Artifact, Lowering, Quantization, Request
from mgeconvert.backends.caffe import quantized, writer
from mgeconvert.backends.caffe.dialects import DIALECTS, Dialect
from mgeconvert.backends.caffe.emitter import Blob, Emitter, sizes
from mgeconvert.backends.caffe.held import HELD, need_held
from mgeconvert.backends.caffe.net import finish
from mgeconvert.backends.caffe.rules import RULES
from mgeconvert.backends.caffe.whole import WHOLE, wrapped
from mgeconvert.errors import ConversionFailed, ConvertError, Location, UnsupportedCase
from mgeconvert.ir import DType, Graph, Node, TensorType, ops
from mgeconvert.ir.passes import (
    Observer,
    Pass,
    drop_dead,
    fold_batch_norm,
    fold_constants,
    merge_constants,
    propagate_quant,
    quantize_before_relu,
    remove_identities,
    round_constants,
    run_passes,
)

PIPELINE: tuple[Pass, ...] = (
    propagate_quant,
    fold_constants,
    remove_identities,
    fold_batch_norm,
    merge_constants,
    drop_dead,
)


OVERFLOWING = (
    *(ops.Abs, ops.Add, ops.Cast, ops.Conv, ops.CumSum, ops.Linear, ops.MatMul, ops.Mul, ops.Neg),
    *(ops.Pow, ops.ReduceProd, ops.ReduceSum, ops.ShiftLeft, ops.Sub),
)
"""Operators whose results may have more bits than integers keep."""


class Options(Protocol):
    """The settings of this target; the manifest's `CaffeOptions` has them."""

    dialect: str
    fuse_bn: bool
    in_place: bool
    split_conv_relu: bool
    use_empty_blobs: bool


class CaffeBackend:
    """Writes the net as text, once more with its weights, and a file of parameters if any."""

    name = "caffe"

    def convert(self, graph: Graph, request: Request, observe: Observer) -> Artifact:
        options: Options = request.options
        if options.dialect not in DIALECTS:
            raise UnsupportedCase(
                f"dialect {options.dialect!r}", hint=f"there are {', '.join(DIALECTS)}"
            )
        dialect = DIALECTS[options.dialect]
        _judge_inputs(graph, dialect)
        run_passes(graph, _pipeline(options), observe)
        asked = request.quantization
        given = asked.params or {}
        by_source = quantized.known_to(graph, given)
        unused = quant_params.apply(graph, by_source)
        run_passes(graph, _rounding(options, asked))  # unobserved: rounding changes numbers
        emitter = _lower(graph, dialect)
        net = finish(emitter, in_place=options.in_place)
        model = writer.build(net, request.stem)
        writer.check_size(model)
        layers = writer.layer_names(model, net)
        places = quantized.places(net, layers)
        by_net = {name: entry for name, entry in given.items() if name not in by_source}
        unused += quantized.apply(places, by_net)
        if asked.param_fake_quant and by_net:
            model = replace(model, weights=quantized.rounded(net))
        tensors = {name: layers[layer] for name, layer in emitter.tops().items() if layer in layers}
        files = _files(model, request, quantized.document(places), _types(graph))
        return Artifact(files, quant_params.idle(unused), tensors)


def _files(
    model: writer.Model, request: Request, parameters: bytes, types: Mapping[str, TensorType]
) -> Mapping[str, Iterable[base.Chunk]]:
    weights = writer.stream(model, empty_blobs=request.options.use_empty_blobs)
    files: dict[str, Iterable[base.Chunk]] = {
        f"{request.stem}.prototxt": writer.text(model, request.provenance, types),
        f"{request.stem}.caffemodel": weights,
    }
    if parameters:
        files[request.stem + quant_params.ENDING] = [parameters]
    return files


def _types(graph: Graph) -> dict[str, TensorType]:
    """Return the types of the ports that blobs show otherwise: not float32, or without axes."""
    types = {port.name: port.value.type for port in (*graph.inputs, *graph.outputs)}
    return {
        n: type_ for n, type_ in types.items() if type_.dtype is not DType.F32 or not type_.rank
    }


def _rounding(options: Options, asked: Quantization) -> tuple[Pass, ...]:
    """Return the passes that follow when the parameters of quantization are known."""
    split = (quantize_before_relu,) if options.split_conv_relu else ()
    return (*split, *((round_constants,) if asked.param_fake_quant else ()))


def _pipeline(options: Options) -> tuple[Pass, ...]:
    return tuple(p for p in PIPELINE if options.fuse_bn or p is not fold_batch_norm)


def _judge_inputs(graph: Graph, dialect: Dialect) -> None:
    """Raise ConversionFailed for inputs that no blob or this reader cannot be."""
    problems: list[ConvertError] = []
    for port in graph.inputs:
        try:
            shape = sizes(port.value)
            need_held(port.value.type.dtype, "an input")
            if dialect.input_rank not in (0, len(shape)):
                raise UnsupportedCase(
                    f"an input of rank {len(shape)}: {dialect.reader} reads images only, "
                    f"rank {dialect.input_rank}",
                    hint="use another dialect",
                )
        except ConvertError as error:
            error.at = Location("caffe", "input", port.name)
            problems.append(error)
    if problems:
        raise ConversionFailed(problems)


def _lower(graph: Graph, dialect: Dialect) -> Emitter:
    emitter = Emitter(graph, dialect)

    def apply(rule: Lowering, node: Node[Any]) -> None:
        if not all(map(emitter.is_known, node.inputs)):
            return  # it follows from a refusal, which is reported
        _judge(node, dialect)
        start = emitter.begin(node)
        made = rule(emitter, node)
        results = [made] if isinstance(made, Blob) else made
        if isinstance(node.op, OVERFLOWING):
            results = [wrapped(emitter, y, v.type.dtype) for y, v in zip(results, node.outputs)]
        quantized.note_weights(node, emitter.layers[start:])
        emitter.bind(node, results)

    base.lower(graph, RULES, 0, apply)
    return emitter


def _judge(node: Node[Any], dialect: Dialect) -> None:
    """Raise UnsupportedCase where `node` has a size or a type that blobs have not."""
    values = [v for v in (*node.inputs, *node.outputs) if v.const is None]
    for value in values:
        need_held(value.type.dtype, type(node.op).__name__)
    for value in node.outputs:
        sizes(value)
        if value.type.dtype in HELD:
            dialect.need(WHOLE)


BACKEND = CaffeBackend()
