"""What makes a result, as data: the converter's own sources on its path, and library versions.

Nothing is imported to find out: files are hashed, versions are read from the installed metadata.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

from mgeconvert import __version__
from mgeconvert.build.hashing import FileHashes, sha256_data

PACKAGE = Path(__file__).resolve().parent.parent

# Sources that every conversion runs through, relative to the package; folders count whole.
CORE = (
    "backends/*.py",
    "build/convert.py",
    "build/produce.py",
    "errors.py",
    "frontends/*.py",
    "ir",
    "native",
    "rules.py",
)
CHECK = ("build/verify.py", "check", "errors.py", "native")
# What finds quantization parameters on sample data: the model runs as ONNX.
CALIBRATION = (
    "backends/onnx",
    "build/calibration.py",
    "check/runners/onnx_outputs.py",
    "check/runners/onnxruntime.py",
    "check/runners/protocol.py",
    "check/samples.py",
)
# In a checkout the native module is known by its sources: every machine compiles them anew.
NATIVE_SOURCES = ("CMakeLists.txt", "*.cpp", "*.hpp")
NATIVE_MODULE = f"_native{EXTENSION_SUFFIXES[0]}"

# Distributions whose version may change a result, by part of the path.
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "core": ("numpy",),
    "frontends/mge": ("flatbuffers",),
    "frontends/onnx": ("onnx", "protobuf"),
    "frontends/traced": (),
    "backends/onnx": ("onnx", "protobuf", "onnxoptimizer", "onnx-simplifier", "onnxruntime"),
    "backends/tflite": ("ai-edge-litert", "flatbuffers"),
    "backends/caffe": ("protobuf",),
    "check/caffe": ("numpy", "opencv-python"),
    "check/tflite": ("numpy", "ai-edge-litert"),
    "check/onnx": ("numpy", "onnx", "onnxruntime"),
    "check/source/traced": ("megengine",),
    "check/source/mge": ("megengine",),
    "check/source/onnx": ("onnx", "onnxruntime"),
}


@dataclass(frozen=True)
class Toolchain:
    """The hash of the code on one path and the versions of the libraries there."""

    code: str
    libraries: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return the toolchain as JSON-able data."""
        return {"code": self.code, "libraries": dict(self.libraries)}


class Toolchains:
    """The toolchains of conversions and checks, each found out once."""

    def __init__(self, hashes: FileHashes, package: Path = PACKAGE) -> None:
        self._hashes, self._package = hashes, package
        self._found: dict[tuple[str, ...], Toolchain] = {}
        self._versions: dict[str, str] = {}

    def conversion(self, frontend: str, backend: str, *, also: Iterable[str] = ()) -> Toolchain:
        """Return what turns sources of the form `frontend` into the format `backend`.

        `also` are more sources of ours, such as CALIBRATION, by the patterns of CORE.
        """
        parts = (f"frontends/{frontend}", f"backends/{backend}")
        return self._toolchain((*CORE, *parts, *also), ("core", *parts, *also))

    def check(self, frontend: str, backend: str) -> Toolchain:
        """Return what compares an artifact of the format `backend` with such a source."""
        return self._toolchain(CHECK, (f"check/{backend}", f"check/source/{frontend}"))

    def _toolchain(self, sources: tuple[str, ...], libraries: tuple[str, ...]) -> Toolchain:
        if (found := self._found.get(sources + libraries)) is None:
            names = sorted({name for part in libraries for name in LIBRARIES.get(part, ())})
            versions = {name: self._version(name) for name in names} | _ours()
            found = Toolchain(self._code(sources), versions)
            self._found[sources + libraries] = found
        return found

    def files(self, sources: Iterable[str]) -> list[Path]:
        """Return the files that the patterns `sources` stand for, and the native ones, sorted."""
        found = {path for pattern in sources for path in _below(self._package, pattern)}
        return sorted(found | self._native())

    def _native(self) -> set[Path]:
        folder = self._package.parent / "native"
        found = {path for pattern in NATIVE_SOURCES for path in folder.glob(pattern)}
        return found or set(self._package.glob(NATIVE_MODULE))

    def _code(self, sources: Iterable[str]) -> str:
        root = self._package.parent
        return sha256_data(
            [[p.relative_to(root).as_posix(), self._hashes.of(p)] for p in self.files(sources)]
        )

    def _version(self, name: str) -> str:
        if name not in self._versions:
            try:
                self._versions[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                self._versions[name] = "absent"
        return self._versions[name]


def _ours() -> dict[str, str]:
    return {
        "mgeconvert": __version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def _below(folder: Path, pattern: str) -> set[Path]:
    """Return the files that match, and all files in folders that match; none of Python's caches."""
    found: set[Path] = set()
    for path in folder.glob(pattern):
        found.update(path.rglob("*") if path.is_dir() else [path])
    return {path for path in found if path.is_file() and "__pycache__" not in path.parts}
