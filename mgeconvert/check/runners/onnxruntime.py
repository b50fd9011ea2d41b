"""ONNX files in onnxruntime on the CPU, one thread, its default graph optimizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mgeconvert.check.runners.protocol import Array, Arrays, Description, Port
from mgeconvert.errors import CheckFailed, UnsupportedCase

DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(bool)": "bool",
    **{
        f"tensor({sign}int{bits})": f"{sign}int{bits}"
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
}


class Runtime:
    """One InferenceSession at a time."""

    name = "onnxruntime"

    def __init__(self) -> None:
        import onnxruntime

        self._library: Any = onnxruntime
        self._session: Any = None
        self._outputs: list[str] = []

    def versions(self) -> dict[str, str]:
        return {"onnxruntime": self._library.__version__}

    def open(self, path: str, *, format: str, outputs: Sequence[str]) -> Description:
        """Load an ONNX file, with its external data.

        Raises UnsupportedCase where this onnxruntime has no kernel for an operator, and
        CheckFailed where it refuses the file.
        """
        options = self._library.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        state = self._library.capi.onnxruntime_pybind11_state
        try:
            self._session = self._library.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except state.NotImplemented as error:
            raise UnsupportedCase(f"onnxruntime has no kernel: {error}") from None
        inputs = tuple(map(_port, self._session.get_inputs()))
        available = tuple(map(_port, self._session.get_outputs()))
        self._outputs = [port.name for port in available]
        missing = [name for name in outputs if name not in self._outputs]
        if missing:
            raise CheckFailed(f"the model has no output named {', '.join(map(repr, missing))}")
        return Description(inputs, available)

    def run(self, feeds: Arrays) -> dict[str, Array]:
        values = self._session.run(self._outputs, dict(feeds))
        return dict(zip(self._outputs, values))

    def close(self) -> None:
        self._session = None


def _port(node: Any) -> Port:
    dims = tuple(
        dim if isinstance(dim, (int, str)) else f"{node.name}.{axis}"
        for axis, dim in enumerate(node.shape)
    )
    return Port(node.name, DTYPES.get(node.type, ""), dims)
