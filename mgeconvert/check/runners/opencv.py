"""Caffe nets in OpenCV's importer, on the CPU."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mgeconvert.check.runners.protocol import Array, Arrays, Description, Port
from mgeconvert.errors import CheckFailed, ConvertError

HINT = "install the extra: pip install 'mgeconvert[caffe]'"
TYPE = re.compile(r'^# type in the source of (".*"): (\w+)\[([\d, ]*)\]$', re.MULTILINE)
LAYER = re.compile(r"^layer {\n(.*?)^}", re.MULTILINE | re.DOTALL)


class Runtime:
    """One net at a time: a `.prototxt`, with the `.caffemodel` of the same stem beside it.

    OpenCV's `forward` takes the names of layers; ours are called after their tops. Blobs are of
    float32 and have axes; where a port of the source is not or has none, a comment of the net says
    what it is, and arrays are turned into it as long as all their numbers can be.
    """

    name = "OpenCV"

    def __init__(self) -> None:
        try:
            import cv2
        except ImportError as error:
            raise ConvertError(f"OpenCV cannot be imported: {error}", hint=HINT) from None
        self._library: Any = cv2
        self._net: Any = None
        self._unfused: Any = None
        self._path = ""
        self._ports: tuple[Port, ...] = ()
        self._outputs: list[str] = []
        self._types: dict[str, Port] = {}

    def versions(self) -> dict[str, str]:
        return {"opencv-python": self._library.__version__}

    def open(self, path: str, *, format: str, outputs: Sequence[str]) -> Description:
        """Load a net; CheckFailed where OpenCV refuses it or where an output is missing."""
        self._net, self._unfused, self._path = self._read(path), None, path
        text = Path(path).read_text(encoding="utf-8")
        self._types, ports = _types(text), _inputs(text)
        self._outputs = [
            name
            for name in self._net.getUnconnectedOutLayersNames()
            if self._net.getLayer(name).type != "Silence"
        ]
        missing = [name for name in outputs if name not in self._outputs]
        if missing:
            raise CheckFailed(f"the net has no output named {', '.join(map(repr, missing))}")
        self._ports = ports
        shapes = self._shapes(self._outputs)
        outs = (Port(name, "float32", shapes[name]) for name in self._outputs)
        return Description(tuple(map(self._declared, ports)), tuple(map(self._declared, outs)))

    def _declared(self, port: Port) -> Port:
        """Return the port as the source has it."""
        return self._types.get(port.name, port)

    def _read(self, path: str) -> Any:
        cv2 = self._library
        weights = str(Path(path).with_suffix(".caffemodel"))
        try:
            net = cv2.dnn.readNetFromCaffe(path, weights)
        except cv2.error as error:
            raise CheckFailed(f"OpenCV refuses the net: {_told(error)}") from None
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        net.enableWinograd(False)  # its error reaches 2e-5 of the largest element
        return net

    def _shapes(self, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """Return the shapes of first tops: arrays of rank 1 come back as columns."""
        given = [list(port.shape or ()) for port in self._ports]
        layers, _, outs = self._net.getLayersShapes(given if len(given) > 1 else given[0])
        by_layer = dict(zip((int(i) for i in layers), outs))
        found = {name: by_layer[self._net.getLayerId(name)][0] for name in names}
        return {name: tuple(int(n) for n in shape) for name, shape in found.items()}

    def run(self, feeds: Arrays) -> dict[str, Array]:
        results = self._forward(self._net, feeds, self._outputs)
        return {name: self._typed(name, array) for name, array in results.items()}

    def _typed(self, name: str, array: Array) -> Array:
        """Return an output as the source has it; as it is where numbers would be lost."""
        port = self._types.get(name)
        if port is None:
            return array
        typed = array.astype(port.dtype).reshape([int(n) for n in port.shape or ()])
        return (
            typed if np.array_equal(typed.astype(np.float32).reshape(array.shape), array) else array
        )

    def inner(self, feeds: Arrays, names: Sequence[str]) -> dict[str, Array]:
        """Return the first tops of layers; a name is the layer's.

        OpenCV folds layers into the one before them, for good: this net is another one, where it
        may not.
        """
        if self._unfused is None:
            self._unfused = self._read(self._path)
            self._unfused.enableFusion(False)
        known = set(self._unfused.getLayerNames())
        found = [name for name in names if name in known]
        return self._forward(self._unfused, feeds, found) if found else {}

    def _forward(self, net: Any, feeds: Arrays, names: Sequence[str]) -> dict[str, Array]:
        cv2 = self._library
        for name, array in feeds.items():
            net.setInput(np.ascontiguousarray(array, np.float32).reshape(array.shape or (1,)), name)
        try:
            values = net.forward(list(names))
        except cv2.error as error:
            raise CheckFailed(f"OpenCV cannot run the net: {_told(error)}") from None
        shapes = self._shapes(names)
        return {name: np.array(v).reshape(shapes[name]) for name, v in zip(names, values)}

    def close(self) -> None:
        self._net = self._unfused = None


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[-300:]


def _types(text: str) -> dict[str, Port]:
    """Return the ports that the source has otherwise than the net."""
    return {
        (port := json.loads(name)): Port(
            port, dtype, tuple(map(int, filter(None, dims.split(", "))))
        )
        for name, dtype, dims in TYPE.findall(text)
    }


def _inputs(text: str) -> tuple[Port, ...]:
    """Return the ports of the layers of type Input, which OpenCV does not tell."""
    blocks = (block for block in LAYER.findall(text) if '  type: "Input"' in block)
    return tuple(
        Port(
            re.findall(r'^  top: "(.*)"$', block, re.MULTILINE)[0],
            "float32",
            tuple(int(n) for n in re.findall(r"^ *dim: (\d+)$", block, re.MULTILINE)),
        )
        for block in blocks
    )
