"""A pickle reader that runs nothing: every class becomes a plain stand-in; needs only the core.

It understands what `pickle` writes in protocols 3 to 5 for the values of a TracedModule, one
opcode at a time over the file's bytes, and refuses everything else. Byte strings are views of
the file, so weights are never copied. A file that passes holds only names of the allow-list and
no size, index or object that would make `pickle` itself allocate more than the file justifies.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from mgeconvert.errors import UnreadableSource, UnsafeSource
from mgeconvert.frontends.traced.stack import DAMAGED, Stack
from mgeconvert.frontends.traced.stubs import Name, Stub, Value
from mgeconvert.frontends.traced.vocabulary import (
    ELLIPSIS,
    ELLIPSIS_TYPE,
    NONE_TYPE,
    TYPE,
    Vocabulary,
    calls,
)

MAX_OPCODES = 20_000_000
"""A graph of 10,000 operators takes about one million."""

BINGET, MEMOIZE, STOP = b"h\x94."


@dataclass(frozen=True)
class Unpickled:
    """The value of a pickle, and every object that it makes, reachable or not."""

    value: Value
    stubs: tuple[Stub, ...]


def unpickle(data: memoryview, vocabulary: Vocabulary) -> Unpickled:
    """Return the value that `data` holds, objects as `Stub`, classes as `Name`.

    Raise UnsafeSource for a name that `vocabulary` does not know and for opcodes that only serve to
    run code; raise UnreadableSource, with the byte offset, for anything damaged.
    """
    machine = _Machine(data, vocabulary)
    try:
        return Unpickled(machine.run(), tuple(machine.stubs))
    except (IndexError, struct.error):
        problem = "the file ends too early or refers to a value that is not there"
    except UnicodeDecodeError:
        problem = "a text is not UTF-8"
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        problem = f"the pickle is malformed ({type(error).__name__})"
    except (RecursionError, MemoryError):
        problem = "the pickle is too large or nested too deep"
    raise UnreadableSource(f"{problem} at byte {machine.at}", hint=DAMAGED)


class _Machine(Stack):
    """The stack together with names and objects."""

    def __init__(self, data: memoryview, vocabulary: Vocabulary) -> None:
        super().__init__(data)
        self.vocabulary = vocabulary
        self.names: dict[tuple[str, str], Name] = {}
        self.stubs: list[Stub] = []

    def run(self) -> Value:
        self._check_head()
        data, memo, table = self.data, self.memo, self._table()
        for _ in range(MAX_OPCODES):
            self.at = at = self.pos
            opcode = data[at]
            if opcode == BINGET:  # half of all opcodes are these two, worth their own branch
                self.stack.append(memo[data[at + 1]])
                self.pos = at + 2
            elif opcode == MEMOIZE:
                memo[len(memo)] = self.stack[-1]
                self.pos = at + 1
            elif opcode == STOP:
                self.pos = at + 1
                return self._finish()
            else:
                self.pos = at + 1
                handler = table.get(opcode)
                if handler is None:
                    raise self._forbidden(opcode)
                handler()
        raise UnreadableSource(f"the pickle has more than {MAX_OPCODES:,} opcodes", hint=DAMAGED)

    def _check_head(self) -> None:
        if len(self.data) < 2 or self.data[0] != 0x80:
            raise UnreadableSource("not a pickle: the first byte is not 0x80", hint=DAMAGED)
        if not 3 <= self.data[1] <= 5:
            raise UnreadableSource(
                f"pickle protocol {self.data[1]} is not handled",
                hint="save it again with megengine.save, which uses protocol 4",
            )
        self.pos = 2

    def _finish(self) -> Value:
        if self.pos != len(self.data):
            left = len(self.data) - self.pos
            raise UnreadableSource(f"{left} bytes after the end at byte {self.pos}", hint=DAMAGED)
        if len(self.stack) != 1 or self.marks:
            raise UnreadableSource(f"the pickle stops unfinished at byte {self.at}", hint=DAMAGED)
        return self.stack[0]

    def _forbidden(self, opcode: int) -> UnreadableSource | UnsafeSource:
        if opcode in b"ioPQ\x82\x83\x84\x92":
            return UnsafeSource(
                f"pickle opcode 0x{opcode:02x} at byte {self.at} can run code",
                hint="no TracedModule needs it; do not load this file",
            )
        return UnreadableSource(
            f"pickle opcode 0x{opcode:02x} at byte {self.at} is not handled", hint=DAMAGED
        )

    def _unsafe(self, what: str) -> UnsafeSource:
        return UnsafeSource(
            f"the file asks for {what} at byte {self.at}",
            hint="only MegEngine's own classes and functions are read; do not load this file",
        )

    def _name(self, module: Value, name: Value) -> Name:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise self._damaged("a class has a name that is not a text")
        found = self.names.get((module, name))
        if found is None:
            found = Name(module, name)
            if not self.vocabulary.knows(found):
                raise self._unsafe(f"{str(found)[:200]!r}")
            self.names[module, name] = found
        return found

    def _global(self) -> None:
        module = self._line()
        self.stack.append(self._name(module, self._line()))

    def _stack_global(self) -> None:
        name = self.stack.pop()
        self.stack.append(self._name(self.stack.pop(), name))

    def _make(self, kind: Name, args: tuple[Value, ...]) -> None:
        stub = Stub(kind, args, self.at)
        self.stubs.append(stub)
        self.stack.append(stub)

    def _newobj(self) -> None:
        args = self.stack.pop()
        kind = self.stack.pop()
        if type(kind) is not Name or type(args) is not tuple:
            raise self._damaged("an object of what is not a class")
        if not self.vocabulary.makes(kind, args):
            raise self._unsafe(f"an object of {kind}")
        self._make(kind, args)

    def _reduce(self) -> None:
        args = self.stack.pop()
        function = self.stack.pop()
        if type(function) is not Name or type(args) is not tuple:
            raise self._damaged("a call of what is not a function")
        if function == TYPE and args in ((None,), (ELLIPSIS,)):
            self.stack.append(NONE_TYPE if args[0] is None else ELLIPSIS_TYPE)
        elif function.module == "collections" and args in ((), (Name("builtins", "list"),)):
            self.stack.append({})
        elif calls(function, args):
            self._make(function, args)
        else:
            raise self._unsafe(f"a call of {function}")

    def _build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if type(target) is not Stub or target.state is not None:
            raise self._damaged("a state is given to what takes none")
        if not isinstance(state, (dict, tuple, str)):
            raise self._damaged("a state is neither dict nor tuple")
        target.state = state

    def _table(self) -> dict[int, Callable[[], None]]:
        table: dict[str, Callable[[], None]] = {
            "N": self._constant(None),
            "\x88": self._constant(True),
            "\x89": self._constant(False),
            ")": self._constant(()),
            "]": lambda: self.stack.append([]),
            "}": lambda: self.stack.append({}),
            "K": self._integer(1),
            "M": self._integer(2),
            "J": self._integer(4),
            "\x8a": self._long1,
            "G": self._float,
            "C": self._bytes(1),
            "B": self._bytes(4),
            "\x8e": self._bytes(8),
            "\x96": self._bytes(8),
            "\x8c": self._text(1),
            "X": self._text(4),
            "\x8d": self._text(8),
            "(": self._mark,
            "t": self._tuple,
            "\x85": self._tuple_of(1),
            "\x86": self._tuple_of(2),
            "\x87": self._tuple_of(3),
            "a": self._append,
            "e": self._appends,
            "s": self._setitem,
            "u": self._setitems,
            "0": self._pop,
            "1": self._drop_mark,
            "q": self._put(1),
            "r": self._put(4),
            "j": self._long_binget,
            "c": self._global,
            "\x93": self._stack_global,
            "\x81": self._newobj,
            "R": self._reduce,
            "b": self._build,
            "\x95": self._frame,
        }
        return {ord(opcode): handler for opcode, handler in table.items()}
