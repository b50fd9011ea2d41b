"""The target formats, imported only when asked for."""

from __future__ import annotations

import importlib

from mgeconvert.backends.base import Artifact, Backend, Quantization, Request
from mgeconvert.errors import UnsupportedCase

NAMES = ("caffe", "onnx", "tflite")

__all__ = ["NAMES", "Artifact", "Backend", "Quantization", "Request", "load"]


def load(name: str) -> Backend:
    """Import the backend `name`; its libraries are needed only now."""
    if name not in NAMES:
        raise UnsupportedCase(f"no backend for {name!r}", hint=f"there are {', '.join(NAMES)}")
    backend: Backend = importlib.import_module(f"mgeconvert.backends.{name}").BACKEND
    return backend
