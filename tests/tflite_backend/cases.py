"""The cases of the ONNX backend, and more that matter here."""

from __future__ import annotations

from tests.onnx_backend.case import Case
from tests.onnx_backend.cases import CASES as ALL
from tests.tflite_backend import cases_moving, cases_network

CASES: list[Case] = [*ALL, *cases_moving.CASES, *cases_network.CASES]
