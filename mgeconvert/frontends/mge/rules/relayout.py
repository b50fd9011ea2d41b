"""Changes of the memory layout, which the IR does not have."""

from __future__ import annotations

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.layout import LAYOUTS
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import Value

SMALL = "_IC_SMALL"  # a first image of few channels, filled up
PLAIN = ("NCHW", "NHWC")
KINDS = {"NHWCD4I": "NHWCD4"}  # on images of OpenCL, in the same order


@RULES("RelayoutFormat", limits="layouts of other devices")
def relayout(c: Call, x: Value) -> Value:
    name = str(c.setting("mode"))
    source, _, target = name.removesuffix(SMALL).partition("_")
    before, after = KINDS.get(source, source), KINDS.get(target, target)
    if before != after and {before, after} <= {*PLAIN, *LAYOUTS}:
        return _to(c, _from(c, x, before), after)
    raise UnsupportedCase(
        f"the change of memory layout {name}",
        hint="dump without this option of optimize_for_inference",
    )


def _from(c: Call, x: Value, layout: str) -> Value:
    """Return an image as NCHW."""
    if layout in LAYOUTS:
        return c.packings.plain(c, x, LAYOUTS[layout])
    return x if layout == "NCHW" else c.transpose(x, (0, 3, 1, 2))


def _to(c: Call, x: Value, layout: str) -> Value:
    """Return an NCHW image in another layout."""
    if layout in LAYOUTS:
        return c.packings.pack(c, x, LAYOUTS[layout])
    return x if layout == "NCHW" else c.transpose(x, (0, 2, 3, 1))
