"""Frames of a JSON header and raw arrays between a check and its runner processes (numpy only)."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mgeconvert.errors import CheckFailed, InternalError

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]

MAGIC = b"MGC1"
HEAD = struct.Struct("<4sIQ")
MAX_HEADER = 16 << 20
KINDS = "biuf"


@dataclass(frozen=True)
class Port:
    """A model's input or output: its name, its numpy dtype ("" where unknown) and its dimensions.

    A dimension is an int, or a str that names a symbol; `shape` is None where the rank is unknown.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...] | None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Port:
        shape = data["shape"]
        return cls(data["name"], data["dtype"], None if shape is None else tuple(shape))


@dataclass(frozen=True)
class Description:
    """The ports of an opened model, in the model's order."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "inputs": [asdict(port) for port in self.inputs],
            "outputs": [asdict(port) for port in self.outputs],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Description:
        return cls(
            tuple(Port.from_dict(port) for port in data["inputs"]),
            tuple(Port.from_dict(port) for port in data["outputs"]),
        )


class Runtime(Protocol):
    """What a runner process serves: one open model at a time.

    A runtime's module has a class `Runtime` of this form; its constructor imports the library.
    """

    name: str

    def versions(self) -> dict[str, str]:
        """Return the versions of the libraries that the numbers depend on."""
        ...

    def open(self, path: str, *, format: str, outputs: Sequence[str]) -> Description:
        """Load a model, in place of the one open before; `outputs` are end points.

        Where `RuntimeInfo.relaxes` says so, it takes the keyword `rounding` as well.
        """
        ...

    def run(self, feeds: Arrays) -> dict[str, Array]:
        """Return the outputs by name, in the model's order."""
        ...

    def inner(self, feeds: Arrays, names: Sequence[str]) -> dict[str, Array]:
        """Return tensors inside the model by name; those that it does not have are left out.

        What a name is, the runtime's module says. Only the tensors that are named need be held at
        the same time.
        """
        ...

    def close(self) -> None:
        """Forget the open model."""
        ...


class Runner(Protocol):
    """A runtime as the check sees it, behind a process border."""

    def versions(self) -> dict[str, str]: ...

    def open(
        self,
        path: str,
        *,
        format: str,
        outputs: Sequence[str],
        seconds: float,
        rounding: str = "",
    ) -> Description: ...

    def run(self, feeds: Arrays, *, seconds: float) -> dict[str, Array]: ...

    def inner(self, feeds: Arrays, names: Sequence[str], *, seconds: float) -> dict[str, Array]: ...


@dataclass(frozen=True)
class Message:
    """One frame: what it is about, plain data, and arrays by name in order."""

    kind: str
    data: Mapping[str, Any]
    arrays: Arrays


def encode(message: Message) -> list[bytes | memoryview]:
    """Return the buffers of one frame; arrays go out as raw little-endian bytes, without a copy."""
    buffers: list[bytes | memoryview] = []
    entries = []
    for name, array in message.arrays.items():
        if array.dtype.kind not in KINDS:
            raise CheckFailed(f"{name!r} has element type {array.dtype}, which cannot be compared")
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        entries.append({"name": name, "dtype": plain.dtype.str, "shape": list(array.shape)})
        if plain.size:
            buffers.append(plain.reshape(-1).data.cast("B"))
    fields = {"kind": message.kind, "data": message.data, "arrays": entries}
    header = json.dumps(fields, allow_nan=False).encode()
    payload = sum(len(buffer) for buffer in buffers)
    return [HEAD.pack(MAGIC, len(header), payload) + header, *buffers]


def decode(read: Callable[[int], bytearray]) -> Message:
    """Read one frame; `read(n)` returns exactly n bytes or raises.

    The arrays are views of the payload. A frame whose sizes contradict each other is an
    InternalError: something else wrote into the channel.
    """
    magic, header_size, payload_size = HEAD.unpack(bytes(read(HEAD.size)))
    if magic != MAGIC or header_size > MAX_HEADER:
        raise InternalError(f"not a frame of a runner: {magic!r}")
    fields = json.loads(read(header_size))
    payload = read(payload_size)
    arrays: dict[str, Array] = {}
    offset = 0
    for entry in fields["arrays"]:
        dtype = np.dtype(entry["dtype"])
        count = math.prod(entry["shape"])
        if dtype.kind not in KINDS or offset + count * dtype.itemsize > payload_size:
            raise InternalError(f"a runner's frame is damaged at {entry['name']!r}")
        array = np.frombuffer(payload, dtype=dtype, count=count, offset=offset)
        arrays[entry["name"]] = array.reshape(entry["shape"])
        offset += count * dtype.itemsize
    if offset != payload_size:
        raise InternalError("a runner's frame is longer than its arrays")
    return Message(fields["kind"], fields["data"], arrays)
