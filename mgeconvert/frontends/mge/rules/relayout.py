"""Changes of the memory layout, which the IR does not have."""

from __future__ import annotations

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.layout import LAYOUTS
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import Value

SMALL = "_IC_SMALL"  # a first image of few channels, filled up
KINDS = {"NHWCD4I": "NHWCD4"}  # on images of OpenCL, in the same order


@RULES("RelayoutFormat", limits="layouts of other devices")
def relayout(c: Call, x: Value) -> Value:
    name = str(c.setting("mode"))
    source, _, target = name.removesuffix(SMALL).partition("_")
    before, after = (LAYOUTS.get(KINDS.get(kind, kind)) for kind in (source, target))
    if (before or source == "NCHW") and (after or target == "NCHW") and source != target:
        plain = x if before is None else c.packings.plain(c, x, before)
        return plain if after is None else c.packings.pack(c, plain, after)
    if name == "NCHW_NHWC":
        return c.transpose(x, (0, 2, 3, 1))
    if name == "NHWC_NCHW":
        return c.transpose(x, (0, 3, 1, 2))
    raise UnsupportedCase(
        f"the change of memory layout {name}",
        hint="dump without this option of optimize_for_inference",
    )
