"""Filters of convolutions in blocked memory layouts, put back in order; numpy only.

In the comments O and I are the output and input channels, o and i the places within a block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.layout import Layout
from mgeconvert.frontends.mge.records import Array


def plain_filters(
    w: Array, layout: Layout, *, grouped: bool, channels: int | None, whole: bool = False
) -> Array:
    """Return blocked filters as (O, I, h, w), or (groups, O, I, h, w) where they are grouped.

    `channels` is the number of input channels of the image, where it is known: a first layer has
    filled-up ones.
    `whole` says that the filters are whole numbers, which NHWCD4 orders in another way.
    """
    read = READERS.get(layout.name)
    if layout.name == "NHWCD4" and whole:
        read = _image_of_whole
    if read is None:
        raise UnsupportedCase(f"filters in the memory layout {layout.name}")
    if not grouped:
        return read(w[np.newaxis])[0, :, :channels]
    if layout.name.startswith("NCHW") and layout.name not in BY_INPUT and w.ndim == 6:
        return w.transpose(0, 5, 1, 2, 3, 4).reshape(-1, 1, 1, *w.shape[3:5])  # G 1 1 h w g
    if layout.name == "NHWCD4" and w.ndim == 5:
        return w.transpose(0, 4, 1, 2, 3).reshape(-1, 1, 1, *w.shape[2:4])  # G 1 h w g
    return read(w)


def _squares(w: Array) -> Array:
    """Of G O I h w i o; those of an image that is not blocked are G O h w I o."""
    turned = w.transpose(0, 1, 5, 4, 2, 3) if w.ndim == 6 else w.transpose(0, 1, 6, 2, 5, 3, 4)
    return _joined(turned, inputs=w.ndim - 5)


def _dots(w: Array) -> Array:
    """Of G O I h w o i; those of an image that is not blocked as above."""
    return _squares(w) if w.ndim == 6 else _joined(w.transpose(0, 1, 5, 2, 6, 3, 4), inputs=2)


def _by_input(w: Array) -> Array:
    """Of G O I h w i."""
    groups, outs, ins, high, wide, block = w.shape
    return w.transpose(0, 1, 2, 5, 3, 4).reshape(groups, outs, ins * block, high, wide)


def _images_last(w: Array) -> Array:
    """Of G I h w O i."""
    groups, ins, high, wide, outs, block = w.shape
    return w.transpose(0, 4, 1, 5, 2, 3).reshape(groups, outs, ins * block, high, wide)


def _image(w: Array) -> Array:
    """Of G O h w I o."""
    return _joined(w.transpose(0, 1, 5, 4, 2, 3), inputs=1)


def _image_of_whole(w: Array) -> Array:
    """Of G O h w I o i."""
    return _joined(w.transpose(0, 1, 5, 4, 6, 2, 3), inputs=2)


def _joined(turned: Array, *, inputs: int) -> Array:
    """Return G O o I... h w, of so many axes of inputs, as (groups, O, I, h, w)."""
    groups, outs, block, *rest = turned.shape
    ins = int(np.prod(rest[:inputs]))
    return turned.reshape(groups, outs * block, ins, *rest[inputs:])


BY_INPUT = frozenset({"NCHW4", "NCHW32", "NCHW64"})
READERS: Mapping[str, Callable[[Array], Array]] = MappingProxyType(
    {
        "NCHW44": _squares,
        "NCHW44_DOT": _dots,
        "NCHW88": _squares,
        "NHWCD4": _image,
        "CHWN4": _images_last,
        **dict.fromkeys(BY_INPUT, _by_input),
    }
)
