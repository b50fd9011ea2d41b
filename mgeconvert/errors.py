"""Errors that a user can act on, and the one that means a bug in mgeconvert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Location:
    """Where in the user's model a problem is.

    `stage` is the format or step ("traced", "onnx", "manifest"), `op` the operator's name there,
    `name` the value or key, and `path` the module path or the file and line.
    """

    stage: str
    op: str = ""
    name: str = ""
    path: str = ""

    def __str__(self) -> str:
        name = repr(self.name) if self.name else ""
        what = " ".join(part for part in (self.op, name) if part)
        path = f" in {self.path}" if self.path else ""
        return f"{self.stage}: {what}{path}" if what else f"{self.stage}{path}"


class ConvertError(Exception):
    """A model or manifest cannot be handled; the message says what to do.

    `code` is stable and documented in docs/errors.md.
    """

    code: ClassVar[str] = "error"

    def __init__(self, problem: str, *, at: Location | None = None, hint: str = "") -> None:
        super().__init__(problem)
        self.problem, self.at, self.hint = problem, at, hint

    def __str__(self) -> str:
        where = f"{self.at}: " if self.at else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}{self.problem} [{self.code}]{hint}"

    def as_dict(self) -> dict[str, Any]:
        """Return the error as JSON-able data; `from_dict` is the inverse."""
        at = asdict(self.at) if self.at else None
        return {"code": self.code, "problem": self.problem, "at": at, "hint": self.hint}


class ManifestError(ConvertError):
    """The manifest does not say what it must, or says what it must not."""

    code = "manifest"


class UnreadableSource(ConvertError):
    """The file is damaged, truncated, or not of a known format."""

    code = "unreadable-source"


class UnsafeSource(ConvertError):
    """The file asks for code to be run or for names outside the allow-list."""

    code = "unsafe-source"


class UnsupportedOp(ConvertError):
    """No rule knows the operator."""

    code = "unsupported-op"


class UnsupportedCase(ConvertError):
    """The operator is known, but not with these attributes, types or shapes."""

    code = "unsupported-case"


class ShapeError(ConvertError):
    """Shapes or element types do not fit together."""

    code = "shape"


class QuantError(ConvertError):
    """Quantization parameters are missing or contradict each other."""

    code = "quant"


class CheckFailed(ConvertError):
    """The artifact does not compute what the source computes."""

    code = "check-failed"


class LimitExceeded(ConvertError):
    """A child process ran into its time or memory limit, or died."""

    code = "limit"


KINDS: Mapping[str, type[ConvertError]] = {
    kind.code: kind
    for kind in (
        ConvertError,
        ManifestError,
        UnreadableSource,
        UnsafeSource,
        UnsupportedOp,
        UnsupportedCase,
        ShapeError,
        QuantError,
        CheckFailed,
        LimitExceeded,
    )
}


def from_dict(data: Mapping[str, Any]) -> ConvertError:
    """Rebuild the error that `ConvertError.as_dict` described."""
    at = Location(**data["at"]) if data["at"] else None
    return KINDS[data["code"]](data["problem"], at=at, hint=data["hint"])


class ConversionFailed(Exception):
    """All the problems found in one model, not only the first."""

    def __init__(self, problems: Sequence[ConvertError]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class InternalError(Exception):
    """An invariant of mgeconvert is broken: a bug to report, not the user's fault."""
