"""What is diagnosed: a source, how it becomes an artifact, and what a check asks of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mgeconvert.backends import Artifact
from mgeconvert.check.request import CheckRequest
from mgeconvert.frontends import Watch
from mgeconvert.ir import Graph
from mgeconvert.ir.passes import Observer
from mgeconvert.manifest import Options


@dataclass(frozen=True)
class Subject:
    """One job.

    check: source, inputs and tolerances; `check.artifact` is the file to look at, "" for the one
        that `lower` makes now
    read: gives the IR of the source, a new graph each time, and shows the tensors on the way
    lower: makes the artifact of a graph, which afterwards is the lowered one
    options: of the target, for the reproducer
    case: the name of the check's case that failed, "" to look for one
    """

    check: CheckRequest
    read: Callable[[Watch], Graph]
    lower: Callable[[Graph, Observer], Artifact]
    options: Options
    case: str = ""
