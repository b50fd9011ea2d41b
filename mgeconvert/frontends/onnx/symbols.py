"""The dimensions of a model's inputs: numbers, and symbols with clean names."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence

from mgeconvert.errors import Location, ShapeError, UnsupportedCase
from mgeconvert.frontends.onnx.records import Dims, OnnxPort
from mgeconvert.frontends.onnx.tensors import element_type
from mgeconvert.ir import DType, Sym, TensorType
from mgeconvert.ir.dims import Dim, dim, symbol, symbols

LONGEST = 200  # letters of the text of a dimension that is parsed

Shapes = Mapping[str, Sequence[int | str]]


def input_types(ports: Sequence[OnnxPort], shapes: Shapes) -> dict[str, TensorType]:
    """Return the types of the inputs, by name; `shapes` overrides what the file says.

    A text such as "N" or "4*N" is what it says, if N alone is the size of some axis; any other text
    stands for a symbol of its own, as does a dimension of which nothing is known.
    """
    dims = {port.name: _dims(port, shapes.get(port.name)) for port in ports}
    texts = {d for shape in dims.values() for d in shape if isinstance(d, str)}
    names = Names({t for t in texts if _is_name(t)})
    return {
        port.name: TensorType(
            _dtype(port),
            tuple(
                names.unnamed(port.name, axis) if d is None else names.dim(d)
                for axis, d in enumerate(dims[port.name])
            ),
        )
        for port in ports
    }


class Names:
    """The symbols of a model; `alone` are those that are the whole size of an axis."""

    def __init__(self, alone: set[str]) -> None:
        self._alone = alone
        self._taken = set(alone)
        self._made: dict[str, Sym] = {}

    def dim(self, value: int | str) -> Dim:
        """Return the dimension that a text means."""
        if isinstance(value, int) or value in self._alone:
            return dim(value)
        if value not in self._made:
            meant = _parsed(value)
            if meant is not None and symbols(meant) <= self._alone:
                return meant
            self._made[value] = self._new(value)
        return self._made[value]

    def unnamed(self, port: str, axis: int) -> Sym:
        """Return a symbol for an axis of an input of which nothing is known."""
        return self._new(f"{port}_{axis}")

    def _new(self, text: str) -> Sym:
        wanted = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")[:LONGEST] or "size"
        wanted = wanted if _is_name(wanted) else f"size_{wanted}"
        name, i = wanted, 0
        while name in self._taken:
            i += 1
            name = f"{wanted}_{i}"
        self._taken.add(name)
        return symbol(name)


def _is_name(text: str) -> bool:
    return text.isascii() and text.isidentifier() and not keyword.iskeyword(text)


def _parsed(text: str) -> Sym | None:
    """Return the expression that a text is; None where it is none."""
    if len(text) > LONGEST:
        return None
    try:
        value = dim(text)
    except (ShapeError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, Sym) else None


def _dims(port: OnnxPort, override: Sequence[int | str] | None) -> Dims:
    if override is None and port.dims is None:
        raise UnsupportedCase(
            f"input {port.name!r} has no shape",
            at=Location("onnx", name=port.name),
            hint="give its shape in the manifest",
        )
    if override is None or port.dims is None:
        return tuple(override or ()) if port.dims is None else port.dims
    if len(override) != len(port.dims):
        raise UnsupportedCase(
            f"input {port.name!r} has {len(port.dims)} axes, the manifest gives {len(override)}",
            at=Location("onnx", name=port.name),
        )
    return tuple(override)


def _dtype(port: OnnxPort) -> DType:
    if not port.elem_type:
        raise UnsupportedCase("it is no tensor", at=Location("onnx", name=port.name))
    return element_type(port.elem_type)
