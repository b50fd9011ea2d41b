"""What an operator is: an immutable record of attributes with its meaning."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from mgeconvert.ir.dims import Sym, bind
from mgeconvert.ir.types import Quant, TensorType

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: bool) -> Callable[[Any], Any]:
        """Stand in at run time for what only type checkers read."""
        return lambda decorator: decorator


Array = np.ndarray[Any, Any]
Types = Sequence[TensorType]
Arrays = Sequence[Array]
OpT = TypeVar("OpT", bound="Op")

CATALOGUE: dict[str, type[Op]] = {}
"""The operators of the IR itself."""

EXTENSIONS: dict[str, type[Op]] = {}
"""Operators that only one backend knows."""


class Layout(enum.Enum):
    """How an operator behaves when its inputs change from NCHW to NHWC."""

    SENSITIVE = enum.auto()  # means NCHW: a backend has an NHWC form or transposes
    AGNOSTIC = enum.auto()  # elementwise: any permutation goes through
    AXES = enum.auto()  # goes through if the attributes about axes are permuted


@dataclass(frozen=True, repr=False)
class Op:
    """Base of all operators.

    `operands` names the inputs; the last `optional` of them may be left out, and where
    `variadic` is set the last one stands for any number. `axes` names the attributes that are
    numbers of axes, `per_axis` those that have one entry for each axis.
    """

    operands: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[int] = 0
    variadic: ClassVar[bool] = False
    layout: ClassVar[Layout] = Layout.SENSITIVE
    axes: ClassVar[tuple[str, ...]] = ()
    per_axis: ClassVar[tuple[str, ...]] = ()

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        """Return the types of the outputs; raise ShapeError on wrong inputs."""
        raise NotImplementedError

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        """Compute the outputs with numpy: the meaning of the operator."""
        raise NotImplementedError

    def __str__(self) -> str:
        shown = (
            f"{f.name}={_text(getattr(self, f.name))}"
            for f in dataclasses.fields(self)
            if getattr(self, f.name) != f.default
        )
        return f"{type(self).__name__}({', '.join(shown)})"

    def bound(self: OpT, known: Mapping[str, int]) -> OpT:
        """Return the operator with symbolic dimensions replaced by numbers."""
        changes = {}
        for field in dataclasses.fields(self):
            old = getattr(self, field.name)
            new = _bound(old, known)
            if new is not old:
                changes[field.name] = new
        return dataclasses.replace(self, **changes) if changes else self


@dataclass_transform(frozen_default=True, kw_only_default=True)
def op(
    operands: str, *, layout: Layout = Layout.SENSITIVE, axes: str = "", per_axis: str = ""
) -> Callable[[type[OpT]], type[OpT]]:
    """Define an operator by its operands: "x w b?" has an optional bias, "*xs" takes any number."""

    def define(cls: type[OpT]) -> type[OpT]:
        names = operands.split()
        cls.operands = tuple(name.strip("?*") for name in names)
        cls.optional = sum(name.endswith("?") for name in names)
        cls.variadic = bool(names) and names[-1].startswith("*")
        cls.layout, cls.axes, cls.per_axis = layout, tuple(axes.split()), tuple(per_axis.split())
        made = cls
        if "__annotations__" in cls.__dict__:  # making a dataclass takes long; Op's will do
            made = dataclass(frozen=True, kw_only=True, repr=False)(cls)
        own = cls.__module__.startswith("mgeconvert.ir.ops")
        (CATALOGUE if own else EXTENSIONS)[cls.__name__] = made
        return made

    return define


def _text(value: Any) -> str:
    """Write an attribute so that `mgeconvert.ir.text` can read it back."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))}{',' * (len(value) == 1)})"
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, Sym):
        return f"{{{value}}}"
    if isinstance(value, Quant):
        parts = (getattr(value, field.name) for field in dataclasses.fields(value))
        return f"Quant({', '.join(map(_text, parts))})"
    return f"'{value}'" if isinstance(value, str) else repr(value)


def _bound(value: Any, known: Mapping[str, int]) -> Any:
    if isinstance(value, Sym):
        return bind(value, known)
    if isinstance(value, tuple):
        new = tuple(_bound(v, known) for v in value)
        return new if any(a is not b for a, b in zip(new, value)) else value
    return value
