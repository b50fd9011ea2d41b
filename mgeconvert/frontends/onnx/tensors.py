"""From a TensorProto to an array, without a copy where the file has raw data."""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto

from mgeconvert.errors import UnreadableSource, UnsupportedCase
from mgeconvert.frontends.external import located
from mgeconvert.frontends.onnx.records import Array, OnnxTensor
from mgeconvert.ir import DType

ELEMENT_TYPES = {
    TensorProto.BOOL: DType.BOOL,
    TensorProto.INT8: DType.I8,
    TensorProto.UINT8: DType.U8,
    TensorProto.INT16: DType.I16,
    TensorProto.UINT16: DType.U16,
    TensorProto.INT32: DType.I32,
    TensorProto.UINT32: DType.U32,
    TensorProto.INT64: DType.I64,
    TensorProto.UINT64: DType.U64,
    TensorProto.FLOAT16: DType.F16,
    TensorProto.FLOAT: DType.F32,
    TensorProto.DOUBLE: DType.F64,
}
TYPED_FIELDS = {
    DType.F32: "float_data",
    DType.F64: "double_data",
    DType.I64: "int64_data",
    DType.U32: "uint64_data",
    DType.U64: "uint64_data",
}  # the others are in int32_data

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Files = Callable[[str], Bytes]


def element_type(number: int) -> DType:
    """Return the element type of this number in TensorProto; raise UnsupportedCase for others."""
    if number in ELEMENT_TYPES:
        return ELEMENT_TYPES[number]
    known = number in TensorProto.DataType.values()
    name = TensorProto.DataType.Name(number).lower() if known else f"number {number}"
    raise UnsupportedCase(f"the element type {name} has no place in the IR")


def map_file(path: Path) -> Bytes:
    """Return the bytes of a file without reading them; it must not change while they are in use."""
    try:
        with path.open("rb") as file:
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except OSError as error:
        raise UnreadableSource(f"cannot read {path.name}: {error.strerror}") from error
    except ValueError:  # an empty file cannot be mapped
        return np.zeros(0, np.uint8)


def text(value: str | bytes) -> str:
    """Return a text of the file; protobuf gives bytes where it is none."""
    if isinstance(value, bytes):
        raise UnreadableSource(f"the file is damaged: {value[:40]!r} is no text")
    return value


class ExternalData:
    """The files of external data beside a model; each is mapped once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._mapped: dict[Path, Bytes] = {}

    def __call__(self, location: str) -> Bytes:
        """Return the bytes of a file; raise UnreadableSource for one outside the folder."""
        path = located(self._folder, location)
        if path not in self._mapped:
            if not path.is_file():
                raise UnreadableSource(f"the file of external data {location!r} is missing")
            self._mapped[path] = map_file(path)
        return self._mapped[path]


def record(tensor: Any, raw: Bytes | None, files: Files) -> OnnxTensor:
    """Return the record of a TensorProto; `raw` is its raw data where that is not in the proto."""
    return OnnxTensor(text(tensor.name), lambda: decode(tensor, raw, files))


def decode(tensor: Any, raw: Bytes | None, files: Files) -> Array:
    """Return the array of a TensorProto.

    Raises:
        UnreadableSource: the data do not fit the shape.
        UnsupportedCase: the element type has no place in the IR.
    """
    dtype = element_type(tensor.data_type)
    dims = tuple(tensor.dims)
    if any(d < 0 for d in dims):
        raise UnreadableSource(f"a tensor of the shape {dims}")
    if tensor.HasField("segment"):
        raise UnsupportedCase("a tensor in segments")
    if tensor.data_location == TensorProto.EXTERNAL:
        raw = _external(tensor, files)
    elif raw is None and tensor.HasField("raw_data"):
        raw = np.frombuffer(tensor.raw_data, np.uint8)
    if raw is None:
        return _typed(tensor, dtype, dims)
    _need_count(math.prod(dims) * dtype.numpy.itemsize, raw.size, "bytes", dims)
    if dtype is DType.BOOL:
        return (raw != 0).reshape(dims)
    little = raw.view(dtype.numpy.newbyteorder("<"))
    return little.astype(dtype.numpy, copy=False).reshape(dims)


def _typed(tensor: Any, dtype: DType, dims: tuple[int, ...]) -> Array:
    """Read the field of the element type; half floats are there as the numbers of their bits."""
    values = getattr(tensor, TYPED_FIELDS.get(dtype, "int32_data"))
    _need_count(math.prod(dims), len(values), "elements", dims)
    wide = np.array(values, np.float64 if dtype.is_float and dtype is not DType.F16 else None)
    if dtype is DType.F16:
        return wide.astype(np.uint16).view(np.float16).reshape(dims)
    return wide.astype(dtype.numpy).reshape(dims)


def _external(tensor: Any, files: Files) -> Bytes:
    told = {text(entry.key): text(entry.value) for entry in tensor.external_data}
    data = files(told.get("location", ""))
    offset = _number(told.get("offset", "0"))
    length = _number(told.get("length", str(data.size - min(offset, data.size))))
    if offset + length > data.size:
        raise UnreadableSource(
            f"external data of {length} bytes at {offset} in a file of {data.size} bytes"
        )
    return data[offset : offset + length]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise UnreadableSource(f"{text!r} is no place in a file of external data")
    return int(text)


def _need_count(want: int, got: int, unit: str, dims: tuple[int, ...]) -> None:
    if want != got:
        raise UnreadableSource(f"{got} {unit} for a tensor of the shape {dims}, which has {want}")
