"""Makes the files of operator cases with MegEngine: `python -m tests.cases.maker REQUEST FOLDER`.

For each case, by its key: `.tm`, `.mge`, `.npz` (inputs as in.NAME, outputs as out.INDEX, with 5
for the first sizes as in5.NAME and out5.INDEX), `.graph.npz` (what MegEngine computes from the
`.mge`, which may differ: out.INDEX and out5.INDEX), and `.json` with what could not be made, and
why.
"""

from __future__ import annotations

import json
import math
import sys
import zlib
from pathlib import Path
from typing import Any

import megengine as mge
import megengine.functional as F
import megengine.jit as jit
import megengine.module as M
import numpy as np
from megengine.core import set_option
from megengine.core._imperative_rt.core2 import apply
from megengine.core.ops import builtin
from megengine.traced_module import trace_module
from megengine.utils.comp_graph_tools import GraphInference

from tests.cases.case import Case, Data

OTHER_BATCH = 5


def main(request: str, folder: str) -> None:
    set_option("async_level", 0)  # an error is raised where it happens, not by a later case
    for item in json.loads(Path(request).read_text()):
        item["data"] = tuple(
            (k, Data(**{**d, "shape": tuple(d["shape"])})) for k, d in item["data"]
        )
        item["attributes"] = tuple(map(tuple, item["attributes"]))
        make(Case(**item), Path(folder))


def make(case: Case, folder: Path) -> None:
    seed = zlib.crc32(case.key.encode())
    facts: dict[str, str] = {}
    try:
        net = module(case, seed)
        inputs = [mge.Tensor(array) for array in feeds(case, seed, None).values()]
        traced = trace_module(net, *inputs)
        mge.save(traced, str(folder / f"{case.key}.tm"))
        np.savez(folder / f"{case.key}.npz", **evaluated(traced, case, seed))
    except Exception as error:
        facts["tm"] = f"{type(error).__name__}: {error}"
    else:
        try:
            dump(net, inputs, folder / f"{case.key}.mge")
            np.savez(folder / f"{case.key}.graph.npz", **dumped(case, seed, folder, facts))
        except Exception as error:
            facts["mge"] = f"{type(error).__name__}: {error}"
    (folder / f"{case.key}.json").write_text(json.dumps(facts))


def module(case: Case, seed: int) -> M.Module:
    names = [name for name, _ in case.data]
    lines = [f"def forward(self, {', '.join(names)}):"]
    lines += [f"    {name} = self.{name}" for name, _ in case.attributes]
    lines += [f"    return {case.expression}"]
    scope: dict[str, Any] = {"F": F, "M": M, "mge": mge, "np": np, "math": math}
    scope |= {"shift": shift, "op": op}
    exec("\n".join(lines), scope)
    net: M.Module = type("Net", (M.Module,), {"forward": scope["forward"]})()
    for name, text in case.attributes:
        setattr(net, name, eval(text, scope))
    randomize(net, np.random.RandomState(seed))
    net.eval()
    return net


def shift(module: M.Module, **settings: Any) -> M.Module:
    """Set attributes of a module that its constructor does not take."""
    for name, value in settings.items():
        setattr(module, name, value)
    return module


def randomize(net: M.Module, random: np.random.RandomState) -> None:
    for name, tensor in [*net.named_parameters(), *net.named_buffers()]:
        if tensor.dtype.type is not np.float32 or ("running" not in name and tensor.size == 0):
            continue
        low, high = (0.5, 1.5) if "var" in name else (-0.5, 0.5)
        if name.endswith("weight") and len(tensor.shape) == 1:
            low, high = 0.5, 1.5
        tensor[...] = mge.Tensor(random.uniform(low, high, tensor.shape).astype(np.float32))


def op(name: str, *inputs: mge.Tensor, **params: Any) -> Any:
    """Apply one of MegEngine's operators as it is, the way that Apply expressions do."""
    results = apply(getattr(builtin, name)(**params), *inputs)
    return results[0] if len(results) == 1 else tuple(results)


def evaluated(net: M.Module, case: Case, seed: int) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for suffix, batch in (("", None), ("5", OTHER_BATCH))[: 2 if case.dynamic else 1]:
        given = feeds(case, seed, batch)
        arrays.update({f"in{suffix}.{name}": array.copy() for name, array in given.items()})
        result = net(*map(mge.Tensor, given.values()))
        results = result if isinstance(result, (tuple, list)) else (result,)
        for index, tensor in enumerate(results):
            arrays[f"out{suffix}.{index}"] = mge.Tensor(tensor).numpy()
    return arrays


def dumped(case: Case, seed: int, folder: Path, facts: dict[str, str]) -> dict[str, np.ndarray]:
    """Run the dump; where it does not run with another batch, `facts` say so as "mge5"."""
    with (folder / f"{case.key}.mge").open("rb") as file:
        graph = GraphInference(file)
    arrays = run_dump(graph, feeds(case, seed, None), "out")
    if case.dynamic:
        try:
            arrays |= run_dump(graph, feeds(case, seed, OTHER_BATCH), "out5")
        except RuntimeError as error:
            facts["mge5"] = f"{type(error).__name__}: {error}"
    return arrays


def run_dump(graph: Any, given: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    named = {f"arg_{i}": array for i, array in enumerate(given.values())}
    values = graph.run(inp_dict={name: named[name] for name in graph._inp_dict})
    outputs = enumerate(graph._origin_outputs)
    return {f"{prefix}.{index}": np.asarray(values[output.name]) for index, output in outputs}


def feeds(case: Case, seed: int, batch: int | None) -> dict[str, np.ndarray]:
    arrays = {}
    for index, (name, data) in enumerate(case.data):
        shape = data.shape if batch is None else (batch, *data.shape[1:])
        arrays[name] = random_array(data, shape, seed + index)
    return arrays


def random_array(data: Data, shape: tuple[int, ...], seed: int) -> np.ndarray:
    random = np.random.RandomState(seed % 2**32)
    if data.low is None or data.high is None:
        return np.asarray(random.standard_normal(shape)).astype(data.dtype)
    if data.dtype.startswith("float"):
        return np.asarray(random.uniform(data.low, data.high, shape)).astype(data.dtype)
    return np.asarray(random.randint(int(data.low), int(data.high) + 1, shape)).astype(data.dtype)


def dump(net: M.Module, inputs: list[mge.Tensor], path: Path) -> None:
    @jit.trace(symbolic=True, capture_as_const=True)
    def run(*args: mge.Tensor) -> Any:
        return net(*args)

    run(*inputs)
    run.dump(str(path), arg_names=[f"arg_{i}" for i in range(len(inputs))])


if __name__ == "__main__":
    main(*sys.argv[1:])
