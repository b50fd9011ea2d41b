"""The table that all ONNX rules register in; versions are opsets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.ir import Node, Op
from mgeconvert.rules import Rules

OLDEST, NEWEST = 7, 23

Lower = Callable[[Emitter, Node[Any]], str | Sequence[str]]
RULES: Rules[type[Op], Lower] = Rules("onnx", unit="opset")
