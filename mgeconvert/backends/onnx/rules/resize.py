"""Resampling: by Resize or Upsample where they read the same places, else by constant tables."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.dims import known, vector
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import cast_from
from mgeconvert.ir import Array, DType, Node, ops

NEAREST = {
    "half_pixel": "round_prefer_floor",
    "align_corners": "floor",
    "asymmetric": "floor",
}
CARRIED = {  # element types in which resampling is computed
    "nearest": {DType.F32, DType.F64, DType.I32, DType.I8, DType.U8},
    "linear": {DType.F32, DType.F64},
    "cubic": {DType.F32, DType.F64},
}


@RULES(ops.Resize, since=7, limits="below opset 11 sizes are known, or nearest by a whole scale")
def resize(e: Emitter, node: Node[ops.Resize]) -> str:
    op, dtype = node.op, node.output.type.dtype
    through = dtype if dtype in CARRIED[op.mode] else DType.F32
    if through is not dtype and op.mode == "nearest":
        through = DType.F64 if dtype.numpy.itemsize > 2 else DType.I32
        through = DType.F32 if dtype is DType.F16 else through
    x = cast_from(e, e.name(node.inputs[0]), old=dtype, new=through)
    return cast_from(e, _resize(e, x, node, through), old=through, new=dtype)


def _resize(e: Emitter, x: str, node: Node[ops.Resize], dtype: DType) -> str:
    scales = exact_scales(node)
    sizes = known(node.inputs[0].type.shape[2:]), known(node.op.size)
    static = sizes[0] is not None and sizes[1] is not None
    if e.opset >= 11:
        if _runtimes_agree(node, scales):
            return _by_resize(e, x, node, scales)
        if static:
            return _by_tables(e, x, node, dtype)
        return _by_resize(e, x, node, scales)
    if scales is not None and _is_plain_upsampling(node, scales):
        return _by_upsample(e, x, scales)
    if static:
        return _by_tables(e, x, node, dtype)
    raise e.refuse(f"{node.op.mode} resampling of a size that depends on the input", 11)


def exact_scales(node: Node[ops.Resize]) -> list[float] | None:
    """Return output size / input size by axis where float32 holds all of them exactly."""
    if node.op.scale is not None:
        wanted = list(node.op.scale)
    else:
        wanted = []
        for before, after in zip(node.inputs[0].type.shape[2:], node.op.size):
            if before == after:
                wanted.append(1.0)
            elif isinstance(before, int) and isinstance(after, int):
                wanted.append(after / before)
            else:
                return None
    return wanted if all(float(np.float32(s)) == s for s in wanted) else None


def _is_plain_upsampling(node: Node[ops.Resize], scales: list[float]) -> bool:
    """Whether output index i reads at floor(i / scale), by whole scales: all of opsets 7 to 10."""
    whole = all(s >= 1 and s.is_integer() for s in scales)
    return whole and node.op.mode == "nearest" and node.op.coordinates != "align_corners"


def _by_upsample(e: Emitter, x: str, scales: list[float]) -> str:
    every = [1.0, 1.0, *scales]
    if e.opset < 9:
        return e.emit("Upsample", x, mode="nearest", scales=every)
    name = "Upsample" if e.opset < 10 else "Resize"
    return e.emit(name, x, e.constant(np.array(every, np.float32), "scales"), mode="nearest")


def _runtimes_agree(node: Node[ops.Resize], scales: list[float] | None) -> bool:
    """Whether ONNX's definition, computed in float32, reads the same places as the IR does."""
    op, shape = node.op, node.inputs[0].type.shape
    if op.mode != "nearest":
        spatial = len(op.size)
        return (spatial == 2 or (spatial == 3 and op.mode == "linear")) and (
            op.scale is None or scales is not None
        )
    for axis, out in enumerate(op.size):
        size = shape[axis + 2]
        if not isinstance(size, int) or not isinstance(out, int):
            continue
        scale = None if op.scale is None else op.scale[axis]
        places = op._places(size, out, scale)
        single = _places_in_float32(op, size, out, scale)
        if not np.array_equal(_nearest(op, places, size), _nearest(op, single, size)):
            return False
    return op.scale is None or scales is not None


def _places_in_float32(op: ops.Resize, size: int, out: int, scale: float | None) -> Array:
    i = np.arange(out, dtype=np.float32)
    ratio = np.float32(out / size if scale is None else scale)
    if op.coordinates == "half_pixel":
        return (i + np.float32(0.5)) / ratio - np.float32(0.5)
    if op.coordinates == "align_corners":
        return i * np.float32(size - 1) / np.float32(max(out - 1, 1))
    return i / ratio


def _nearest(op: ops.Resize, places: Array, size: int) -> Array:
    index = np.ceil(places - 0.5) if op.coordinates == "half_pixel" else np.floor(places)
    return np.clip(index, 0, size - 1).astype(np.int64)


def _by_resize(e: Emitter, x: str, node: Node[ops.Resize], scales: list[float] | None) -> str:
    """The region of interest is left out from opset 13 on; opset 18 takes the axes by name."""
    op, rank = node.op, node.inputs[0].type.rank
    roi = "" if e.opset >= 13 else e.constant(np.zeros(0, np.float32), "roi")
    axes = list(range(2, rank)) if e.opset >= 18 else None
    if scales is None and op.scale is not None:
        scales = list(op.scale)
    if scales is not None:
        every = scales if axes else [1.0, 1.0, *scales]
        operands = [x, roi, e.constant(np.array(every, np.float32), "scales")]
    else:
        shape = op.size if axes else (*node.inputs[0].type.shape[:2], *op.size)
        none = "" if e.opset >= 13 else e.constant(np.zeros(0, np.float32), "scales")
        operands = [x, roi, none, vector(e, shape, "sizes")]
    return e.emit(
        "Resize",
        *operands,
        axes=axes,
        coordinate_transformation_mode=op.coordinates,
        mode=op.mode,
        nearest_mode=NEAREST[op.coordinates] if op.mode == "nearest" else None,
        cubic_coeff_a=op.cubic_a if op.mode == "cubic" else None,
    )


def _by_tables(e: Emitter, x: str, node: Node[ops.Resize], dtype: DType) -> str:
    """Resample axis by axis: gather constant indices, or multiply by a constant matrix."""
    op, rank = node.op, node.inputs[0].type.rank
    before, after = known(node.inputs[0].type.shape[2:]), known(op.size)
    assert before is not None
    assert after is not None
    for i, (size, out) in enumerate(zip(before, after)):
        scale = None if op.scale is None else op.scale[i]
        if op.mode == "nearest":
            index = _nearest(op, op._places(size, out, scale), size)
            x = e.emit("Gather", x, e.constant(index, "places"), axis=i + 2)
            continue
        matrix = op._resample(np.eye(size, dtype=np.float64), 0, out, scale)
        perm = list(range(rank))
        perm[i + 2], perm[-1] = perm[-1], i + 2
        x = x if i + 3 == rank else e.emit("Transpose", x, perm=perm)
        x = e.emit("MatMul", x, e.constant(matrix.T.astype(dtype.numpy), "weights"))
        x = x if i + 3 == rank else e.emit("Transpose", x, perm=perm)
    return x
