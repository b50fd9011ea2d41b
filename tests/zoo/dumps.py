"""Dumped graphs of families: `python -m tests.zoo.dumps FOLDER NAME...` writes NAME.VARIANT.mge.

The .npz beside it has what MegEngine computes from the dump: BATCH.INDEX for each output and each
batch size of the family and of the trace. The .json has the batch sizes at which the dump does not
run, or "dump" where there is none, with MegEngine's words.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import megengine
import numpy as np
from megengine.jit import trace
from megengine.utils.comp_graph_tools import GraphInference

from tests.zoo.table import FAMILIES
from tests.zoo.tracing import arrays

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "v2": {},
    "v2-all": {"optimize_for_inference": False, "keep_var_name": 2, "keep_opr_name": True},
    "v2-kept": {"no_change_graph": True},
    "v1": {"dump_format": "FBS"},
    "v2-fused": {
        "enable_fuse_conv_bias_nonlinearity": True,
        "enable_fuse_conv_bias_with_z": True,
    },
}


def write(name: str, folder: Path) -> None:
    """Dump the family in every way, and run each dump at each batch size."""
    family = FAMILIES[name]
    module = family.build()
    for variant, options in VARIANTS.items():
        path = folder / f"{name}.{variant}.mge"
        found, failures = {}, {}
        try:
            dump(module, name, path, options)
        except RuntimeError as error:
            path.unlink(missing_ok=True)
            failures["dump"] = str(error).splitlines()[0]
            path.with_suffix(".json").write_text(json.dumps(failures))
            continue
        own = family.inputs[0].shape[family.batch_axis]
        for batch in dict.fromkeys((own, *family.batches)):
            try:
                outputs = run(path, arrays(family, batch))
            except RuntimeError as error:
                failures[str(batch)] = str(error).splitlines()[0]
                continue
            found |= {f"{batch}.{index}": array for index, array in enumerate(outputs)}
        np.savez(path.with_suffix(".npz"), **found)
        path.with_suffix(".json").write_text(json.dumps(failures))


def dump(module: Any, name: str, path: Path, options: Mapping[str, Any]) -> None:
    """Trace the module as a graph, and write it; the inputs have the names of the family's."""
    family = FAMILIES[name]
    own = family.inputs[0].shape[family.batch_axis]
    tensors = [megengine.Tensor(x) for x in arrays(family, own).values()]
    traced = trace(lambda *xs: tuple(results(module(*xs))), symbolic=True, capture_as_const=True)
    traced(*tensors)
    traced.dump(str(path), arg_names=[port.name for port in family.inputs], **options)


def results(result: Any) -> Iterator[Any]:
    """Yield the tensors of a nested result in order, those of a dictionary by its sorted keys."""
    if isinstance(result, megengine.Tensor):
        yield result
        return
    for part in [result[k] for k in sorted(result)] if isinstance(result, dict) else result:
        yield from results(part)


def run(path: Path, feeds: Mapping[str, Any]) -> list[np.ndarray]:
    """Run a dump in MegEngine, without the inputs that it does not use."""
    with path.open("rb") as file:
        graph = GraphInference(file)
    values = graph.run(inp_dict={name: feeds[name] for name in graph._inp_dict})
    return [np.asarray(values[output.name]) for output in graph._origin_outputs]


if __name__ == "__main__":
    for family_name in sys.argv[2:]:
        write(family_name, Path(sys.argv[1]))
