"""The way from the IR to `.onnx` files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from mgeconvert.backends import base, quant_params
from mgeconvert.backends.base import Artifact, Lowering, Request
from mgeconvert.backends.onnx import optimizers, writer
from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.quantized import needed_opset, spell_quantization
from mgeconvert.backends.onnx.rules import RULES
from mgeconvert.backends.onnx.rules.table import NEWEST, OLDEST
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Graph, Node
from mgeconvert.ir.passes import (
    Observer,
    Pass,
    drop_dead,
    fold_batch_norm,
    fold_constants,
    merge_constants,
    propagate_quant,
    quantize_before_relu,
    quantize_biases,
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


QUANTIZE: tuple[Pass, ...] = (
    propagate_quant,
    quantize_before_relu,
    quantize_biases,
    spell_quantization,
    drop_dead,
)
"""What follows where the model is to compute in whole numbers."""


class Options(Protocol):
    """The settings of this target; the manifest's `OnnxOptions` has them."""

    opset: int
    graph_name: str
    fold_bn: bool
    optimize: bool
    simplify: bool
    quantize: bool
    external_data: str  # "auto": above 2 GiB; "always"; "never"


class OnnxBackend:
    """Writes one `.onnx` file, and one of external data where the weights need it."""

    name = "onnx"

    def convert(self, graph: Graph, request: Request, observe: Observer) -> Artifact:
        options: Options = request.options
        if not OLDEST <= options.opset <= NEWEST:
            raise UnsupportedCase(f"opset {options.opset}", hint=f"use {OLDEST} to {NEWEST}")
        run_passes(graph, _pipeline(options), observe)
        parameters, noted = _quantized(graph, request, observe)
        model, tensors = _emit(graph, options, request.provenance)
        model, notes = optimizers.run(model, optimize=options.optimize, simplify=options.simplify)
        writer.check(model)
        files = dict(_files(model, options, request.stem))
        if parameters:
            files[request.stem + quant_params.ENDING] = [parameters]
        return Artifact(files, (*noted, *notes), tensors)


def _quantized(graph: Graph, request: Request, observe: Observer) -> tuple[bytes, tuple[str, ...]]:
    """Do what is asked about quantization; return the file of parameters, and notes."""
    options, asked = request.options, request.quantization
    notes = quant_params.taken(graph, asked.params)
    parameters = quant_params.document(graph)
    if asked.param_fake_quant:
        run_passes(graph, (round_constants,), observe)
    if not options.quantize:
        return parameters, notes
    quant_params.need_some(parameters)
    needed_opset(options.opset)
    run_passes(graph, QUANTIZE, _unobserved)
    return parameters, notes


def _unobserved(name: str, graph: Graph) -> None:
    """These passes change numbers by rounding, which is what they are for."""


def _pipeline(options: Options) -> tuple[Pass, ...]:
    return tuple(p for p in PIPELINE if options.fold_bn or p is not fold_batch_norm)


def _emit(
    graph: Graph, options: Options, provenance: Mapping[str, str]
) -> tuple[writer.Structure, Mapping[str, str]]:
    """Return the model, and the names of its tensors by those of the graph's values."""
    emitter = Emitter(graph, options.opset)

    def apply(rule: Lowering, node: Node[Any]) -> None:
        start = emitter.begin(node)
        results = rule(emitter, node)
        emitter.bind(node, [results] if isinstance(results, str) else results, start)

    base.lower(graph, RULES, options.opset, apply)
    emitter.publish_outputs()
    return writer.structure(emitter, options.graph_name, provenance), emitter.tensors()


def _files(
    model: writer.Structure, options: Options, stem: str
) -> Mapping[str, Iterable[base.Chunk]]:
    large = writer.total_size(model.weights) > writer.INLINE_LIMIT
    if options.external_data == "never" and large:
        raise UnsupportedCase(
            "more than 2 GiB of weights do not fit into one ONNX file",
            hint='set external_data = "auto"',
        )
    if options.external_data != "always" and not large:
        return {f"{stem}.onnx": writer.stream(model)}
    location = f"{stem}.onnx.data"
    model, moved = writer.externalize(model, location)
    return {f"{stem}.onnx": writer.stream(model), location: writer.external_chunks(moved)}


BACKEND = OnnxBackend()
