"""The kinds of values that a manifest's keys take; standard library only."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Kind(Protocol):
    """What a key accepts: in words, as a test, as a conversion and as JSON Schema."""

    @property
    def expected(self) -> str: ...

    def accepts(self, value: object) -> bool: ...

    def read(self, value: Any) -> Any:
        """Return an accepted value in its frozen form: a list as a tuple, a number as a float."""

    def schema(self) -> dict[str, Any]:
        """Return the kind as JSON Schema, draft 2020-12."""


@dataclass(frozen=True)
class Flag:
    """True or false."""

    @property
    def expected(self) -> str:
        return "true or false"

    def accepts(self, value: object) -> bool:
        return isinstance(value, bool)

    def read(self, value: Any) -> bool:
        return bool(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Whole:
    """An integer between `low` and `high`, both included; true and false are none."""

    low: int
    high: int | None = None

    @property
    def expected(self) -> str:
        if self.high is None:
            return f"an integer of at least {self.low}"
        if self.low == self.high:
            return str(self.low)
        return f"an integer from {self.low} to {self.high}"

    def accepts(self, value: object) -> bool:
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        return self.low <= value and (self.high is None or value <= self.high)

    def read(self, value: Any) -> int:
        return int(value)

    def schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.low, "maximum": self.high}
        return {"type": "integer", **{k: v for k, v in bounds.items() if v is not None}}


@dataclass(frozen=True)
class Real:
    """A finite number of `low` to `high`, both included; with `above` it must exceed that."""

    low: float | None = None
    above: float | None = None
    high: float | None = None

    @property
    def expected(self) -> str:
        if self.low is not None and self.high is not None:
            return f"a number from {self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"a number of at least {self.low:g}"
        return "a finite number" if self.above is None else f"a number above {self.above:g}"

    def accepts(self, value: object) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        try:
            number = float(value)
        except OverflowError:
            return False
        if not math.isfinite(number):
            return False
        return (
            (self.low is None or number >= self.low)
            and (self.above is None or number > self.above)
            and (self.high is None or number <= self.high)
        )

    def read(self, value: Any) -> float:
        return float(value)

    def schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.low, "exclusiveMinimum": self.above, "maximum": self.high}
        return {"type": "number", **{k: v for k, v in bounds.items() if v is not None}}


@dataclass(frozen=True)
class Text:
    """Text that is not empty; `pattern` must match all of it, `words` says so for people."""

    pattern: str = ""
    words: str = "text that is not empty"

    @property
    def expected(self) -> str:
        return self.words

    def accepts(self, value: object) -> bool:
        if not isinstance(value, str) or not value:
            return False
        return not self.pattern or re.fullmatch(self.pattern, value) is not None

    def read(self, value: Any) -> str:
        return str(value)

    def schema(self) -> dict[str, Any]:
        if self.pattern:
            return {"type": "string", "pattern": f"^(?:{self.pattern})$"}
        return {"type": "string", "minLength": 1}


PATH = Text(r"[^\x00-\x1f\x7f]+", "a path")


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]

    @property
    def expected(self) -> str:
        quoted = [f'"{option}"' for option in self.options]
        return quoted[0] if len(quoted) == 1 else f"one of {', '.join(quoted)}"

    def accepts(self, value: object) -> bool:
        return isinstance(value, str) and value in self.options

    def read(self, value: Any) -> str:
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.options)}


@dataclass(frozen=True)
class Listing:
    """A list of `least` to `most` items of one kind; `words` names it for people."""

    item: Kind
    words: str
    least: int = 0
    most: int | None = None

    @property
    def expected(self) -> str:
        return self.words

    def accepts(self, value: object) -> bool:
        if not isinstance(value, list) or len(value) < self.least:
            return False
        fits = self.most is None or len(value) <= self.most
        return fits and all(self.item.accepts(item) for item in value)

    def read(self, value: Any) -> tuple[Any, ...]:
        return tuple(self.item.read(item) for item in value)

    def schema(self) -> dict[str, Any]:
        size = {"minItems": self.least or None, "maxItems": self.most}
        bounds = {k: v for k, v in size.items() if v is not None}
        return {"type": "array", "items": self.item.schema(), **bounds}


@dataclass(frozen=True)
class Either:
    """A value of any of several kinds."""

    kinds: tuple[Kind, ...]

    @property
    def expected(self) -> str:
        return " or ".join(kind.expected for kind in self.kinds)

    def accepts(self, value: object) -> bool:
        return any(kind.accepts(value) for kind in self.kinds)

    def read(self, value: Any) -> Any:
        return next(kind.read(value) for kind in self.kinds if kind.accepts(value))

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [kind.schema() for kind in self.kinds]}


UNITS: Mapping[str, int] = {
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}


@dataclass(frozen=True)
class Size:
    """A number of bytes, as an integer or as text with a unit, read as an integer."""

    pattern = rf"[1-9][0-9]* ?(?:{'|'.join(UNITS)})"

    @property
    def expected(self) -> str:
        return 'a number of bytes of at least 1, or text such as "512 MiB"'

    def accepts(self, value: object) -> bool:
        if isinstance(value, str):
            return re.fullmatch(self.pattern, value) is not None
        return Whole(1).accepts(value)

    def read(self, value: Any) -> int:
        if isinstance(value, int):
            return value
        number = value.rstrip("BGKMik ")
        return int(number) * UNITS[value[len(number) :].strip()]

    def schema(self) -> dict[str, Any]:
        text = {"type": "string", "pattern": f"^{self.pattern}$"}
        return {"anyOf": [Whole(1).schema(), text]}
