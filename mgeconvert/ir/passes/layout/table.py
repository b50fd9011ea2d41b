"""Which rule an operator follows: one of its own, or the one of its traits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mgeconvert.ir import ops
from mgeconvert.ir.graph import Node
from mgeconvert.ir.op import Layout, Op
from mgeconvert.ir.passes.layout.groups import Reshaped
from mgeconvert.ir.passes.layout.moves import (
    Added,
    Axes,
    Broadcast,
    Categories,
    Elementwise,
    Layered,
    Looked,
    Normalized,
    Products,
    Rule,
)

OWN: Mapping[type[Op], Rule] = {
    ops.Expand: Broadcast(),
    ops.Gather: Looked(),
    ops.LayerNorm: Normalized(),
    ops.Linear: Layered(),
    ops.MatMul: Products(),
    ops.OneHot: Categories(),
    ops.Reshape: Reshaped(),
    ops.Unsqueeze: Added(),
}

BY_TRAIT: Mapping[Layout, Rule] = {Layout.AGNOSTIC: Elementwise(), Layout.AXES: Axes()}


def rule_of(node: Node[Any]) -> Rule | None:
    """Return the rule by which permutations go through `node`, or None where they don't."""
    if node.op.layout is Layout.SENSITIVE or not node.inputs:
        return None
    rule = OWN.get(type(node.op)) or BY_TRAIT[node.op.layout]
    return rule if rule.fits(node) else None
