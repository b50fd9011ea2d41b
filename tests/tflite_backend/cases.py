"""The cases of the ONNX backend, and more that matter here."""

from __future__ import annotations

from tests.onnx_backend.case import Case
from tests.onnx_backend.cases import CASES as ALL

MORE: list[Case] = []

CASES = [*ALL, *MORE]
