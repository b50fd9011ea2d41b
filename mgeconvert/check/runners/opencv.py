"""Caffe nets in OpenCV's importer, on the CPU."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mgeconvert.check.runners.protocol import Array, Arrays, Description, Port
from mgeconvert.errors import CheckFailed, ConvertError

HINT = "install CPython 3.10 with the extra: pip install 'mgeconvert[megengine]'"
LAYER = re.compile(r"^layer {\n(.*?)^}", re.MULTILINE | re.DOTALL)


class Runtime:
    """One net at a time: a `.prototxt`, with the `.caffemodel` of the same stem beside it.

    OpenCV's `forward` takes the names of layers; ours are called after their tops.
    """

    name = "OpenCV"

    def __init__(self) -> None:
        try:
            import cv2
        except ImportError as error:
            raise ConvertError(f"OpenCV cannot be imported: {error}", hint=HINT) from None
        self._library: Any = cv2
        self._net: Any = None
        self._ports: tuple[Port, ...] = ()
        self._outputs: list[str] = []
        self._shapes_of_outputs: list[tuple[int, ...]] = []

    def versions(self) -> dict[str, str]:
        return {"opencv-python": self._library.__version__}

    def open(self, path: str, *, format: str, outputs: Sequence[str]) -> Description:
        """Load a net; CheckFailed where OpenCV refuses it or where an output is missing."""
        cv2 = self._library
        weights = str(Path(path).with_suffix(".caffemodel"))
        try:
            self._net = cv2.dnn.readNetFromCaffe(path, weights)
        except cv2.error as error:
            raise CheckFailed(f"OpenCV refuses the net: {_told(error)}") from None
        self._net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        self._net.enableWinograd(False)  # its error reaches 2e-5 of the largest element
        ports = _inputs(Path(path).read_text(encoding="utf-8"))
        self._outputs = [
            name
            for name in self._net.getUnconnectedOutLayersNames()
            if self._net.getLayer(name).type != "Silence"
        ]
        missing = [name for name in outputs if name not in self._outputs]
        if missing:
            raise CheckFailed(f"the net has no output named {', '.join(map(repr, missing))}")
        self._ports, self._shapes_of_outputs = ports, self._shapes(ports)
        outs = zip(self._outputs, self._shapes_of_outputs)
        return Description(ports, tuple(Port(name, "float32", shape) for name, shape in outs))

    def _shapes(self, inputs: Sequence[Port]) -> list[tuple[int, ...]]:
        """Return the shapes of the outputs: arrays of rank 1 come back as columns."""
        given = [list(port.shape or ()) for port in inputs]
        layers, _, outs = self._net.getLayersShapes(given if len(given) > 1 else given[0])
        by_layer = dict(zip((int(i) for i in layers), outs))
        found = (by_layer[self._net.getLayerId(name)][0] for name in self._outputs)
        return [tuple(int(n) for n in shape) for shape in found]

    def run(self, feeds: Arrays) -> dict[str, Array]:
        cv2 = self._library
        for name, array in feeds.items():
            self._net.setInput(np.ascontiguousarray(array), name)
        try:
            values = self._net.forward(self._outputs)
        except cv2.error as error:
            raise CheckFailed(f"OpenCV cannot run the net: {_told(error)}") from None
        found = zip(self._outputs, values, self._shapes_of_outputs)
        return {name: np.array(value).reshape(shape) for name, value, shape in found}

    def inner(self, feeds: Arrays, names: Sequence[str]) -> dict[str, Array]:
        """Return the first tops of layers; a name is the layer's.

        OpenCV fuses layers, but none away whose top is asked for.
        """
        known = set(self._net.getLayerNames())
        before, self._outputs = self._outputs, [name for name in names if name in known]
        shapes, self._shapes_of_outputs = self._shapes_of_outputs, self._shapes(self._ports)
        try:
            return self.run(feeds) if self._outputs else {}
        finally:
            self._outputs, self._shapes_of_outputs = before, shapes

    def close(self) -> None:
        self._net = None


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[-300:]


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
