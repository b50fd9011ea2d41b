"""What MegEngine's quantized models compute without rounding; for MegEngine's own process.

A `.tm` holds instances of MegEngine's own modules, which do the rounding themselves, so that they
can be told not to. A dump holds operators that round, which are taken out of its graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO

from mgeconvert.errors import UnsupportedCase

KEPT, PARAMETERS, NONE = "kept", "parameters", "none"
FAKE = ("FakeQuantForward", "TQTForward", "LSQForward")


def relax(module: Any, rounding: str) -> None:
    """Let a TracedModule round nothing, or with "parameters" its weights and biases alone."""
    from megengine.module.qat import QATModule
    from megengine.module.quantized.module import QuantizedModule

    if rounding == KEPT:
        return
    scales = _input_scales(module) if rounding == PARAMETERS else {}
    for part in module.modules():
        if isinstance(part, QATModule):
            _relax_training(part, rounding)
        elif isinstance(part, QuantizedModule):
            _relax_quantized(part, scales.get(id(part)))


def _relax_training(part: Any, rounding: str) -> None:
    """The biases are rounded only where the result is said to be: so it is told to stay."""
    if rounding == NONE:
        part.set_fake_quant(False)
    elif part.act_fake_quant is not None:
        part.act_fake_quant.fake_quant_forward = _same


def _same(inp: Any, qparams: Any = None, **_: Any) -> Any:
    return inp


def _input_scales(module: Any) -> Mapping[int, float]:
    """Return the scale of what each quantized module is given, by the module's id."""
    from megengine.core.tensor.dtype import get_scale, is_quantize

    found = {}
    for expr in module.graph.exprs(True):
        inputs: Sequence[Any] = getattr(expr, "inputs", ())
        if type(expr).__name__ != "CallMethod" or len(inputs) < 2:
            continue
        dtype = getattr(inputs[1], "dtype", None)
        if type(inputs[0]).__name__ == "ModuleNode" and dtype is not None and is_quantize(dtype):
            found[id(inputs[0].owner)] = float(get_scale(dtype))
    return found


def _relax_quantized(part: Any, scale: float | None) -> None:
    """Give a quantized module the float computation of its kind, with its own weights.

    `scale` is that of its input where the bias is to be rounded, else None.
    """
    from megengine.module import quantized

    replaced = {
        quantized.Conv2d: ("calc_conv_quantized", _conv),
        quantized.ConvTranspose2d: ("calc_conv_transpose2d_quantized", _conv_transpose),
        quantized.Linear: ("calc_linear_quantized", _linear),
        quantized.BatchMatMulActivation: ("calc_bmm_quantized", _batched),
        quantized.Elemwise: ("forward", _elemwise),
        quantized.Concat: ("forward", _concat),
        quantized.QuantStub: ("forward", _stub),
        quantized.DequantStub: ("forward", _stub),
    }
    for kind, (method, compute) in replaced.items():
        if isinstance(part, kind):
            setattr(part, method, partial(compute, part, scale))
            return
    raise UnsupportedCase(f"MegEngine's {type(part).__name__} without rounding")


def _float(x: Any) -> Any:
    return x.astype("float32")


def _bias(part: Any, scale: float | None) -> Any:
    from megengine.core.tensor.dtype import get_scale, qint32

    if part.bias is None or scale is None:
        return part.bias
    return _float(part.bias.astype(qint32(scale * get_scale(part.weight.dtype))))


def _activated(y: Any, mode: str) -> Any:
    from megengine import functional

    return functional.relu(y) if mode == "relu" else y


def _conv(part: Any, scale: float | None, inp: Any, nonlinear_mode: str = "identity") -> Any:
    y = part.calc_conv(_float(inp), _float(part.weight), _bias(part, scale))
    return _activated(y, nonlinear_mode)


def _conv_transpose(
    part: Any, scale: float | None, inp: Any, nonlinear_mode: str = "identity"
) -> Any:
    from megengine import functional

    y = functional.conv_transpose2d(
        _float(inp),
        _float(part.weight),
        _bias(part, scale),
        part.stride,
        part.padding,
        part.output_padding,
        part.dilation,
        part.groups,
        part.conv_mode,
        part.compute_mode,
    )
    return _activated(y, nonlinear_mode)


def _linear(part: Any, scale: float | None, inp: Any, nonlinear_mode: str = "identity") -> Any:
    from megengine import functional

    y = functional.linear(_float(inp), _float(part.weight), _bias(part, scale))
    return _activated(y, nonlinear_mode)


def _batched(part: Any, scale: float | None, inp: Any) -> Any:
    """The weights are stored as filters of one pixel, and so is the bias."""
    from megengine import functional

    weight = _float(part.weight)
    y = functional.matmul(weight.reshape(*weight.shape[:3]), _float(inp))
    bias = _bias(part, scale)
    y = y if bias is None else y + bias.reshape(1, -1, 1)
    return _activated(y, part.nonlinear_mode)


def _elemwise(part: Any, scale: float | None, *inps: Any) -> Any:
    from megengine.functional.elemwise import _elwise

    return _elwise(*map(_float, inps), mode=part.method[1:])


def _concat(part: Any, scale: float | None, inps: Iterable[Any], axis: int = 0) -> Any:
    from megengine import functional

    return functional.concat([_float(inp) for inp in inps], axis)


def _stub(part: Any, scale: float | None, inp: Any) -> Any:
    return _float(inp)


def inference(file: BinaryIO, *, outputs: list[str] | None, rounding: str) -> Any:
    """Return MegEngine's GraphInference of a dump, with its rounding as `relax` has it.

    Its outputs have the names that they have in the dump.
    """
    from megengine.core.tensor.megbrain_graph import OutputNode, load_graph
    from megengine.utils.comp_graph_tools import (
        GraphInference,
        convert_inputs,
        find_vars_by_name,
    )

    if rounding == KEPT:
        return GraphInference(file, outputs=outputs)
    loaded = load_graph(file)
    wanted = loaded.output_vars_list
    if outputs is not None:
        wanted = find_vars_by_name(wanted, outputs)
    nodes, inputs = convert_inputs(relaxed(list(wanted), rounding))
    made = GraphInference.__new__(GraphInference)
    made._graph, made._origin_outputs, made._inp_dict = nodes[0].graph, wanted, inputs
    made._oup_dict = {var.name: OutputNode(node) for var, node in zip(wanted, nodes)}
    made._func = made._graph.compile([node.outputs[0] for node in made._oup_dict.values()])
    return made


def relaxed(outputs: list[Any], rounding: str) -> list[Any]:
    """Return the vars of a dump's graph with what rounds them taken out.

    With "parameters", what rounds a number that depends on no input stays. Raises UnsupportedCase
    for a graph of quantized types: whole numbers cannot but be rounded. One at a time, for of
    several that depend on each other MegEngine replaces none.
    """
    from megengine.utils.comp_graph_tools import replace_vars

    while (found := _rounds(outputs, rounding)) is not None:
        outputs = replace_vars(outputs, [(found.outputs[0], found.inputs[0])])
    return outputs


def _rounds(outputs: list[Any], rounding: str) -> Any:
    """Return the first operator that rounds what should not be, None where there is none."""
    from megengine.utils.comp_graph_tools import get_oprs_seq

    moving: set[int] = set()
    for operator in get_oprs_seq(outputs, prune_reshape=False, prune_immtensor=False):
        if any(_is_quantized(var) for var in operator.outputs):
            raise UnsupportedCase("MegEngine cannot compute a dump of quantized types without them")
        fed = operator.type == "Host2DeviceCopy" or any(v.id in moving for v in operator.inputs)
        if fed:
            moving.update(var.id for var in operator.outputs)
        if operator.type in FAKE and (fed or rounding == NONE):
            return operator
    return None


def _is_quantized(var: Any) -> bool:
    from megengine.core.tensor.dtype import is_quantize

    try:
        return bool(is_quantize(var.dtype))
    except RuntimeError:  # bytes of a workspace, for which numpy has no type
        return False
