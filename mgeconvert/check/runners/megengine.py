"""Sources in MegEngine, which says what they compute.

MegEngine's loaders run what a file says (a `.tm` is a pickle): whoever opens a file here has vetted
it with the frontend's own reader first. Importing megengine makes the process flush denormals to
zero, so this runs in no other process than a runner's.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mgeconvert.check.runners.megengine_inner import computed, plain, watched
from mgeconvert.check.runners.megengine_rounding import KEPT, inference, relax
from mgeconvert.check.runners.protocol import Array, Arrays, Description, Port
from mgeconvert.errors import CheckFailed, ConvertError, UnreadableSource, UnsupportedCase

Run = Callable[[Arrays], dict[str, Array]]
Look = Callable[[Arrays, Sequence[str]], dict[str, Array]]

HINT = "install CPython 3.10 with the extra: pip install 'mgeconvert[megengine]'"
NARROW = {"float64": "float32", "int64": "int32"}


class Runtime:
    """One `.tm` or `.mge` at a time."""

    name = "MegEngine"

    def __init__(self) -> None:
        try:
            import megengine
        except ImportError as error:
            raise ConvertError(f"MegEngine cannot be imported: {error}", hint=HINT) from None
        from megengine.core import set_option

        set_option("async_level", 0)  # an error is raised where it happens, with its own text
        self._library: Any = megengine
        self._run: Run | None = None
        self._look: Look | None = None

    def versions(self) -> dict[str, str]:
        return {"megengine": self._library.__version__, "numpy": np.__version__}

    def open(
        self, path: str, *, format: str, outputs: Sequence[str], rounding: str = KEPT
    ) -> Description:
        """Load a vetted file of format "traced" or "mge".

        `rounding` is what to keep of its quantization: "kept" for all, "parameters" or "none".
        `outputs` are end points: names of vars (`.mge`), or what `end_points` takes (`.tm`).
        Raises UnreadableSource where MegEngine refuses the file, CheckFailed for an unknown end
        point, UnsupportedCase for a rounding that cannot be left out.
        """
        openers = {"traced": self._open_traced, "mge": self._open_graph}
        description, self._run, self._look = openers[format](path, tuple(outputs), rounding)
        return description

    def run(self, feeds: Arrays) -> dict[str, Array]:
        """Feeds of 64-bit types run as MegEngine's 32-bit ones."""
        run = self._run
        if run is None:
            raise CheckFailed("no model is open")
        return _guarded(lambda: run(_narrowed(feeds)))

    def inner(self, feeds: Arrays, names: Sequence[str]) -> dict[str, Array]:
        """Return tensors of the open model.

        A name is "ID:NAME#COUNT" for the result of a node of a TracedModule at its COUNT-th
        computation, which begins at 0, or the index of an output of a dump.
        """
        look = self._look
        if look is None:
            raise CheckFailed("no model is open")
        return _guarded(lambda: look(_narrowed(feeds), names))

    def close(self) -> None:
        self._run = self._look = None

    def _open_traced(
        self, path: str, outputs: tuple[str, ...], rounding: str
    ) -> tuple[Description, Run, Look]:
        try:
            module = self._library.load(path)
        except Exception as error:  # whatever an unpickle raises
            raise UnreadableSource(f"MegEngine cannot load it: {_first_line(error)}") from error
        if type(module).__name__ != "TracedModule":
            raise UnreadableSource(f"it holds a {type(module).__name__}, not a TracedModule")
        if len(module.argdef_graph_map) != 1:
            raise UnreadableSource("it was traced with more than one structure of arguments")
        module.eval()
        relax(module, rounding)
        graph = module.graph
        ports = tuple(map(_node_port, graph.inputs[1:]))
        points = [node for name in outputs for node in end_points(graph, name)]
        nodes = points or graph.outputs
        names = _unique([node._name for node in nodes])

        def run(feeds: Arrays) -> dict[str, Array]:
            for node in points:
                node.top_graph._watch_point.append(node)
            tensors = [self._library.Tensor(feeds[port.name]) for port in ports]
            values = graph.interpret(module, *tensors)
            if points:
                values = [_watched(node) for node in points]
            return {name: plain(value.numpy()) for name, value in zip(names, values)}

        results = zip(names, map(_node_port, nodes))
        described = tuple(Port(name, port.dtype, port.shape) for name, port in results)

        def look(feeds: Arrays, names: Sequence[str]) -> dict[str, Array]:
            tensors = [self._library.Tensor(feeds[port.name]) for port in ports]
            return watched(module, tensors, names)

        return Description(ports, described), run, look

    def _open_graph(
        self, path: str, outputs: tuple[str, ...], rounding: str
    ) -> tuple[Description, Run, Look]:
        with open(path, "rb") as file:
            data = io.BytesIO(file.read())
        try:
            graph = inference(data, outputs=list(outputs) or None, rounding=rounding)
        except UnsupportedCase:
            raise
        except AssertionError as error:
            raise CheckFailed(f"MegEngine: {_first_line(error)}") from error
        except Exception as error:  # whatever a foreign loader raises
            raise UnreadableSource(f"MegEngine cannot load it: {_first_line(error)}") from error
        nodes = {name: node.outputs[0] for name, node in graph._inp_dict.items()}
        ports = tuple(Port(name, str(var.dtype), tuple(var.shape)) for name, var in nodes.items())
        results = tuple(
            Port(var.name, str(np.dtype(var.dtype)), None) for var in graph._origin_outputs
        )

        def run(feeds: Arrays) -> dict[str, Array]:
            values = graph.run(inp_dict={port.name: feeds[port.name] for port in ports})
            return {name: plain(value) for name, value in values.items()}

        def look(feeds: Arrays, names: Sequence[str]) -> dict[str, Array]:
            return computed(path, feeds, names)

        return Description(ports, results), run, look


def end_points(graph: Any, name: str) -> list[Any]:
    """Return the nodes called `name`, several where a module returns several.

    It is, the first that fits: a node's name in the top graph, its full name, its qualname, or the
    path of a module, for what that returns. Raises CheckFailed if nothing fits.
    """
    nodes = [node for node in graph.nodes(True) if type(node).__name__ == "TensorNode"]
    root = graph.inputs[0]._qualname
    fits: tuple[Callable[[Any], bool], ...] = (
        lambda node: bool(node.top_graph is graph and node._name == name),
        lambda node: format(node, "p") == name,
        lambda node: bool(node._qualname == name),
        lambda node: _module_path(node) == f"{root}.{name}",
    )
    for fit in fits:
        found = list(filter(fit, nodes))
        if found:
            return found
    raise CheckFailed(f"the source has no value named {name!r}")


def _module_path(node: Any) -> str:
    """Return the qualname of the module that returns the node, "" where none does."""
    if type(node.expr).__name__ != "CallMethod":
        return ""
    called = node.expr.inputs[0]
    return str(called._qualname) if type(called).__name__ == "ModuleNode" else ""


def _watched(node: Any) -> Any:
    """Return the last value of a node, and stop watching it; inputs collect theirs in a list."""
    graph = node.top_graph
    graph._watch_point = []
    value = graph._rst[node]
    return value.pop() if isinstance(value, list) else value


def _node_port(node: Any) -> Port:
    dtype = "" if node.dtype is None else str(np.dtype(node.dtype))
    return Port(node._name, dtype, None if node.shape is None else tuple(map(int, node.shape)))


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Number the repetitions of a name as frontends do: an output may be returned twice."""
    seen: list[str] = []
    for name in names:
        new, count = name, 0
        while new in seen or (count and new in names):
            count += 1
            new = f"{name}_{count}"
        seen.append(new)
    return tuple(seen)


def _guarded(run: Callable[[], dict[str, Array]]) -> dict[str, Array]:
    try:
        return run()
    except RuntimeError as error:  # its text ends in a native backtrace
        raise CheckFailed(f"MegEngine fails to run the source: {_first_line(error)}") from error


def _narrowed(feeds: Arrays) -> Arrays:
    return {name: _narrow(array) for name, array in feeds.items()}


def _narrow(array: Array) -> Array:
    return array.astype(NARROW.get(array.dtype.name, array.dtype.name), copy=False)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
