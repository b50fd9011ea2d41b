"""Running a graph by the operators' own numpy meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mgeconvert.errors import InternalError, ShapeError
from mgeconvert.ir.dims import Sym, bind, symbols
from mgeconvert.ir.graph import Graph, Value
from mgeconvert.ir.op import Array
from mgeconvert.ir.quantize import fake_quantize
from mgeconvert.ir.types import DType, TensorType


def evaluate(
    graph: Graph,
    feeds: Mapping[str, Array],
    observe: Callable[[Value, Array], None] = lambda value, array: None,
    *,
    quantized: bool = False,
) -> dict[str, Array]:
    """Return the outputs by port name for the inputs in `feeds`, by port name.

    `observe` is shown every value that a node computes. With `quantized` every float value that
    is annotated, input or constant or result, is rounded to what its parameters can express. An
    array is dropped after its last use, so that the memory needed is that of the live values.
    """
    known = bindings(graph, feeds)

    def meant(value: Value, array: Array) -> Array:
        rounds = quantized and value.quant is not None and value.type.dtype.is_float
        return fake_quantize(array, value.quant) if rounds and value.quant else array

    env: dict[Value, Array] = {p.value: meant(p.value, feeds[p.name]) for p in graph.inputs}
    left = {v: len(v.users) + v.is_output for n in graph for v in (*n.inputs, *n.outputs)}

    def array(value: Value) -> Array:
        return env[value] if value.const is None else meant(value, value.const)

    for node in graph:
        results = node.op.bound(known).eval([array(v) for v in node.inputs])
        for value, result in zip(node.outputs, results, strict=True):
            _expect(value, result, known)
            known |= _decided(value, result, known)
            rounded = meant(value, result)
            observe(value, rounded)
            env[value] = rounded
        for value in dict.fromkeys(node.inputs):
            left[value] -= 1
            if not left[value] and value.producer is not None:
                del env[value]
    return {p.name: array(p.value) for p in graph.outputs}


def bindings(graph: Graph, feeds: Mapping[str, Array]) -> dict[str, int]:
    """Return the numbers behind the symbols of the graph's inputs; raise ShapeError on misfits."""
    known: dict[str, int] = {}
    for port in graph.inputs:
        if port.name not in feeds:
            raise ShapeError(f"input {port.name!r} is missing")
        array, type = feeds[port.name], port.value.type
        if array.ndim != type.rank or DType.of(array) is not type.dtype:
            got = TensorType(DType.of(array), array.shape)
            raise ShapeError(f"input {port.name!r} is {got}, not {type}")
        for expected, size in zip(type.shape, array.shape):
            if (
                isinstance(expected, Sym)
                and len(symbols(expected)) == 1
                and expected.terms == (((next(iter(symbols(expected))),), 1),)
            ):
                known.setdefault(str(expected), size)
    for port in graph.inputs:  # now that every symbol is known, whichever input it came from
        array, type = feeds[port.name], port.value.type
        if tuple(bind(d, known) for d in type.shape) != array.shape:
            sizes = ", ".join(map(str, array.shape))
            raise ShapeError(
                f"input {port.name!r} has the shape [{sizes}], where {type} is asked for"
            )
    return known


def _decided(value: Value, result: Array, known: Mapping[str, int]) -> dict[str, int]:
    """Return the numbers behind symbols of their own that data has decided."""
    sizes = zip(value.type.shape, result.shape)
    return {str(d): n for d, n in sizes if isinstance(d, Sym) and {str(d)} == symbols(d) - {*known}}


def _expect(value: Value, result: Array, known: Mapping[str, int]) -> None:
    """Hold an operator to its own inference; sizes that depend on data are left open."""
    shape = tuple(bind(d, known) for d in value.type.shape)
    fits = result.ndim == len(shape) and all(
        isinstance(want, Sym) or want == got for want, got in zip(shape, result.shape)
    )
    if not fits or DType.of(result) is not value.type.dtype:
        got = TensorType(DType.of(result), result.shape)
        raise InternalError(f"{value.producer}: eval gives {got}, infer says {value.type}")
