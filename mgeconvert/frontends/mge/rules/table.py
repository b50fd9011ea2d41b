"""The table of rules: one for each operator by its registered name without the version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mgeconvert.rules import Rules

Rule = Callable[..., Any]

RULES: Rules[str, Rule] = Rules("mge")
