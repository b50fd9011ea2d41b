"""The way from the IR to `.tflite` files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from mgeconvert.backends import base, quant_params
from mgeconvert.backends.base import Artifact, Lowering, Request
from mgeconvert.backends.tflite import mtk, writer
from mgeconvert.backends.tflite.emitter import Emitter
from mgeconvert.backends.tflite.legalize import LegalizeOptions, legalize, widen_types
from mgeconvert.backends.tflite.quantized import (
    need_storable,
    remove_relus,
    spell_quantization,
    spread_quant,
)
from mgeconvert.backends.tflite.rules import RULES
from mgeconvert.backends.tflite.sharing import keep_apart
from mgeconvert.ir import Graph, Node
from mgeconvert.ir.passes import (
    Observer,
    Pass,
    drop_dead,
    fold_batch_norm,
    fold_constants,
    graph_pass,
    merge_constants,
    propagate_quant,
    quantize_before_relu,
    remove_identities,
    round_constants,
    run_passes,
    write_out_words,
)
from mgeconvert.ir.passes.layout import (
    Transposes,
    count_transposes,
    move_to_ports,
    permute_weights_after_flatten,
    permute_weights_before_unflatten,
    settle_transposes,
)

PIPELINE: tuple[Pass, ...] = (
    propagate_quant,
    fold_constants,
    remove_identities,
    fold_batch_norm,
    merge_constants,
    drop_dead,
)
"""What does not depend on the target."""

LOWER: tuple[Pass, ...] = (
    graph_pass()(widen_types),
    fold_constants,
    remove_identities,
    graph_pass()(spread_quant),
    settle_transposes,
    permute_weights_after_flatten,
    permute_weights_before_unflatten,
    fold_constants,
    remove_identities,
    merge_constants,
    drop_dead,
)
"""Towards TFLite's operators and layout."""


class Options(Protocol):
    """The settings of this target; the manifest's `TfliteOptions` has them."""

    graph_name: str
    fold_bn: bool
    quantize: bool
    prefer_same_pad_mode: bool
    mtk: bool
    remove_relu: bool
    use_int64_bias: bool
    disable_nhwc: bool
    max_runtime: str


class TfliteBackend:
    """Writes one `.tflite` file."""

    name = "tflite"

    def convert(self, graph: Graph, request: Request, observe: Observer) -> Artifact:
        options: Options = request.options
        pipeline = (p for p in PIPELINE if options.fold_bn or p is not fold_batch_norm)
        run_passes(graph, tuple(pipeline), observe)
        noted = quant_params.taken(graph, request.quantization.params)
        parameters = quant_params.document(graph)
        if request.quantization.param_fake_quant:
            run_passes(graph, (round_constants,), observe)
        if options.quantize:
            quant_params.need_some(parameters)
            run_passes(graph, (write_out_words,))
            need_storable(graph)
        else:
            _forget_quant(graph)
        run_passes(graph, (_legalizing(options), *LOWER), observe)
        notes = _quantized(graph, options) if options.quantize else ()
        layouts = {} if options.disable_nhwc else move_to_ports(graph)
        left = count_transposes(graph)
        file, tensors = _emit(graph, options, request.provenance, layouts)
        writer.check_size(file)
        files = {f"{request.stem}.tflite": writer.stream(file)}
        if parameters:
            files[request.stem + quant_params.ENDING] = iter([parameters])
        return Artifact(files, (*noted, *notes, *_notes(left, layouts)), tensors, layouts)


def _legalizing(options: Options) -> Pass:
    """Return the pass that rewrites operators to those that TFLite has, as the options ask."""
    chosen = LegalizeOptions(prefer_same_pad_mode=options.prefer_same_pad_mode)

    def legalize_operators(graph: Graph) -> bool:
        """Rewrite every operator that TFLite does not have, or has in another form."""
        return legalize(graph, chosen)

    return graph_pass()(legalize_operators)


def _quantized(graph: Graph, options: Options) -> tuple[str, ...]:
    """Compute in whole numbers what LiteRT can; return notes on what it cannot."""
    relus = (graph_pass()(remove_relus),) if options.remove_relu else ()
    run_passes(graph, (graph_pass()(spread_quant), quantize_before_relu, *relus))
    notes = spell_quantization(graph, int64_bias=options.use_int64_bias)
    run_passes(graph, (merge_constants, drop_dead))
    return notes


def _notes(left: Transposes, layouts: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    """Say what the layout came to."""
    moved = [f"{name!r} is N,spatial,C" for name in layouts]
    return (f"transpositions left: {left.inside} inside, {left.at_ports} at ports", *moved)


def _forget_quant(graph: Graph) -> None:
    """A float model says nothing of quantization."""
    for node in graph:
        for value in (*node.inputs, *node.outputs):
            value.quant = None
    for port in (*graph.inputs, *graph.outputs):
        port.value.quant = None


def _emit(
    graph: Graph,
    options: Options,
    provenance: Mapping[str, str],
    layouts: Mapping[str, tuple[int, ...]],
) -> tuple[writer.File, Mapping[str, str]]:
    """Return the file, and the names of its tensors by those of the graph's values."""
    checks = (mtk.check,) if options.mtk else ()
    emitter = Emitter(graph, max_runtime=options.max_runtime, checks=checks)

    def apply(rule: Lowering, node: Node[Any]) -> None:
        if node not in emitter.fused:
            emitter.begin(node)
            rule(emitter, node)

    base.lower(graph, RULES, 0, apply)
    outputs = emitter.publish_outputs()
    keep_apart(emitter, outputs)
    facts = {**provenance, "mgeconvert.layouts": {k: list(v) for k, v in layouts.items()}}
    file = writer.build(emitter, outputs, graph_name=options.graph_name, facts=facts)
    return file, emitter.names()


BACKEND = TfliteBackend()
