"""ONNX, opset 7 to 23."""

from mgeconvert.backends.onnx.backend import BACKEND

__all__ = ["BACKEND"]
