"""Turn stand-ins of numpy's and MegEngine's data into numpy arrays and records; numpy only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mgeconvert.errors import UnreadableSource
from mgeconvert.frontends.traced import vocabulary as v
from mgeconvert.frontends.traced.records import QParams, QuantDtype, Tensor
from mgeconvert.frontends.traced.stubs import Name, Stub, Value, shown

MAX_DEPTH = 100
"""Modules and containers inside each other; MegEngine's own limit is Python's stack."""

MAX_ITEMS = 1_000_000
"""Items of one nest of containers, a part that it shares counted at each place."""

_ELEMENTS = {"b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"}
_PLAIN = (type(None), bool, int, float, str)
_BUSY = object()


def damaged(problem: str, stub: Stub | None = None) -> NoReturn:
    """Raise UnreadableSource for a problem with the object `stub`."""
    where = f" in {stub.kind.name} at byte {stub.offset}" if stub else ""
    raise UnreadableSource(
        problem + where, hint="the file is damaged; save it again with megengine.save"
    )


class Values:
    """Decodes each value once, so that what the file shares stays shared."""

    def __init__(self) -> None:
        self.handlers: dict[Name, Callable[[Stub], Any]] = {
            v.DTYPE: self._dtype,
            **dict.fromkeys(v.RECONSTRUCT, self._array),
            **dict.fromkeys(v.FROM_BUFFER, self._array_of_buffer),
            **dict.fromkeys(v.SCALAR, self._scalar),
            v.TENSOR: self._tensor,
            v.PARAMETER: self._tensor,
            v.QPARAMS: self._qparams,
            v.LSQ_PARAMS: self._qparams,
            v.QUANT_DTYPE: lambda stub: QuantDtype(*stub.args),
            v.QUANT_MODE: lambda stub: "ASYMMERTIC" if stub.args[0] == 2 else "SYMMERTIC",
            v.COMP_NODE: lambda stub: stub.state,
            v.GROUP: lambda _: None,  # the processes that train together
        }
        self._known: dict[int, Any] = {}
        self._sizes: dict[int, int] = {}
        self._depth = 0

    def decode(self, value: Value) -> Any:
        """Return `value` as plain Python, numpy and records; the pickle must be kept meanwhile."""
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, memoryview):
            return bytes(value)
        if isinstance(value, Name):
            return _of_name(value)
        known = self._known.get(id(value), self)
        if known is _BUSY:
            damaged("a value contains itself")
        if known is self:
            known = self._enter(value)
        return known

    def _enter(self, value: Value) -> Any:
        self._known[id(value)] = _BUSY
        self._depth += 1
        if self._depth > MAX_DEPTH:
            damaged(f"values are nested deeper than {MAX_DEPTH}")
        known = self._known[id(value)] = self._decode(value)
        self._depth -= 1
        return known

    def _decode(self, value: Value) -> Any:
        if isinstance(value, (list, tuple)):
            found: Any = type(value)(self.decode(item) for item in value)
            self._weigh(value, value)
        elif isinstance(value, dict):
            found = {self._key(key): self.decode(item) for key, item in value.items()}
            self._weigh(value, value.values())
        else:
            handler = self.handlers.get(value.kind)
            if handler is None:
                damaged("an object where a value is expected", value)
            found = handler(value)
        return found

    def _weigh(self, value: Value, items: Iterable[Value]) -> None:
        size = 1 + sum(self._sizes.get(id(item), 1) for item in items)
        if size > MAX_ITEMS:
            damaged(f"a nest of containers has more than {MAX_ITEMS:,} items")
        self._sizes[id(value)] = size

    def _key(self, key: Value) -> str | int:
        if not isinstance(key, (str, int)):
            damaged("a dict is keyed by an object")
        return key

    def dtype(self, value: Value) -> np.dtype[Any]:
        """Return the element type that `value` is, also where it is spelled as a text."""
        found = _of_name(Name("numpy", value)) if isinstance(value, str) else self.decode(value)
        if not isinstance(found, np.dtype):
            damaged(f"{shown(value)} is not an element type")
        return found

    def _dtype(self, stub: Stub) -> np.dtype[Any]:
        state = stub.state
        if (
            not isinstance(state, tuple)
            or len(state) not in (8, 9)
            or state[1] not in tuple("<>|=")
        ):
            damaged("an element type without its state", stub)
        kind, metadata = stub.args[0], state[8] if len(state) == 9 else None
        if isinstance(kind, Name) and kind in v.LOW_BIT_TYPES:
            code, name = v.LOW_BIT_TYPES[kind]
            return np.dtype(code, metadata={"mgb_dtype": {"name": name}})
        if not isinstance(kind, str) or kind not in _ELEMENTS:
            damaged(f"element type {shown(kind)} is not handled", stub)
        base = np.dtype(state[1] + kind)
        return base if not metadata else np.dtype(base, metadata=_quantization(metadata, stub))

    def _array(self, stub: Stub) -> NDArray[Any]:
        _, shape, dtype, fortran, data = stub.state
        return _view(stub, data, self.dtype(dtype), shape, order="F" if fortran else "C")

    def _array_of_buffer(self, stub: Stub) -> NDArray[Any]:
        data, dtype, shape, order = stub.args
        return _view(stub, data, self.dtype(dtype), shape, order="F" if order == "F" else "C")

    def _scalar(self, stub: Stub) -> Any:
        dtype, data = stub.args
        return _view(stub, data, self.dtype(dtype), (), order="C")[()]

    def _tensor(self, stub: Stub) -> Tensor:
        data, dtype = self.decode(stub.args[0]), self.dtype(stub.args[1])
        if not isinstance(data, np.ndarray) or data.dtype.itemsize != dtype.itemsize:
            damaged("a tensor without an array of its type", stub)
        if dtype.metadata and not data.dtype.metadata:
            data = data.view(dtype)
        qparams = self.decode((stub.state or {}).get("qparams"))
        if not isinstance(qparams, (QParams, type(None))):
            damaged("quantization parameters of an unknown kind", stub)
        return Tensor(data, stub.kind == v.PARAMETER, qparams)

    def _qparams(self, stub: Stub) -> QParams:
        _, state = stub.state
        mode, dtype = self.decode(state["mode"]), self.decode(state["dtype_meta"])
        scale, zero_point = (self._number(state.get(key)) for key in ("scale", "zero_point"))
        if not isinstance(mode, str) or not isinstance(dtype, (QuantDtype, type(None))):
            damaged("quantization parameters of an unknown kind", stub)
        return QParams(mode, dtype, scale, zero_point)

    def _number(self, value: Value) -> NDArray[Any] | None:
        found = self.decode(value)
        if isinstance(found, Tensor):
            return found.data
        if not isinstance(found, (np.ndarray, np.generic, int, float, type(None))):
            damaged("a scale or zero point is not a number")
        return None if found is None else np.asarray(found)


def _view(
    stub: Stub, data: Value, dtype: np.dtype[Any], shape: Value, *, order: Any
) -> NDArray[Any]:
    """Return the bytes `data` as an array that refers to them."""
    if not isinstance(shape, tuple) or not all(type(dim) is int and dim >= 0 for dim in shape):
        damaged("an array without a shape", stub)
    if not isinstance(data, memoryview) or len(data) != prod(shape) * dtype.itemsize:
        damaged(f"an array of shape {shape[:32]} does not fit its bytes", stub)
    if not data:
        return np.empty(shape, dtype)
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _quantization(metadata: Value, stub: Stub) -> dict[str, Any]:
    """Return the metadata that MegEngine keeps on a quantized element type, checked."""
    found = metadata["mgb_dtype"]
    kinds = {"name": str, "scale": float, "zero_point": int}
    if (
        len(metadata) != 1
        or not isinstance(found, dict)
        or any(not isinstance(found[key], kinds[key]) for key in found)
    ):
        damaged("an element type with unknown metadata", stub)
    return {"mgb_dtype": {"name": found["name"], "scale": found["scale"], **found}}


def _of_name(name: Name) -> Any:
    if name in v.NUMPY_TYPES:
        return np.dtype(v.NUMPY_TYPES[name])
    return Ellipsis if name == v.ELLIPSIS else name
