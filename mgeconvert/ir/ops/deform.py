"""Deformable convolution."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.dims import divide
from mgeconvert.ir.op import Array, Arrays, Op, Types, op
from mgeconvert.ir.ops.infer import Pairs, same_dtype
from mgeconvert.ir.ops.nn import Conv
from mgeconvert.ir.ops.sampling import interpolate
from mgeconvert.ir.types import TensorType


@op("x w offset mask b?")
class DeformConv(Op):
    """A convolution of images that reads each place of the kernel `offset` away, times `mask`.

    w is (O, C / groups, KH, KW), offset (N, D * KH * KW * 2, OH, OW) with rows before columns, mask
    (N, D * KH * KW, OH, OW); each of the D groups of channels has offsets of its own. Places are
    interpolated linearly, with zeros around the image.
    """

    stride: tuple[int, int]
    padding: Pairs
    dilation: tuple[int, int]
    groups: int = 1

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, w, offset, mask, *bias = types
        same_dtype(types)
        (result,) = self._plain().infer([x, w, *bias])
        places, share, channels = w.shape[2] * w.shape[3], offset.shape[1:2], x.shape[1]
        shape = (x.shape[0], *result.shape[2:])
        parts = [part for n in share if (part := divide(n, places * 2))]
        if (
            not parts
            or divide(channels, parts[0]) is None
            or offset.shape != (shape[0], *share, *shape[1:])
            or mask.shape != (shape[0], parts[0] * places, *shape[1:])
        ):
            raise ShapeError(f"offsets {offset} and mask {mask} for {x} and {w}")
        return (result,)

    def _plain(self) -> Conv:
        return Conv(
            stride=self.stride, padding=self.padding, dilation=self.dilation, groups=self.groups
        )

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, w, offset, mask, *bias = arrays
        height, width = w.shape[2:]
        parts = offset.shape[1] // (2 * height * width)
        out = offset.shape[2:]
        offset = offset.reshape(len(x), parts, height * width, 2, *out)
        mask = mask.reshape(len(x), parts, height * width, *out)
        total = np.zeros((len(x), w.shape[0], *out), x.dtype)
        point = Conv(stride=(1, 1), padding=((0, 0),) * 2, dilation=(1, 1), groups=self.groups)
        for place, (i, j) in enumerate(np.ndindex(height, width)):
            rows, columns = self._grid(out, i, j)
            read = [
                interpolate(image, rows + offset[n, d, place, 0], columns + offset[n, d, place, 1])
                * mask[n, d, place]
                for n in range(len(x))
                for d, image in enumerate(np.split(x[n], parts))
            ]
            moved = np.concatenate(read).reshape(len(x), x.shape[1], *out)
            total += point.eval([moved, w[:, :, i : i + 1, j : j + 1]])[0]
        return (total + bias[0][:, None, None] if bias else total,)

    def _grid(self, out: tuple[int, ...], i: int, j: int) -> tuple[Array, Array]:
        """Return where the place (i, j) of the kernel is, for each element of the result."""
        rows, columns = (
            np.arange(n) * s - before + k * d
            for n, s, (before, _), k, d in zip(
                out, self.stride, self.padding, (i, j), self.dilation
            )
        )
        return rows[:, None], columns[None, :]
