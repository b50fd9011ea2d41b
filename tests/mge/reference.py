"""Run dumps of the cases in MegEngine: `python -m tests.mge.reference FOLDER`.

Beside each FOLDER/<case>.<variant>.mge comes a .npz with what MegEngine computes: `in.<name>` and
`out.<index>`; where MegEngine cannot run its own dump, a .txt that says why. It is a program of its
own because importing MegEngine changes the whole process.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from megengine.utils.comp_graph_tools import GraphInference

from tests.mge.networks import CASES

# MegEngine compiles code for these at run time, and hangs where it may not.
NOT_RUN = ("residual.v2-nchw88.mge",)


def main(folder: Path) -> None:
    for path in sorted(folder.glob("*.mge")):
        if path.name in NOT_RUN:
            continue
        feeds = CASES[path.name.split(".")[0]].feeds
        try:
            arrays = run(path, feeds)
        except Exception as error:  # whatever MegEngine raises
            text = (str(error).strip().splitlines() or [type(error).__name__])[0]
            path.with_suffix(".txt").write_text(text)
        else:
            np.savez(path.with_suffix(".npz"), **arrays)


def run(path: Path, feeds: tuple[Any, ...]) -> dict[str, np.ndarray]:
    """Return inputs and outputs of a dump; inputs that it does not use are left out."""
    with path.open("rb") as file:
        graph = GraphInference(file)
    given = {f"x{index}": array for index, array in enumerate(feeds)}
    used = {name: given[name] for name in graph._inp_dict}
    values = graph.run(inp_dict=used)
    found = {f"in.{name}": np.asarray(array) for name, array in given.items()}
    for index, output in enumerate(graph._origin_outputs):
        found[f"out.{index}"] = _plain(values[output.name])
    return found


def _plain(array: np.ndarray) -> np.ndarray:
    """Drop MegEngine's metadata of quantized types."""
    return np.asarray(array).astype(array.dtype.newbyteorder("=").str, copy=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
