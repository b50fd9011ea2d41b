"""Multi-head attention, which is no operator of the IR, put together from its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import ops
from mgeconvert.ir.builder import Builder
from mgeconvert.ir.dims import Dim
from mgeconvert.ir.graph import Value


@dataclass(frozen=True)
class Heads:
    """Their number, the width of all of them together, and the factor of the scores.

    With `biased` the packed parameters have a bias for each projection.
    """

    count: int
    width: int
    scale: float
    biased: bool


def attention(
    c: Builder,
    inputs: tuple[Value, Value, Value],
    packed: Value,
    added: Sequence[Value],
    *,
    heads: Heads,
) -> tuple[Value, Value]:
    """Return the result (N, L, E), and the weights (N, heads, L, S).

    `inputs` are the query (N, L, *), the key and the value (N, S, *). `packed` holds the matrices
    of query, key, value and result, each (in, out), and their biases after them. What is `added` to
    the scores broadcasts to (N, heads, L, S).
    """
    depths = [x.type.shape[-1] for x in inputs] + [heads.width]
    project = _projections(c, packed, depths, heads)
    q, k, v = (_split(c, _projected(c, x, p), heads.count) for x, p in zip(inputs, project))
    scores = c.emit(ops.MatMul(), q, c.transpose(k, (0, 1, 3, 2)))
    scores = c.emit(ops.Mul(), scores, c.scalar(heads.scale, scores.type.dtype))
    for mask in added:
        scores = c.emit(ops.Add(), scores, mask)
    weights = c.emit(ops.Softmax(axis=3), scores)
    joined = c.transpose(c.emit(ops.MatMul(), weights, v), (0, 2, 1, 3))
    joined = c.reshape(joined, (*joined.type.shape[:2], heads.width))
    return _projected(c, joined, project[3]), weights


def _projections(
    c: Builder, packed: Value, depths: Sequence[Dim], heads: Heads
) -> list[tuple[Value, ...]]:
    known = [d for d in depths if isinstance(d, int)]
    if len(known) != len(depths):
        raise UnsupportedCase(
            f"attention to vectors of ({', '.join(map(str, depths))}) elements",
            hint="give the inputs a fixed width",
        )
    flat, width = packed.const, heads.width
    total = sum(known) * width + (4 * width if heads.biased else 0)
    if flat is None or flat.size != total:
        raise UnsupportedCase(f"the packed weights {packed.type} where {total} are needed")
    flat, start, found = flat.reshape(-1), 0, []
    for index, (name, depth) in enumerate(zip(("q", "k", "v", "out"), known)):
        parts = [flat[start : start + depth * width].reshape(depth, width)]
        start += depth * width
        if heads.biased:
            end = total - (4 - index) * width
            parts.append(flat[end : end + width])
        kinds = zip(("weight", "bias"), parts)
        found.append(tuple(c.constant(a, f"{packed.name}.{name}_{kind}") for kind, a in kinds))
    return found


def _projected(c: Builder, x: Value, project: tuple[Value, ...]) -> Value:
    y = c.emit(ops.MatMul(), x, project[0])
    return c.emit(ops.Add(), y, project[1]) if len(project) > 1 else y


def _split(c: Builder, x: Value, heads: int) -> Value:
    """Return (N, heads, L, depth) of (N, L, heads * depth)."""
    n, length, width = x.type.shape
    return c.transpose(c.reshape(x, (n, length, heads, width // heads)), (0, 2, 1, 3))
