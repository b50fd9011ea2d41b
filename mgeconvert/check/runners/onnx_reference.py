"""ONNX files in onnx.reference: slow, but it has the operators that onnxruntime lacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mgeconvert.check.runners.onnx_outputs import tensors, with_outputs
from mgeconvert.check.runners.protocol import Array, Arrays, Description, Port


class Runtime:
    """One ReferenceEvaluator at a time."""

    name = "onnx.reference"

    def __init__(self) -> None:
        import onnx
        import onnx.reference

        self._onnx: Any = onnx
        self._evaluator: Any = None
        self._path = ""
        self._outputs: list[str] = []

    def versions(self) -> dict[str, str]:
        return {"onnx": self._onnx.__version__, "numpy": np.__version__}

    def open(self, path: str, *, format: str, outputs: Sequence[str]) -> Description:
        """Load an ONNX file, with its external data."""
        model, self._path = self._onnx.load(path), path
        self._evaluator = self._onnx.reference.ReferenceEvaluator(model)
        constants = {tensor.name for tensor in model.graph.initializer}
        inputs = [value for value in model.graph.input if value.name not in constants]
        self._outputs = [value.name for value in model.graph.output]
        return Description(
            tuple(map(self._port, inputs)), tuple(map(self._port, model.graph.output))
        )

    def run(self, feeds: Arrays) -> dict[str, Array]:
        values = self._evaluator.run(None, dict(feeds))
        return {name: np.asarray(value) for name, value in zip(self._outputs, values)}

    def inner(self, feeds: Arrays, names: Sequence[str]) -> dict[str, Array]:
        """Return the tensors that nodes of the main graph make; a name is the file's."""
        known = tensors(self._path)
        found = [name for name in dict.fromkeys(names) if name in known.made]
        more = [name for name in found if name not in known.outputs]
        model = self._onnx.load_model_from_string(with_outputs(self._path, more))
        self._onnx.load_external_data_for_model(model, str(Path(self._path).parent))
        values = self._onnx.reference.ReferenceEvaluator(model).run(found, dict(feeds))
        return {name: np.asarray(value) for name, value in zip(found, values)}

    def close(self) -> None:
        self._evaluator = None

    def _port(self, value: Any) -> Port:
        tensor = value.type.tensor_type
        dtype = np.dtype(self._onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
        shape = None
        if tensor.HasField("shape"):
            shape = tuple(
                dim.dim_value
                if dim.HasField("dim_value")
                else dim.dim_param or f"{value.name}.{axis}"
                for axis, dim in enumerate(tensor.shape.dim)
            )
        return Port(value.name, str(dtype), shape)
