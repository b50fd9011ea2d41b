"""Where each key of a TOML text stands; the text must be one that tomli has parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from mgeconvert.errors import InternalError

BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
BARE = re.compile(r"[A-Za-z0-9_-]+")
BASIC = re.compile(r'"(?:[^"\\]|\\.)*"')
LITERAL = re.compile(r"'[^']*'")
LONG_BASIC = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""(?:"{0,2})', re.DOTALL)
LONG_LITERAL = re.compile(r"'''(?:[^']|'(?!''))*'''(?:'{0,2})", re.DOTALL)
SCALAR = re.compile(r"[^,\]}#\r\n]+")
PLAIN = (('"""', LONG_BASIC), ("'''", LONG_LITERAL), ('"', BASIC), ("'", LITERAL))
BRACKETS = {"[": "]", "{": "}"}

KeyPath = tuple["str | int", ...]


class Position(NamedTuple):
    """A line and a column, both from 1; the column counts characters."""

    line: int
    column: int


def positions(text: str) -> dict[KeyPath, Position]:
    """Return the place of every key and every item of a list, by key path."""
    scanner = _Scanner(text)
    scanner.document()
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    return {path: _position(offset, starts) for path, offset in scanner.found.items()}


def _position(offset: int, starts: list[int]) -> Position:
    from bisect import bisect_right  # only a wrong manifest pays for this import

    line = bisect_right(starts, offset)
    return Position(line, offset - starts[line - 1] + 1)


@dataclass
class _Nested:
    """A list or an inline table that is being scanned, and the items seen of it."""

    path: KeyPath
    close: str
    count: int = 0


class _Scanner:
    """A cursor over the text and the offsets found so far."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[KeyPath, int] = {}
        self._sizes: dict[KeyPath, int] = {}

    def document(self) -> None:
        """Scan all tables and keys of the text."""
        table: KeyPath = ()
        self._skip()
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._pair(table)
            self._skip()

    def _skip(self) -> None:
        match = BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise InternalError(f"no {pattern.pattern} at offset {self.at} of a TOML text")
        self.at = match.end()
        return match.group()

    def _header(self) -> KeyPath:
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        parts = self._key()
        self.at += 2 if many else 1
        path: KeyPath = ()
        for name, offset in parts[:-1]:
            path = self._last(self._note((*path, name), offset, again=False))
        name, offset = parts[-1]
        path = (*path, name)
        if not many:
            return self._note(path, offset)
        index = self._sizes[path] = self._sizes.get(path, -1) + 1
        self._note(path, offset, again=False)
        return self._note((*path, index), offset)

    def _last(self, path: KeyPath) -> KeyPath:
        """Return the last table of the list at `path`, or `path` if it is no list of tables."""
        return (*path, self._sizes[path]) if path in self._sizes else path

    def _note(self, path: KeyPath, offset: int, *, again: bool = True) -> KeyPath:
        if again or path not in self.found:
            self.found[path] = offset
        return path

    def _key(self) -> list[tuple[str, int]]:
        """Take a dotted key; the parts with their offsets."""
        parts = []
        while True:
            self._skip()
            offset = self.at
            parts.append((self._word(), offset))
            self._skip()
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def _word(self) -> str:
        if self.text.startswith('"', self.at):
            return _unescape(self._take(BASIC)[1:-1])
        if self.text.startswith("'", self.at):
            return self._take(LITERAL)[1:-1]
        return self._take(BARE)

    def _pair(self, table: KeyPath) -> None:
        self._value(self._left(table))

    def _left(self, table: KeyPath) -> KeyPath:
        """Take the key and the equals sign of a pair; return the key's path."""
        parts = self._key()
        self.at += 1
        path = table
        for name, offset in parts[:-1]:
            path = self._note((*path, name), offset, again=False)
        name, offset = parts[-1]
        return self._note((*path, name), offset)

    def _value(self, path: KeyPath) -> None:
        """Take the value of the key at `path`, with all that is nested in it, at any depth."""
        nested = self._start(path)
        inside = [nested] if nested else []
        while inside:
            self._skip()
            around = inside[-1]
            if self.text.startswith(around.close, self.at):
                self.at += 1
                inside.pop()
            elif self.text.startswith(",", self.at):
                self.at += 1
            else:
                nested = self._start(self._item(around))
                inside += [nested] if nested else []

    def _item(self, around: _Nested) -> KeyPath:
        if around.close == "}":
            return self._left(around.path)
        around.count += 1
        return self._note((*around.path, around.count - 1), self.at)

    def _start(self, path: KeyPath) -> _Nested | None:
        """Take a plain value, or the opening bracket of a list or of an inline table."""
        self._skip()
        for opening, pattern in PLAIN:
            if self.text.startswith(opening, self.at):
                self._take(pattern)
                return None
        bracket = self.text[self.at : self.at + 1]
        if bracket in BRACKETS:
            self.at += 1
            return _Nested(path, BRACKETS[bracket])
        self._take(SCALAR)
        return None


def _unescape(body: str) -> str:
    """Return the text that a quoted key stands for."""
    import tomli  # the reader that has already accepted the key

    value: str = tomli.loads(f'k = "{body}"')["k"] if "\\" in body else body
    return value
