"""Plain records of a MegEngine graph dump, the same for every version of the format; numpy only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["fbs-v2", "fbs-v1"]
Array = npt.NDArray[Any]

# What an element is stored as. bfloat16 has no numpy type: its bits are given as uint16.
STORAGE: Mapping[str, str] = {
    "Float32": "<f4",
    "Float16": "<f2",
    "BFloat16": "<u2",
    "Complex64": "<c8",
    "Uint8": "u1",
    "Int8": "i1",
    "Int16": "<i2",
    "Uint16": "<u2",
    "Int32": "<i4",
    "Bool": "?",
    "Byte": "u1",
    "Quantized8Asymm": "u1",
    "QuantizedS1": "i1",
    "QuantizedS8": "i1",
    "QuantizedS16": "<i2",
    "QuantizedS32": "<i4",
}
# Several elements share a byte, the first one in the low bits.
PACKED_BITS: Mapping[str, int] = {
    "IntB1": 1,
    "IntB2": 2,
    "IntB4": 4,
    "UintB4": 4,
    "Quantized4Asymm": 4,
    "QuantizedS4": 4,
}
# The operators that are constants: output i is the value of tensor i.
CONSTANTS = frozenset(
    {
        "ImmutableTensor",
        "SharedDeviceTensor",
        "SharedDeviceTensorWithFormat",
        "VolatileSharedDeviceTensor",
        "MultipleDeviceTensorHolder",
        "MultipleDeviceTensorWithFormatHolder",
    }
)
INPUT = "Host2DeviceCopy"


@dataclass(frozen=True)
class MgeDType:
    """An element type by MegEngine's name, with the scale and zero point of a quantized one."""

    name: str
    scale: float | None = None
    zero_point: int | None = None

    @property
    def storage(self) -> np.dtype[Any] | None:
        """The numpy type of a stored element, or None where elements are smaller than a byte."""
        code = STORAGE.get(self.name)
        return np.dtype(code) if code else None


@dataclass(frozen=True)
class MgeTensor:
    """A constant, or the declaration of an input.

    `data` is a read-only view on the mapped file, of `shape` and `dtype.storage` (for elements
    smaller than a byte: the bytes, uint8, flat); None where the file holds no value. `format` is
    "Default" unless the device's memory layout is not plain.
    """

    name: str
    shape: tuple[int, ...]
    dtype: MgeDType
    data: Array | None = None
    format: str = "Default"


@dataclass(frozen=True)
class MgeVar:
    """A variable by its id; what the file does not say is "" or None.

    Version 1 never has shapes, version 2 rarely has element types: both follow from the operators.
    """

    id: int
    name: str = ""
    shape: tuple[int, ...] | None = None
    dtype: MgeDType | None = None


@dataclass(frozen=True)
class MgeParam:
    """Parameters of an operator by the name of their table ("Convolution"), defaults filled in.

    Enums are names (a number that has no name stays a number), flags are tuples of names, vectors
    of structs are tuples of dicts. A table that is not known is "#" and its number, without values.
    """

    table: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class MgeOperator:
    """One operator.

    `type` is the registered name without its version ("Convolution", "Reduce", "TypeCvt"), or
    "#<hash>" in hexadecimal where a version 1 file has a hash that is not known. `registered` and
    `version` are what the file says. `inputs` and `outputs` are ids of variables; an operator's
    scratch outputs have none. `params` are the values of the first parameter table, {} without one.
    """

    index: int
    type: str
    registered: str
    version: int
    name: str = ""
    param: MgeParam | None = None
    extra: tuple[MgeParam, ...] = ()
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    output_dtype: MgeDType | None = None
    devices: tuple[str, ...] = ()
    tensors: tuple[MgeTensor, ...] = ()
    blobs: tuple[Array, ...] = ()
    priority: int = 0

    @property
    def params(self) -> Mapping[str, Any]:
        return self.param.values if self.param else {}


@dataclass(frozen=True)
class MgeOutput:
    """A result of the graph: the id of its variable and the best name that the file has for it."""

    id: int
    name: str = ""


@dataclass(frozen=True)
class MgeMetadata:
    """What `dump` noted: `user_info` is a pickle, kept as bytes and never loaded."""

    graph_modified: bool
    optimize_options: int
    user_info: Array


@dataclass(frozen=True)
class MgeModel:
    """A whole dump: `operators` come in an order in which they can be computed.

    `vars` has one entry per id, in order. `test_data` are the samples of an `mgbtest0` file, by the
    name of the input; the name of the expected value of output `y` is "y:expect".
    """

    kind: Kind
    mge_version: tuple[int, int, int]
    operators: tuple[MgeOperator, ...]
    vars: tuple[MgeVar, ...]
    outputs: tuple[MgeOutput, ...]
    metadata: MgeMetadata | None = None
    test_data: tuple[Mapping[str, Array], ...] = field(default=())

    def producers(self) -> Mapping[int, MgeOperator]:
        """Return the operator that computes each variable, by the variable's id."""
        return {var: operator for operator in self.operators for var in operator.outputs}

    def inputs(self) -> Iterator[MgeOperator]:
        """Yield the operators that declare an input, expected values of test data left out."""
        for operator in self.operators:
            if operator.type == INPUT and not operator.tensors[0].name.endswith(":expect"):
                yield operator

    def constants(self) -> Mapping[int, MgeTensor]:
        """Return the tensor behind each variable that is a constant, by the variable's id."""
        return {
            made: tensor
            for operator in self.operators
            if operator.type in CONSTANTS
            for made, tensor in zip(operator.outputs, operator.tensors)
        }
