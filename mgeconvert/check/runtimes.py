"""Which runtime runs which format, and its installed version (standard library only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

from mgeconvert.errors import ConvertError

MEGENGINE_HINT = "install CPython 3.10 with the extra: pip install 'mgeconvert[megengine]'"
OPENCV_HINT = "install the extra: pip install 'mgeconvert[caffe]'"


@dataclass(frozen=True)
class RuntimeInfo:
    """A runner module, how reports name it, and the distributions whose versions matter.

    `relaxes` says that it can leave out the rounding of a quantized source; see `CheckRequest`.
    """

    module: str
    name: str
    distributions: tuple[str, ...]
    hint: str = ""
    relaxes: bool = False

    def versions(self) -> dict[str, str]:
        """Return the installed versions without importing anything.

        Raises ConvertError where a distribution is missing.
        """
        try:
            return {name: metadata.version(name) for name in self.distributions}
        except metadata.PackageNotFoundError as error:
            problem = f"this check needs {self.name}, which is not installed"
            raise ConvertError(problem, hint=self.hint) from error


ONNXRUNTIME = RuntimeInfo("onnxruntime", "onnxruntime", ("onnxruntime",), relaxes=True)
OPENCV = RuntimeInfo("opencv", "OpenCV", ("opencv-python",), hint=OPENCV_HINT)
LITERT = RuntimeInfo("litert", "LiteRT", ("ai-edge-litert",))
ONNX_REFERENCE = RuntimeInfo("onnx_reference", "onnx.reference", ("onnx", "numpy"))
MEGENGINE = RuntimeInfo(
    "megengine", "MegEngine", ("megengine", "numpy"), hint=MEGENGINE_HINT, relaxes=True
)
# The first that has all the operators of a file runs it.
RUNTIMES: Mapping[str, tuple[RuntimeInfo, ...]] = {
    "onnx": (ONNXRUNTIME, ONNX_REFERENCE),
    "tflite": (LITERT,),
    "caffe": (OPENCV,),
    "traced": (MEGENGINE,),
    "mge": (MEGENGINE,),
}


def runtimes(format: str) -> tuple[RuntimeInfo, ...]:
    """Return the runtimes of a format, at least one; ConvertError for an unknown format."""
    if format not in RUNTIMES:
        raise ConvertError(f"no runtime for the format {format!r}", hint=", ".join(RUNTIMES))
    return RUNTIMES[format]
