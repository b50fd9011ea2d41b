"""Dumps of functions, and what MegEngine computes from the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import megengine as mge
import numpy as np
from megengine.jit import trace
from megengine.utils.comp_graph_tools import GraphInference

from mgeconvert import frontends
from mgeconvert.ir import Graph, evaluate, verify

KINDS: dict[str, dict[str, Any]] = {
    "v2": {},
    "v1": {"dump_format": "FBS"},
    "plain": {"optimize_for_inference": False},
}


def dump(
    function: Callable[..., Any], arrays: Sequence[np.ndarray], path: Path, **options: Any
) -> None:
    """Trace `function` on `arrays` and write it; its inputs are called x0, x1 ..."""
    traced = trace(lambda *xs: function(*xs), symbolic=True, capture_as_const=True)
    traced(*map(mge.Tensor, arrays))
    names = [f"x{index}" for index in range(len(arrays))]
    with path.open("wb") as file:  # given a path, MegEngine leaves the file open
        traced.dump(file, arg_names=names, **options)


def computed(path: Path, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return what MegEngine computes from the dump; of a quantized type the stored numbers."""
    with path.open("rb") as file:
        graph = GraphInference(file)
    given = {f"x{index}": array for index, array in enumerate(arrays)}
    (result,) = graph.run(inp_dict={name: given[name] for name in graph._inp_dict}).values()
    return np.asarray(result)


def read(path: Path) -> Graph:
    """Return the IR of a dump."""
    graph = frontends.read(path, shapes={}, outputs=())
    verify(graph)
    return graph


def feeds(graph: Graph, arrays: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Return the inputs by their names."""
    given = {f"x{index}": array for index, array in enumerate(arrays)}
    return {port.name: given[port.name] for port in graph.inputs}


def interpreted(graph: Graph, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return what the IR means."""
    (result,) = evaluate(graph, feeds(graph, arrays), quantized=True).values()
    return result


def last_step(graph: Graph) -> float:
    """Return the scale of the last value that is rounded."""
    scales = [v.quant.scale[0] for node in graph for v in node.outputs if v.quant]
    return scales[-1]


def steps_off(got: np.ndarray, want: np.ndarray, step: float) -> np.ndarray:
    """Return by how many steps each element is off."""
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    return np.rint(np.abs(got - want) / step)
