"""What one run did for one job, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mgeconvert.build.records import NO_FACTS, Facts

Stage = Literal["convert", "check"]
# made: computed now; restored: from the store; failed; expected: failed, as the manifest says.
Action = Literal["made", "restored", "failed", "expected"]


@dataclass(frozen=True)
class Outcome:
    """One stage of one job: what was done, the problems, and what became of older artifacts.

    withdrawn: final names that were removed since the job has no good artifact any more
    left: final names that hold a file which someone changed, so that it was not removed
    run: names the run that did it
    """

    job: str
    stage: Stage
    action: Action
    problems: tuple[dict[str, Any], ...] = ()
    facts: Facts = NO_FACTS
    withdrawn: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    run: str = ""

    @property
    def ok(self) -> bool:
        """Whether the job may go on."""
        return self.action != "failed"

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON-able data; `outcome_from` is the inverse."""
        data = asdict(self)
        for name in ("problems", "withdrawn", "left"):
            data[name] = list(data[name])
        return data


def outcome_from(data: Mapping[str, Any]) -> Outcome:
    """Rebuild the outcome that `Outcome.as_dict` described."""
    return Outcome(
        job=data["job"],
        stage=data["stage"],
        action=data["action"],
        problems=tuple(data["problems"]),
        facts=Facts(**data["facts"]),
        withdrawn=tuple(data["withdrawn"]),
        left=tuple(data["left"]),
        run=data["run"],
    )
