"""ONNX files in onnxruntime on the CPU, one thread, its default graph optimizations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mgeconvert.check.runners.onnx_outputs import Tensors, tensors, with_outputs
from mgeconvert.check.runners.onnxruntime_rounding import relaxed
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
EXTERNAL_DATA = "session.model_external_initializers_file_folder_path"


class Runtime:
    """One InferenceSession at a time."""

    name = "onnxruntime"

    def __init__(self) -> None:
        import onnxruntime

        self._library: Any = onnxruntime
        self._session: Any = None
        self._path = ""
        self._tensors: Tensors | None = None
        self._outputs: list[str] = []

    def versions(self) -> dict[str, str]:
        return {"onnxruntime": self._library.__version__}

    def open(
        self, path: str, *, format: str, outputs: Sequence[str], rounding: str = "kept"
    ) -> Description:
        """Load an ONNX file, with its external data; without its rounding unless that is "kept".

        Raises UnsupportedCase where this onnxruntime has no kernel for an operator or a rounding
        cannot be left out, and CheckFailed where it refuses the file.
        """
        self._path, self._tensors = path, None  # external data is beside the path
        self._session = self._opened(path if rounding == "kept" else relaxed(path))
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

    def inner(self, feeds: Arrays, names: Sequence[str]) -> dict[str, Array]:
        """Return the tensors that nodes of the main graph make; a name is the file's.

        They are outputs of a copy of the model, so that what onnxruntime fuses ends at them.
        """
        known = self._tensors = self._tensors or tensors(self._path)
        found = [name for name in dict.fromkeys(names) if name in known.made]
        if not found:
            return {}
        more = [name for name in found if name not in known.outputs]
        values = self._opened(with_outputs(self._path, more)).run(found, dict(feeds))
        return dict(zip(found, values))

    def _opened(self, model: str | bytes) -> Any:
        """Return the session of a file, or of the bytes of one beside the open one."""
        options = self._library.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if isinstance(model, bytes):
            options.add_session_config_entry(EXTERNAL_DATA, str(Path(self._path).parent))
        state = self._library.capi.onnxruntime_pybind11_state
        try:
            return self._library.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except state.NotImplemented as error:
            raise UnsupportedCase(f"onnxruntime has no kernel: {error}") from None

    def close(self) -> None:
        self._session = None


def _port(node: Any) -> Port:
    dims = tuple(
        dim if isinstance(dim, (int, str)) else f"{node.name}.{axis}"
        for axis, dim in enumerate(node.shape)
    )
    return Port(node.name, DTYPES.get(node.type, ""), dims)
