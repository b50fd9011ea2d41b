"""TFLite files in LiteRT's own kernels on the CPU, one thread, no delegate."""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mgeconvert.check.runners.protocol import Array, Arrays, Description, Port
from mgeconvert.errors import CheckFailed

METADATA = b"mgeconvert"


class Runtime:
    """One Interpreter at a time.

    Inputs and outputs that the file has in another layout than the source are transposed: which
    they are is in its metadata. So the ports have the source's shapes.
    """

    name = "litert"

    def __init__(self) -> None:
        import ai_edge_litert
        from ai_edge_litert import interpreter, schema_py_generated

        self._version: str = ai_edge_litert.__version__
        self._library: Any = interpreter
        self._schema: Any = schema_py_generated
        self._interpreter: Any = None
        self._path = ""
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, Any] = {}
        self._layouts: Mapping[str, Sequence[int]] = {}

    def versions(self) -> dict[str, str]:
        return {"ai-edge-litert": self._version}

    def open(self, path: str, *, format: str, outputs: Sequence[str]) -> Description:
        """Load a `.tflite` file; CheckFailed where LiteRT refuses it or an output is missing."""
        self._layouts = self._stored_layouts(path)
        self._interpreter, self._path = self._opened(path, keep_all=False), path
        self._inputs = {d["name"]: d for d in self._interpreter.get_input_details()}
        self._outputs = {d["name"]: d for d in self._interpreter.get_output_details()}
        missing = [name for name in outputs if name not in self._outputs]
        if missing:
            raise CheckFailed(f"the model has no output named {', '.join(map(repr, missing))}")
        ins = tuple(self._port(name, d) for name, d in self._inputs.items())
        return Description(ins, tuple(self._port(name, d) for name, d in self._outputs.items()))

    def run(self, feeds: Arrays) -> dict[str, Array]:
        self._invoke(self._interpreter, feeds)
        return {name: self._result(name, d) for name, d in self._outputs.items()}

    def inner(self, feeds: Arrays, names: Sequence[str]) -> dict[str, Array]:
        """Return tensors of the subgraph by their names in the file, in the file's layout.

        All are held at the same time by the interpreter; no operator is left out or fused for it.
        """
        model = self._opened(self._path, keep_all=True)
        places = {d["name"]: d for d in model.get_tensor_details()}
        self._invoke(model, feeds)
        return {
            name: _real(model.get_tensor(places[name]["index"]), places[name])
            for name in names
            if name in places
        }

    def _opened(self, path: str, *, keep_all: bool) -> Any:
        resolver = self._library.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        try:
            return self._library.Interpreter(
                model_path=path,
                num_threads=1,
                experimental_op_resolver_type=resolver,
                experimental_preserve_all_tensors=keep_all,
            )
        except (ValueError, RuntimeError) as error:
            raise CheckFailed(f"LiteRT refuses the model: {_told(error)}") from None

    def _invoke(self, model: Any, feeds: Arrays) -> None:
        try:
            given = {name: self._as_stored(name, array) for name, array in feeds.items()}
            for name, array in given.items():
                model.resize_tensor_input(self._inputs[name]["index"], array.shape)
            model.allocate_tensors()
            for name, array in given.items():
                model.set_tensor(self._inputs[name]["index"], array)
            model.invoke()
        except (ValueError, RuntimeError) as error:
            raise CheckFailed(f"LiteRT cannot run the model: {_told(error)}") from None

    def close(self) -> None:
        self._interpreter = None

    def _stored_layouts(self, path: str) -> Mapping[str, Sequence[int]]:
        """Return how ports are permuted; none where the metadata do not say."""
        with open(path, "rb") as file:
            if len(file.read(8)) < 8:
                raise CheckFailed("the file is no TFLite model: it has less than 8 bytes")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                if data[4:8] != b"TFL3":
                    raise CheckFailed("the file is no TFLite model: TFL3 is missing at byte 4")
                return self._read_layouts(data)

    def _read_layouts(self, data: mmap.mmap) -> Mapping[str, Sequence[int]]:
        model = self._schema.Model.GetRootAs(data)
        for i in range(model.MetadataLength()):
            entry = model.Metadata(i)
            if entry.Name() == METADATA:
                text = bytes(model.Buffers(entry.Buffer()).DataAsNumpy())
                return json.loads(text).get("mgeconvert.layouts", {})
        return {}

    def _port(self, name: str, details: Mapping[str, Any]) -> Port:
        signature = [int(n) for n in details["shape_signature"]]
        shape: list[int | str] = [n if n >= 0 else f"{name}.{i}" for i, n in enumerate(signature)]
        perm = self._layouts.get(name)
        if perm is not None:
            shape = [shape[list(perm).index(axis)] for axis in range(len(perm))]
        dtype = "float32" if _steps(details) else np.dtype(details["dtype"]).name
        return Port(name, dtype, tuple(shape))

    def _as_stored(self, name: str, array: Array) -> Array:
        perm = self._layouts.get(name)
        details = self._inputs[name]
        numbers = _whole(array, details) if _steps(details) else array
        stored = numbers if perm is None else numbers.transpose(perm)
        return np.ascontiguousarray(stored).reshape(stored.shape)  # of no axes, it gives one

    def _result(self, name: str, details: Mapping[str, Any]) -> Array:
        array = _real(self._read(details), details)
        perm = self._layouts.get(name)
        return array if perm is None else array.transpose(np.argsort(perm))

    def _read(self, details: Mapping[str, Any]) -> Array:
        """Return a tensor; LiteRT cannot show one that has turned out to have no elements."""
        for now in self._interpreter.get_output_details():
            if now["index"] == details["index"] and 0 in now["shape"]:
                return np.zeros(now["shape"], details["dtype"])
        array: Array = self._interpreter.get_tensor(details["index"])
        return array


def _steps(details: Mapping[str, Any]) -> bool:
    """Return whether a tensor holds whole numbers that stand for others."""
    return len(details["quantization_parameters"]["scales"]) > 0


def _whole(array: Array, details: Mapping[str, Any]) -> Array:
    """Return the whole numbers for an input, half away from zero as MegEngine rounds."""
    scale, zero = details["quantization"]
    steps = array.astype(np.float32) / np.float32(scale)
    rounded = np.trunc(steps + np.copysign(np.float32(0.5), steps)) + zero
    limits = np.iinfo(details["dtype"])
    return np.clip(rounded, limits.min, limits.max).astype(details["dtype"])


def _real(array: Array, details: Mapping[str, Any]) -> Array:
    """Return the numbers that the whole numbers of a tensor stand for; others as they are."""
    if not _steps(details):
        return array
    parameters = details["quantization_parameters"]
    shape = [1] * array.ndim
    if len(parameters["scales"]) > 1:
        shape[parameters["quantized_dimension"]] = -1
    scale = np.asarray(parameters["scales"], np.float32).reshape(shape)
    zero = np.asarray(parameters["zero_points"], np.int64).reshape(shape)
    return (array.astype(np.int64) - zero).astype(np.float32) * scale


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[-300:]
