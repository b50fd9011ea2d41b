"""Changes of the memory layout, which the IR does not have."""

from __future__ import annotations

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.layout import NCHW44, NCHW88, NHWCD4, Layout
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import Value

PACKED: dict[str, Layout] = {
    "NCHW_NHWCD4": NHWCD4,
    "NCHW_NHWCD4I": NHWCD4,
    "NCHW_NCHW4": NCHW44,
    "NCHW_NCHW88": NCHW88,
}
UNPACKED: dict[str, Layout] = {
    "NHWCD4_NCHW": NHWCD4,
    "NHWCD4I_NCHW": NHWCD4,
    "NCHW4_NCHW": NCHW44,
    "NCHW88_NCHW": NCHW88,
}


@RULES("RelayoutFormat", limits="layouts of other devices")
def relayout(c: Call, x: Value) -> Value:
    name = str(c.setting("mode"))
    if name in PACKED:
        return c.packings.pack(c, x, PACKED[name])
    if name in UNPACKED:
        return c.packings.plain(c, x, UNPACKED[name])
    if name == "NCHW_NHWC":
        return c.transpose(x, (0, 2, 3, 1))
    if name == "NHWC_NCHW":
        return c.transpose(x, (0, 3, 1, 2))
    raise UnsupportedCase(
        f"the change of memory layout {name}",
        hint="dump without this option of optimize_for_inference",
    )
