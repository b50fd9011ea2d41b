"""The table that all Caffe rules register in; there are dialects, and no versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mgeconvert.backends.caffe.emitter import Blob, Emitter
from mgeconvert.ir import Node, Op
from mgeconvert.rules import Rules

Lower = Callable[[Emitter, Node[Any]], Blob | Sequence[Blob]]
RULES: Rules[type[Op], Lower] = Rules("caffe", unit="dialect")
