"""The data stack of a pickle: its constants, containers and memo, each bounded by the file."""

from __future__ import annotations

import struct
from collections.abc import Callable

from mgeconvert.errors import UnreadableSource
from mgeconvert.frontends.traced.stubs import Stub, Value

DAMAGED = "the file is damaged, or not a TracedModule; save it again with megengine.save"


class Stack:
    """The stack, the memo and the position; one method for each opcode that makes data."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = self.pos = 0
        self.stack: list[Value] = []
        self.marks: list[list[Value]] = []
        self.memo: dict[int, Value] = {}

    def _damaged(self, problem: str) -> UnreadableSource:
        return UnreadableSource(f"{problem} at byte {self.at}", hint=DAMAGED)

    def _take(self, size: int) -> memoryview:
        start, end = self.pos, self.pos + size
        if end > len(self.data):
            raise self._damaged(f"{size:,} bytes announced, {len(self.data) - start:,} left")
        self.pos = end
        return self.data[start:end]

    def _uint(self, size: int) -> int:
        return int.from_bytes(self._take(size), "little")

    def _line(self) -> str:
        end = bytes(self.data[self.pos : self.pos + 256]).index(b"\n")
        text = str(self._take(end), "utf-8")
        self.pos += 1
        return text

    # constants

    def _constant(self, value: Value) -> Callable[[], None]:
        return lambda: self.stack.append(value)

    def _integer(self, size: int) -> Callable[[], None]:
        def push() -> None:
            pos = self.pos
            self.pos = end = pos + size
            if end > len(self.data):
                raise self._damaged("the file ends too early")
            self.stack.append(int.from_bytes(self.data[pos:end], "little", signed=size == 4))

        return push

    def _long1(self) -> None:
        self.stack.append(int.from_bytes(self._take(self._uint(1)), "little", signed=True))

    def _float(self) -> None:
        self.stack.append(struct.unpack(">d", self._take(8))[0])

    def _bytes(self, size: int) -> Callable[[], None]:
        return lambda: self.stack.append(self._take(self._uint(size)))

    def _text(self, size: int) -> Callable[[], None]:
        return lambda: self.stack.append(str(self._take(self._uint(size)), "utf-8"))

    # containers

    def _mark(self) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def _pop_mark(self) -> list[Value]:
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def _tuple(self) -> None:
        items = tuple(self._pop_mark())
        self.stack.append(items)

    def _tuple_of(self, size: int) -> Callable[[], None]:
        def push() -> None:
            stack = self.stack
            if len(stack) < size:
                raise self._damaged("a tuple lacks items")
            stack[-size:] = [tuple(stack[-size:])]

        return push

    def _append(self) -> None:
        item = self.stack.pop()
        self._extend([item])

    def _appends(self) -> None:
        self._extend(self._pop_mark())

    def _extend(self, items: list[Value]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise self._damaged("an item is appended to what is not a list")
        target.extend(items)

    def _setitem(self) -> None:
        value = self.stack.pop()
        self._update([self.stack.pop(), value])

    def _setitems(self) -> None:
        self._update(self._pop_mark())

    def _update(self, items: list[Value]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise self._damaged("an item is set in what is not a dict")
        for key in items[::2]:
            if not isinstance(key, (str, int, Stub)):
                raise self._damaged(f"a dict has a key of type {type(key).__name__}")
        target.update(zip(items[::2], items[1::2], strict=True))

    def _pop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self._pop_mark()

    def _drop_mark(self) -> None:
        self._pop_mark()

    # the memo

    def _put(self, size: int) -> Callable[[], None]:
        def put() -> None:
            index = self._uint(size)
            if index > self.pos:
                raise self._damaged(f"memo index {index:,} is larger than the file so far")
            self.memo[index] = self.stack[-1]

        return put

    def _long_binget(self) -> None:
        self.stack.append(self.memo[self._uint(4)])

    def _frame(self) -> None:
        size = self._uint(8)
        if size > len(self.data) - self.pos:
            raise self._damaged(f"a frame of {size:,} bytes, {len(self.data) - self.pos:,} left")
