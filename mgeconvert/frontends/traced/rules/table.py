"""The table that all rules of the traced frontend register in.

Keys are "module:Conv2d", "method:reshape", "function:nn.relu" (below megengine.functional) and
"apply:GetVarShape". A rule is called like the function that it stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mgeconvert.rules import Rules

RULES: Rules[str, Callable[..., Any]] = Rules("traced")
