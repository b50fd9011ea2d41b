"""Shape and type rules that several operators share."""

from __future__ import annotations

from collections.abc import Sequence

from mgeconvert.errors import ShapeError
from mgeconvert.ir.dims import Dim, Shape
from mgeconvert.ir.types import DType, TensorType

Pairs = tuple[tuple[int, int], ...]  # padding before and after, one pair for each axis


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that numpy's broadcasting gives.

    A symbol beside a number greater than 1 can only be that number or 1: the result is the number.
    """
    if shapes and all(shape == shapes[0] for shape in shapes):
        return tuple(shapes[0])
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(s)) + tuple(s) for s in shapes]
    return tuple(_broadcast_dim(dims, shapes) for dims in zip(*padded))


def _broadcast_dim(dims: Sequence[Dim], shapes: Sequence[Shape]) -> Dim:
    wide = dict.fromkeys(d for d in dims if d != 1)
    numbers = [d for d in wide if isinstance(d, int)]
    choices: list[Dim] = [*numbers] or [*wide]
    if len(choices) > 1:
        texts = " and ".join(f"[{', '.join(map(str, s))}]" for s in shapes)
        raise ShapeError(f"shapes {texts} do not broadcast")
    return choices[0] if choices else 1


def same_dtype(types: Sequence[TensorType], what: str = "operands") -> DType:
    """Return the element type that all share; raise ShapeError where they differ."""
    first = types[0].dtype
    if any(t.dtype is not first for t in types):
        raise ShapeError(f"{what} have different element types: {', '.join(map(str, types))}")
    return first


def need_rank(type: TensorType, ranks: Sequence[int], what: str) -> None:
    """Raise ShapeError where the rank of `type` is none of `ranks`."""
    if type.rank not in ranks:
        raise ShapeError(f"{what} is {type}: its rank must be {' or '.join(map(str, ranks))}")


def need_axis(axis: int, rank: int) -> None:
    """Raise ShapeError unless 0 <= axis < rank: the IR knows no negative axes."""
    if not 0 <= axis < rank:
        raise ShapeError(f"axis {axis} is outside a tensor of rank {rank}")


def window_size(size: Dim, kernel: Dim, *, stride: int, pad: int, dilation: int) -> Dim:
    """Return how many windows fit: floor((size + pad - reach) / stride) + 1."""
    reach = dilation * (kernel - 1) + 1
    room = size + pad - reach
    if isinstance(room, int) and room < 0:
        raise ShapeError(f"a window of {reach} does not fit {size} with padding {pad}")
    return room // stride + 1
