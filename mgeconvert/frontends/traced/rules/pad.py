"""Padding."""

from __future__ import annotations

from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Value, ops

MODES = {"constant": "constant", "edge": "edge", "replicate": "edge", "reflect": "reflect"}


@RULES("function:nn.pad")
def pad(
    c: Call,
    src: Value,
    pad_width: Any,
    mode: Any = "constant",
    constant_value: float = 0.0,
) -> Value:
    """The pairs of `pad_width` are for the first axes; the others stay as they are."""
    kind = MODES.get(str(mode).lower())
    if kind is None:
        raise UnsupportedCase(f"padding of mode {mode!r}")
    pairs = [c.pair(p) for p in pad_width]
    pairs += [(0, 0)] * (src.type.rank - len(pairs))
    op = ops.Pad(
        pads=tuple((before, after) for before, after in pairs),
        mode=kind,
        value=float(constant_value) if kind == "constant" else 0.0,
    )
    return c.emit(op, src)


@RULES("module:Pad")
def pad_module(c: Call, src: Value) -> Value:
    return pad(c, src, c.setting("pad_width"), c.setting("mode"), c.setting("pad_val"))
