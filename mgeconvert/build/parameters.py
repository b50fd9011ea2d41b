"""Where the file of quantization parameters of a single conversion goes; standard library only."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from mgeconvert.build.records import Result
from mgeconvert.manifest.options import PARAMETERS_FILE


def place_parameters(made: Result, folder: Path, wanted: Path) -> None:
    """Move the file of parameters to the place that is asked for.

    Where this conversion wrote none, one of an earlier conversion there would be taken for its own,
    so it is removed; a file that holds anything else stays.
    """
    written = [folder / file.name for file in made.files if file.name.endswith(PARAMETERS_FILE)]
    for path in written:
        if path.resolve() != wanted.resolve():
            shutil.move(path, wanted)
    if not written:
        forget_parameters(wanted)


def forget_parameters(path: Path) -> None:
    """Remove the file of parameters of an earlier conversion, if that is what is there."""
    if _holds_parameters(path):
        path.unlink()


def _holds_parameters(path: Path) -> bool:
    """Return whether the file has the form that is written beside quantized models."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(entries, dict) or not entries:
        return False
    return all(isinstance(e, dict) and {"dtype", "scale"} <= e.keys() for e in entries.values())
