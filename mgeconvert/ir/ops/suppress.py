"""Non-maximum suppression, whose result has a size that depends on data."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.dims import Dim
from mgeconvert.ir.op import Array, Arrays, Op, Types, op
from mgeconvert.ir.ops.infer import same_dtype
from mgeconvert.ir.types import DType, TensorType


@op("boxes scores")
class NonMaxSuppression(Op):
    """The int64 indices of the boxes kept, the best score first; of equal ones the first.

    A box (two corners: left, top, right, bottom) goes where its intersection with a better one that
    was kept is more than `threshold` of their union. At most `limit` are kept, all where None.
    `kept` is a symbol of its own for their number.
    """

    threshold: float
    kept: Dim
    limit: int | None = None

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        boxes, scores = types
        same_dtype(types)
        if boxes.rank != 2 or boxes.shape[1] != 4 or scores.shape != boxes.shape[:1]:
            raise ShapeError(f"boxes {boxes} and scores {scores}")
        return (TensorType(DType.I64, (self.kept,)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        boxes, scores = arrays
        order = list(np.argsort(-scores, kind="stable"))
        kept: list[int] = []
        while order and (self.limit is None or len(kept) < self.limit):
            best = order.pop(0)
            kept.append(best)
            order = [i for i in order if _overlap(boxes[best], boxes[i]) <= self.threshold]
        return (np.array(kept, np.int64),)


def _overlap(a: Array, b: Array) -> float:
    """Return intersection over union."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = float(np.prod(np.maximum(high - low, 0)))
    union = float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - both
    return both / union if union > 0 else 0.0
