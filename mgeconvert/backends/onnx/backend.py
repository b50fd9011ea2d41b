"""The way from the IR to `.onnx` files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from mgeconvert.backends import base
from mgeconvert.backends.base import Artifact, Lowering, Request
from mgeconvert.backends.onnx import optimizers, writer
from mgeconvert.backends.onnx.emitter import Emitter
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
    remove_identities,
    run_passes,
)

PIPELINE: tuple[Pass, ...] = (
    fold_constants,
    remove_identities,
    fold_batch_norm,
    merge_constants,
    drop_dead,
)


class Options(Protocol):
    """The settings of this target; the manifest's `OnnxOptions` has them."""

    opset: int
    graph_name: str
    fold_bn: bool
    optimize: bool
    simplify: bool
    external_data: str  # "auto": above 2 GiB; "always"; "never"


class OnnxBackend:
    """Writes one `.onnx` file, and one of external data where the weights need it."""

    name = "onnx"

    def convert(self, graph: Graph, request: Request, observe: Observer) -> Artifact:
        options: Options = request.options
        if not OLDEST <= options.opset <= NEWEST:
            raise UnsupportedCase(f"opset {options.opset}", hint=f"use {OLDEST} to {NEWEST}")
        run_passes(graph, _pipeline(options), observe)
        model = _emit(graph, options, request.provenance)
        model, notes = optimizers.run(model, optimize=options.optimize, simplify=options.simplify)
        writer.check(model)
        return _artifact(model, options, request.stem, notes)


def _pipeline(options: Options) -> tuple[Pass, ...]:
    return tuple(p for p in PIPELINE if options.fold_bn or p is not fold_batch_norm)


def _emit(graph: Graph, options: Options, provenance: Mapping[str, str]) -> writer.Structure:
    emitter = Emitter(graph, options.opset)

    def apply(rule: Lowering, node: Node[Any]) -> None:
        start = emitter.begin(node)
        results = rule(emitter, node)
        emitter.bind(node, [results] if isinstance(results, str) else results, start)

    base.lower(graph, RULES, options.opset, apply)
    emitter.publish_outputs()
    return writer.structure(emitter, options.graph_name, provenance)


def _artifact(
    model: writer.Structure, options: Options, stem: str, notes: tuple[str, ...]
) -> Artifact:
    large = writer.total_size(model.weights) > writer.INLINE_LIMIT
    if options.external_data == "never" and large:
        raise UnsupportedCase(
            "more than 2 GiB of weights do not fit into one ONNX file",
            hint='set external_data = "auto"',
        )
    if options.external_data != "always" and not large:
        return Artifact({f"{stem}.onnx": writer.stream(model)}, notes)
    location = f"{stem}.onnx.data"
    model, moved = writer.externalize(model, location)
    files = {f"{stem}.onnx": writer.stream(model), location: writer.external_chunks(moved)}
    return Artifact(files, notes)


BACKEND = OnnxBackend()
