"""The predecessor's Python functions: each builds one job, the way a manifest's are built."""

from mgeconvert.api.caffe import BackEnd, mge_to_caffe, tracedmodule_to_caffe
from mgeconvert.api.onnx import mge_to_onnx, tracedmodule_to_onnx
from mgeconvert.api.tflite import mge_to_tflite, tracedmodule_to_tflite

__all__ = [
    "BackEnd",
    "mge_to_caffe",
    "mge_to_onnx",
    "mge_to_tflite",
    "tracedmodule_to_caffe",
    "tracedmodule_to_onnx",
    "tracedmodule_to_tflite",
]
