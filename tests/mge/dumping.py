"""Dump every case with MegEngine, and write down how MegEngine itself reads the files.

`python -m tests.mge.dumping FOLDER [CASE...]` writes FOLDER/<case>.<variant>.mge and a .json beside
each; with `--samples`, files with test data. It is a program of its own because importing MegEngine
changes the whole process.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import megengine
import numpy as np
from megengine.core.tensor.megbrain_graph import load_graph
from megengine.jit import trace

from tests.mge.networks import CASES, Case

# Every case is dumped in these ways.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "v2": {},
    "v1": {"dump_format": "FBS"},
    "v2-all": {"optimize_for_inference": False, "keep_var_name": 2, "keep_opr_name": True},
    "v1-all": {
        "dump_format": "FBS",
        "optimize_for_inference": False,
        "keep_var_name": 2,
        "keep_opr_name": True,
    },
    "v2-bare": {"keep_var_name": 0, "enable_metadata": False},
    "v1-bare": {"dump_format": "FBS", "keep_var_name": 0, "enable_metadata": False},
}
LAYOUTS = ("hwcd4", "nchw88", "nchw44", "nchw44_dot", "nchw4", "nchw32", "chwn4", "nchw64")
FUSIONS = ("fuse_conv_bias_nonlinearity", "fuse_conv_bias_with_z", "fuse_preprocess", "fuse_grain")
HALVES = ("io16xc32", "ioc16")
# The cases of whole networks are dumped with every option, too.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    **{f"v2-{name}": {f"enable_{name}": True} for name in (*LAYOUTS, *FUSIONS, *HALVES)},
    "v2-named": {"keep_param_name": True, "keep_opr_name": True, "keep_opr_priority": True},
    "v1-fuse_conv_bias_nonlinearity": {
        "enable_fuse_conv_bias_nonlinearity": True,
        "dump_format": "FBS",
    },
}
# With test data: only on request, because MegEngine races with itself there and sometimes fails.
SAMPLES: Mapping[str, Mapping[str, Any]] = {
    "v2-sample": {"input_data": ["#rand(-1,1)"]},
    "v1-sample": {"input_data": ["#rand(-1,1)"], "dump_format": "FBS"},
}
# Where MegEngine itself stops at an assertion.
REFUSED: Mapping[str, frozenset[str]] = {
    "residual": frozenset({"v2-nchw64"}),
    "quantized": frozenset({"v2-io16xc32", "v2-ioc16"}),
}


def main(folder: Path, chosen: list[str]) -> None:
    """Write the dumps of the chosen cases, of all where none is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in chosen or CASES:
        for variant, options in variants(name).items():
            path = folder / f"{name}.{variant}.mge"
            dump(traced_case(CASES[name]), CASES[name], path, options)
            path.with_suffix(".json").write_text(json.dumps(view(path)))


def write_samples(folder: Path, chosen: list[str]) -> None:
    """Write the dumps of the chosen cases with test data."""
    for name in chosen:
        for variant, options in SAMPLES.items():
            path = folder / f"{name}.{variant}.mge"
            dump(traced_case(CASES[name]), CASES[name], path, options)


def variants(name: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the ways in which a case is dumped, by name."""
    if name not in REFUSED:
        return VARIANTS
    both = {**VARIANTS, **OPTIONS}
    return {key: options for key, options in both.items() if key not in REFUSED[name]}


def traced_case(case: Case) -> Any:
    """Trace the function of a case with its arrays."""
    traced = trace(lambda *tensors: case.function(*tensors), symbolic=True, capture_as_const=True)
    traced(*map(megengine.tensor, case.feeds))
    return traced


def dump(traced: Any, case: Case, path: Path, options: Mapping[str, Any]) -> None:
    """Write one file; the inputs are named x0, x1 ..."""
    names = [f"x{index}" for index in range(len(case.feeds))]
    traced.dump(str(path), arg_names=names, **{**case.options, **options})


def view(path: Path) -> Mapping[str, Any]:
    """Describe what MegEngine loads from a file: its results, and all operators behind them."""
    try:
        outputs = load_graph(str(path)).output_vars_list
    except RuntimeError as error:  # it cannot read everything that it writes
        return {"error": str(error).splitlines()[0]}
    operators = {operator.id: _describe(operator) for operator in _walk(outputs)}
    return {"outputs": [_variable(output) for output in outputs], "operators": operators}


def _walk(outputs: list[Any]) -> Iterator[Any]:
    """Yield every operator that the results depend on, once."""
    seen: set[int] = set()
    waiting = [output.owner for output in outputs]
    while waiting:
        operator = waiting.pop()
        if operator.id not in seen:
            seen.add(operator.id)
            yield operator
            waiting += [used.owner for used in operator.inputs]


def _describe(operator: Any) -> Mapping[str, Any]:
    return {
        "type": operator.type,
        "name": operator.name,
        "inputs": [_variable(used) for used in operator.inputs],
    }


def _variable(variable: Any) -> Mapping[str, Any]:
    """Describe a variable; its shape is None where MegEngine cannot infer it."""
    try:
        shape = list(variable.shape)
    except (TypeError, RuntimeError):
        shape = None
    constant = variable.owner.type == "ImmutableTensor"
    value = np.ascontiguousarray(variable.value).tobytes() if constant else None
    return {
        "id": variable.id,
        "owner": variable.owner.id,
        "name": variable.name,
        "shape": shape,
        "dtype": _dtype(variable.dtype),
        "value": value and hashlib.sha256(value).hexdigest(),
    }


def _dtype(dtype: Any) -> Mapping[str, Any]:
    """Describe an element type: MegEngine keeps quantization in the metadata of a numpy type."""
    described = np.dtype(dtype)
    quantized = (described.metadata or {}).get("mgb_dtype", {})
    numbers = {key: quantized.get(key) for key in ("scale", "zero_point")}
    return {"storage": described.name, **numbers}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--samples", action="store_true", help="with test data")
    given = parser.parse_args()
    (write_samples if given.samples else main)(given.folder, given.cases)
