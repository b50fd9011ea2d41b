"""What a diagnosis answers, as plain data (standard library only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mgeconvert.check.plain import plain
from mgeconvert.check.result import Comparison
from mgeconvert.errors import Location

Stage = Literal["frontend", "passes", "backend"]


@dataclass(frozen=True)
class Difference:
    """The first tensor of a stage that is not what it must be.

    op: the operator of the IR with its attributes; value: its name there; tensor: what the other
        system calls it; origin: the place in the user's model; via: the passes that made it
    comparison: the numbers, with the worst element; "got" and "want" are those of the section
    """

    op: str
    value: str
    tensor: str
    origin: Location
    via: tuple[str, ...]
    comparison: Comparison

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Difference:
        return cls(
            data["op"],
            data["value"],
            data["tensor"],
            Location(**data["origin"]),
            tuple(data["via"]),
            Comparison.from_dict(data["comparison"]),
        )

    def __str__(self) -> str:
        """Return one line: operator, name, origin, and how far off it is."""
        origin, found = self.origin, self.comparison
        place = " ".join(part for part in (origin.op, repr(origin.name)) if part != "''")
        inside = f" in {origin.path}" if origin.path else ""
        called = f", there {self.tensor!r}" if self.tensor != self.value else ""
        return (
            f"{self.op.partition('(')[0]} {self.value!r}{called} (from {place}{inside}): "
            f"{_numbers(found)}"
        )


def _numbers(found: Comparison) -> str:
    if found.got_shape != found.want_shape:
        return f"shape {list(found.got_shape)} where it must be {list(found.want_shape)}"
    worst = found.worst
    if worst is None:
        return found.problems[0] if found.problems else "it differs"
    return (
        f"{found.outside} of {found.size} elements are outside; the worst, at "
        f"{list(worst.index)}, is {worst.got:.9g} where it must be {worst.want:.9g}"
    )


@dataclass(frozen=True)
class Section:
    """One stage: what was compared with what, and the first tensor that differs.

    compared: tensors that were looked at until then; unmatched: those of the graph that the other
        side cannot show
    culprit: the pass, where the stage is "passes"; slight: whether `first` may be rounding
    problem: why the comparison could not be finished, "" where it was; note: what else to know
    """

    stage: Stage
    got: str
    want: str
    compared: int = 0
    unmatched: int = 0
    first: Difference | None = None
    culprit: str = ""
    slight: bool = False
    problem: str = ""
    note: str = ""

    @property
    def differs(self) -> bool:
        """Whether something wrong was found."""
        return self.first is not None or bool(self.culprit)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Section:
        first = data["first"]
        return cls(**{**data, "first": Difference.from_dict(first) if first else None})

    def __str__(self) -> str:
        """Return one line with the stage's verdict."""
        title = f"{self.stage} ({self.got} against {self.want})"
        if self.differs:
            by = f"the pass {self.culprit} changes " if self.culprit else ""
            text = f"{by}{self.first or 'an output'}"
        elif self.problem:
            text = f"not finished: {self.problem}"
        else:
            kind = "passes" if self.stage == "passes" else "tensors"
            hidden = f", {self.unmatched} more have no counterpart" if self.unmatched else ""
            text = f"{self.compared} {kind} agree{hidden}"
        return f"{title}: {text}{f' ({self.note})' if self.note else ''}"


@dataclass(frozen=True)
class Diagnosis:
    """The verdict on a whole job; the section `first` has the cause.

    case: the inputs, as a check names them; tolerances: what counts as a difference, by the names
        that the manifest has for them
    saturated: how random inputs show that they do not suit the model, "" where they do
    """

    model: str
    case: str
    tolerances: Mapping[str, float]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    saturated: str = ""

    @property
    def first(self) -> Section | None:
        """The first section in which something differs by more than rounding, else by rounding."""
        differing = [section for section in self.sections if section.differs]
        more = (section for section in differing if not section.slight)
        return next(more, differing[0] if differing else None)

    @property
    def finished(self) -> bool:
        """Whether every section could be made."""
        return not any(section.problem for section in self.sections)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-able data; NaN and infinities are the str "nan", "inf" and "-inf"."""
        return plain(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Diagnosis:
        """Rebuild the diagnosis that `as_dict` described."""
        changed = {
            "sections": tuple(map(Section.from_dict, data["sections"])),
            "notes": tuple(data["notes"]),
        }
        return cls(**{**data, **changed})

    def summary(self) -> str:
        """Return the verdict in one line."""
        first = self.first
        if first is None and not self.finished:
            reasons = (f"{s.stage}: {s.problem}" for s in self.sections if s.problem)
            return f"no wrong tensor was found, but not all was compared: {'; '.join(reasons)}"
        if first is None:
            return "no stage changes a tensor by more than the tolerances"
        if self.saturated:
            return (
                f"the random inputs do not suit the model ({self.saturated}): give its inputs a "
                f"sample or a range, then look again; what differs first is {first.first}"
            )
        if first.culprit:
            return f"the first pass that changes numbers is {first.culprit}: {first.first}"
        where = f"{first.stage}, {first.got} against {first.want}"
        return f"the first wrong tensor ({where}): {first.first}"

    def lines(self) -> list[str]:
        """Return the diagnosis for a reader: a headline, then a line for each section."""
        limits = (f"{name} {value:g}" for name, value in self.tolerances.items())
        head = ", ".join((self.model, self.case, *limits))
        found = [head, *(f"  {section}" for section in self.sections)]
        found += [f"  note: {note}" for note in self.notes]
        return [*found, self.summary()]
