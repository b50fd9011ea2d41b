"""Stand-ins for the classes and objects that a pickle asks for; needs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""None, bool, int, float, str, memoryview, list, dict, tuple, Name or Stub."""


@dataclass(frozen=True)
class Name:
    """A class or function that the file refers to; it is never imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Stub:
    """An object of the file: its class, the arguments it is made with, and its state.

    `offset` is the byte at which it is made, for error messages.
    """

    __slots__ = ("args", "kind", "offset", "state")

    def __init__(self, kind: Name, args: tuple[Value, ...], offset: int) -> None:
        self.kind, self.args, self.offset = kind, args, offset
        self.state: Value = None


def shown(value: Value) -> str:
    """Return `value` for a message; of a nest only its type, as its text could be endless."""
    if isinstance(value, (str, int, float, Name)) or value is None:
        return repr(str(value)[:200])
    return f"a {value.kind if isinstance(value, Stub) else type(value).__name__}"
