"""The table of rules: by operator of the default domain; versions are opsets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mgeconvert.rules import Rules

Rule = Callable[..., Any]

NEWEST = 23  # an operator that changed after it is not known in its new form

RULES: Rules[str, Rule] = Rules("onnx", unit="opset")
