"""A reproducer as files, and read back.

`graph.txt` is the text of `ir.text`, `constants.npz` has what it does not write out, `inputs.npz`
and `expected.npz` the arrays by port, `settings.json` how to run it, `diagnosis.json` where it is
from.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mgeconvert.backends import Artifact, Request, load
from mgeconvert.diagnose.cut import Piece
from mgeconvert.diagnose.result import Diagnosis
from mgeconvert.diagnose.subject import Subject
from mgeconvert.diagnose.tolerance import Tolerance
from mgeconvert.errors import Location, UnreadableSource
from mgeconvert.ir import Array, Graph, evaluate
from mgeconvert.ir.passes import Observer
from mgeconvert.ir.text import parse
from mgeconvert.manifest.options import WRITTEN

STEM = "reproducer"
Lower = Callable[[Graph, Observer], Artifact]


@dataclass(frozen=True)
class Case:
    """A reproducer that can be run: the graph anew each time, arrays by port, and the tolerances.

    `expected` is empty where the graph itself says what must come out.
    """

    stage: str
    read: Callable[[], Graph]
    inputs: Mapping[str, Array]
    expected: Mapping[str, Array]
    tolerance: Tolerance
    quantized: bool
    lower: Lower


def files(piece: Piece, case: Case, subject: Subject, found: Diagnosis) -> Mapping[str, bytes]:
    """Return the files of a reproducer by name."""
    check = subject.check
    settings = {
        "model": check.model,
        "stage": case.stage,
        "format": check.format,
        "options": asdict(subject.options),
        "tolerances": {"rtol": None, "atol": None, **case.tolerance.asked()},
        "quantized": case.quantized,
    }
    return {
        "graph.txt": piece.text.encode(),
        "constants.npz": _npz(piece.constants),
        "inputs.npz": _npz(piece.inputs),
        "expected.npz": _npz(case.expected or _computed(case)),
        "settings.json": (json.dumps(settings, indent=1) + "\n").encode(),
        "diagnosis.json": (json.dumps(found.as_dict(), indent=1) + "\n").encode(),
    }


def _computed(case: Case) -> Mapping[str, Array]:
    return evaluate(case.read(), case.inputs)


def _npz(arrays: Mapping[str, Array]) -> bytes:
    """Return the bytes of an .npz; the names of the arrays are listed apart, since any will do."""
    names = np.frombuffer(json.dumps(list(arrays)).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, names=names, **{str(i): a for i, a in enumerate(arrays.values())})
    return file.getvalue()


def load_case(saved: Path) -> tuple[dict[str, Any], Case]:
    """Return the settings and what can be run; raise UnreadableSource where there is none."""
    try:
        settings = json.loads((saved / "settings.json").read_text())
        text = (saved / "graph.txt").read_text()
        constants, inputs, expected = (
            _arrays(saved / f"{name}.npz") for name in ("constants", "inputs", "expected")
        )
        options = WRITTEN[settings["format"]](**settings["options"])
        tolerance = Tolerance(**settings["tolerances"])
        stage, quantized = settings["stage"], settings["quantized"]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        problem = f"this folder has no reproducer: {type(error).__name__}: {error}"
        raise UnreadableSource(problem, at=Location("diagnose", path=str(saved))) from error
    request = Request(options, STEM, {})
    backend = load(settings["format"])
    read = partial(parse, text, constants)
    lower: Lower = lambda graph, observe: backend.convert(graph, request, observe)  # noqa: E731
    return settings, Case(stage, read, inputs, expected, tolerance, quantized, lower)


def _arrays(path: Path) -> dict[str, Array]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        names = json.loads(stored["names"].tobytes())
        return {name: stored[str(index)] for index, name in enumerate(names)}
