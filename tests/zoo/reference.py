"""What MegEngine computes: `python -m tests.zoo.reference FOLDER` writes NAME.npz beside NAME.tm.

Arrays are called BATCH.INDEX for each output and each batch size of the family, and of the trace.
"""

from __future__ import annotations

import sys
from pathlib import Path

import megengine
import numpy as np

from tests.zoo.reload import flatten
from tests.zoo.table import FAMILIES
from tests.zoo.tracing import arrays, save, trace_family


def write(name: str, folder: Path) -> None:
    """Trace the family and run its file at each batch size."""
    family, path = FAMILIES[name], folder / f"{name}.tm"
    save(trace_family(family), path)
    traced = megengine.load(str(path))
    results = {}
    for batch in (*family.batches, family.inputs[0].shape[family.batch_axis]):
        inputs = [megengine.Tensor(x) for x in arrays(family, batch).values()]
        for index, array in enumerate(flatten(traced(*inputs))):
            results[f"{batch}.{index}"] = array
    np.savez(folder / f"{name}.npz", **results)


if __name__ == "__main__":
    for family_name in FAMILIES:
        write(family_name, Path(sys.argv[1]))
