"""onnxoptimizer and onnx-simplifier, held to never making a model larger or another one."""

from __future__ import annotations

from collections.abc import Callable

from onnx import ModelProto, TensorProto, numpy_helper

from mgeconvert.backends.onnx.writer import INLINE_LIMIT, Structure, total_size
from mgeconvert.errors import ConvertError, UnsupportedCase

# Each of these removes or joins nodes. The default set also rewrites, and grows, what it fuses.
OPTIMIZER_PASSES = (
    "eliminate_nop_cast",
    "eliminate_nop_dropout",
    "eliminate_nop_expand",
    "eliminate_nop_flatten",
    "eliminate_nop_monotone_argmax",
    "eliminate_nop_pad",
    "eliminate_nop_concat",
    "eliminate_nop_split",
    "eliminate_nop_transpose",
    "eliminate_identity",
    "eliminate_consecutive_idempotent_ops",
    "eliminate_common_subexpression",
    "eliminate_deadend",
    "eliminate_duplicate_initializer",
    "eliminate_unused_initializer",
    "fuse_consecutive_concats",
    "fuse_consecutive_reduce_unsqueeze",
    "fuse_consecutive_squeezes",
    "fuse_consecutive_transposes",
    "fuse_pad_into_conv",
)


def run(model: Structure, *, optimize: bool, simplify: bool) -> tuple[Structure, tuple[str, ...]]:
    """Return the model after the optimizers asked for, and a note on each."""
    notes: list[str] = []
    for wanted, name, rewrite in (
        (optimize, "onnxoptimizer", _optimize),
        (simplify, "onnx-simplifier", _simplify),
    ):
        if wanted:
            model = _guarded(model, name, rewrite, notes)
    return model, tuple(notes)


def _guarded(
    model: Structure, name: str, rewrite: Callable[[ModelProto], ModelProto], notes: list[str]
) -> Structure:
    if total_size(model.weights) > INLINE_LIMIT:
        raise UnsupportedCase(
            f"{name} cannot take more than 2 GiB of weights", hint="switch it off"
        )
    before = len(model.model.graph.node)
    try:
        result = rewrite(_join(model))
    except Exception as error:  # a foreign library; whatever it raises, its name must be told
        raise ConvertError(
            f"{name} failed: {type(error).__name__}: {error}", hint="switch it off for this target"
        ) from error
    after = len(result.graph.node)
    if after > before:
        notes.append(f"{name} made {after} nodes of {before}: its result was not used")
        return model
    notes.append(f"{name}: {before} nodes before, {after} after")
    return _part(model, result)


def _optimize(model: ModelProto) -> ModelProto:
    import onnxoptimizer

    available = set(onnxoptimizer.get_available_passes())
    return onnxoptimizer.optimize(model, [p for p in OPTIMIZER_PASSES if p in available], True)


def _simplify(model: ModelProto) -> ModelProto:
    import onnxsim

    simplified, same = onnxsim.simplify(model, check_n=0)
    if not same:
        raise ConvertError("the simplified model computes something else")
    return simplified


def _join(model: Structure) -> ModelProto:
    whole = ModelProto()
    whole.CopyFrom(model.model)
    whole.graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in model.weights.items()
    )
    return whole


def _part(before: Structure, result: ModelProto) -> Structure:
    """Take the weights out again, and restore what the optimizers do not carry along."""
    weights = {t.name: numpy_helper.to_array(t) for t in result.graph.initializer}
    del result.graph.initializer[:]
    kept = [i for i in result.graph.input if i.name not in weights]
    del result.graph.input[:]
    result.graph.input.extend(kept)
    del result.graph.value_info[:]
    result.ir_version = before.model.ir_version
    result.producer_name = before.model.producer_name
    del result.metadata_props[:]
    result.metadata_props.extend(before.model.metadata_props)
    _fold_constant_nodes(result, weights)
    return Structure(result, weights)


def _fold_constant_nodes(result: ModelProto, weights: dict[str, object]) -> None:
    """Constant nodes become initializers again."""
    kept = []
    for node in result.graph.node:
        value = next((a.t for a in node.attribute if a.name == "value"), None)
        if node.op_type == "Constant" and isinstance(value, TensorProto):
            weights[node.output[0]] = numpy_helper.to_array(value)
        else:
            kept.append(node)
    if len(kept) != len(result.graph.node):
        del result.graph.node[:]
        result.graph.node.extend(kept)
