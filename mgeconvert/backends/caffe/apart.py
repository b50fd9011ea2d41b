"""Keeping OpenCV's importer from fusing layers that it would fuse wrongly.

Where the parts of a pair stand is found out by trying all pairs of layers; other readers compute
the same with what is put in between.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mgeconvert.backends.caffe.emitter import Blob, Layer

LINEAR = frozenset(("BatchNorm", "Power", "Scale"))
"""Layers that OpenCV takes into the layer before them."""

ROOTS = frozenset(("Convolution", "Deconvolution", "Eltwise", "InnerProduct"))
SMALLEST = float(np.finfo(np.float32).tiny)
STEEP = 1 << 20  # a Power with such numbers cuts bits off, or has no more than two results


def keep_apart(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers with a Reshape to the same shape inside each pair that fuses wrongly."""
    readers: dict[int, list[Layer]] = {}
    for layer in layers:
        for blob in layer.bottoms:
            readers.setdefault(id(blob), []).append(layer)
    roots: dict[int, Layer] = {}  # what OpenCV fuses the layer that reads a blob into
    kept: list[Layer] = []
    for layer in layers:
        root = roots.get(id(layer.bottoms[0])) if len(layer.bottoms) == 1 else None
        alone = bool(root) and len(readers[id(layer.bottoms[0])]) == 1
        if (root and alone and _fuses_wrongly(root, layer)) or _is_abrupt(layer):
            kept.append(_between(layer))
            root = None
        if layer.type in ROOTS:
            roots[id(layer.tops[0])] = layer
        elif root and layer.type in LINEAR:
            roots[id(layer.tops[0])] = root
        _shift_power(layer, readers)
        kept.append(layer)
    return kept


def _fuses_wrongly(root: Layer, layer: Layer) -> bool:
    """Whether OpenCV computes something else, or fails, when `layer` is taken into `root`."""
    if root.type == "Eltwise":  # it takes each element of a plane for a channel
        return root.tops[0].rank < 4 and layer.type in ("BatchNorm", "PReLU")
    if root.type == "InnerProduct":  # it takes each row for a channel
        return root.tops[0].rank > 2 and layer.type in ("BatchNorm", "PReLU", "Scale")
    if layer.type == "Scale" and (layer.parameters.get("axis", 1) != 1 or _is_wide(layer)):
        return True  # it takes any axis for that of the channels
    grouped = root.type == "Deconvolution" and root.parameters.get("group", 1) > 1
    return grouped and layer.type in ("BatchNorm", "Scale")  # it scales the wrong filters


def _is_abrupt(layer: Layer) -> bool:
    """Whether a Power of great numbers meets another linear layer: in one both lose their sense."""
    if layer.type not in LINEAR:
        return False
    before = layer.bottoms[0].layer
    return (_is_steep(layer) and before.type in LINEAR | ROOTS) or _is_steep(before)


def _is_steep(layer: Layer) -> bool:
    numbers = [layer.parameters.get(name, 0.0) for name in ("scale", "shift")]
    return layer.type == "Power" and any(abs(n) >= STEEP for n in numbers)


def _is_wide(scale: Layer) -> bool:
    return scale.parameters.get("num_axes", 1) != 1


def _between(layer: Layer) -> Layer:
    """Return a new layer between `layer` and what it reads."""
    (blob,) = layer.bottoms
    reshape = Layer("Reshape", [blob], {"shape": {"dim": (0,) * blob.rank}}, ())
    same = Blob(reshape, blob.shape, f"{blob.name}.same")
    same.quant = blob.quant
    reshape.tops, layer.bottoms = [same], [same]
    return reshape


def _shift_power(layer: Layer, readers: dict[int, list[Layer]]) -> None:
    """Keep a power apart from a linear layer after it, as in -0.5 * x ** 2.

    OpenCV fuses them where the power's shift is 0, and computes (-0.5 * x) ** 2. The smallest
    normal number as the shift changes nothing else.
    """
    if layer.type != "Power" or layer.parameters.get("power", 1.0) == 1:
        return
    after = readers.get(id(layer.tops[0]), [])
    if not layer.parameters.get("shift") and any(a.type in LINEAR for a in after):
        layer.parameters = {**layer.parameters, "shift": SMALLEST}
