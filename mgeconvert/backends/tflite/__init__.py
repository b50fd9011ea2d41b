"""TFLite: the IR is rewritten to TFLite's operators, then written down."""

from mgeconvert.backends.tflite.backend import BACKEND

__all__ = ["BACKEND"]
