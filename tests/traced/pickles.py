"""Write pickles opcode by opcode from the reader's own stand-ins, also such as no library would."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from mgeconvert.frontends.traced.stubs import Name, Stub
from mgeconvert.frontends.traced.unpickle import unpickle
from mgeconvert.frontends.traced.vocabulary import vocabulary

DATA = Path(__file__).with_name("data")


def load(name: str = "float") -> Stub:
    """Return the stand-ins of a committed model, to be changed and written again."""
    return unpickle(memoryview((DATA / f"{name}.tm").read_bytes()), vocabulary()).value


def stubs(value: object, kind: str) -> list[Stub]:
    """Return every object of the class called `kind` that `value` reaches."""
    return [x for x in walk(value) if isinstance(x, Stub) and x.kind.name == kind]


def walk(value: object) -> Iterator[object]:
    seen, todo = set(), [value]
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        yield value
        if isinstance(value, Stub):
            todo += [value.args, value.state]
        elif isinstance(value, dict):
            todo += [*value, *value.values()]
        elif isinstance(value, (list, tuple)):
            todo += value


def changed(change: Callable[[Stub], object], name: str = "float") -> bytes:
    """Return a committed model as a pickle, after `change` of its top object."""
    top = load(name)
    change(top)
    return dumps(top)


def dumps(value: object) -> bytes:
    """Return `value` as a pickle of protocol 4, objects shared as they are."""
    return b"\x80\x04" + b"".join(_Writer().write(value)) + b"."


class _Writer:
    """Emits opcodes depth first with a stack of its own; shared and cyclic objects once."""

    def __init__(self) -> None:
        self.memo: dict[int, int] = {}
        self.kept: list[object] = []

    def write(self, value: object) -> Iterator[bytes]:
        todo: list[object] = [value]
        while todo:
            item = todo.pop()
            if isinstance(item, _Raw):
                yield item.data
            elif id(item) in self.memo:
                yield b"j" + struct.pack("<I", self.memo[id(item)])
            elif isinstance(item, _Memo):
                self.memo[id(item.value)] = len(self.memo)
                self.kept.append(item.value)
                yield b"\x94"
            else:
                todo += reversed(self.parts(item))

    def parts(self, value: object) -> list[object]:
        if isinstance(value, Stub):
            made = b"R" if value.kind.module.startswith("numpy") or _is_enum(value) else b"\x81"
            built = [] if value.state is None else [value.state, _Raw(b"b")]
            return [value.kind, value.args, _Raw(made), _Memo(value), *built]
        if isinstance(value, Name):
            if value.name in ("NoneType", "ellipsis"):
                arg = None if value.name == "NoneType" else Name("builtins", "Ellipsis")
                return [Name("builtins", "type"), (arg,), _Raw(b"R")]
            return [value.module, value.name, _Raw(b"\x93"), _Memo(value)]
        if isinstance(value, list):
            return [_Raw(b"]"), _Memo(value), _Raw(b"("), *value, _Raw(b"e")]
        if isinstance(value, dict):
            items = [part for item in value.items() for part in item]
            return [_Raw(b"}"), _Memo(value), _Raw(b"("), *items, _Raw(b"u")]
        if isinstance(value, tuple):
            return [_Raw(b"("), *value, _Raw(b"t"), _Memo(value)]
        return [value if isinstance(value, _Raw) else _Raw(_plain(value))]


class _Raw:
    def __init__(self, data: bytes) -> None:
        self.data = data


def raw(data: bytes) -> object:
    """Return what is written as `data`, which must leave one value on the stack."""
    return _Raw(data)


class _Memo:
    def __init__(self, value: object) -> None:
        self.value = value


def _is_enum(stub: Stub) -> bool:
    return stub.kind.name == "QuantMode"


def _plain(value: object) -> bytes:
    if isinstance(value, (bytes, memoryview)):
        return b"B" + struct.pack("<I", len(value)) + bytes(value)
    if isinstance(value, str):
        data = value.encode()
        return b"X" + struct.pack("<I", len(data)) + data
    body = pickle.dumps(value, protocol=4)[2:-1]
    return body[9:] if body[:1] == b"\x95" else body
