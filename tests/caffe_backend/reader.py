"""A second reader of Caffe nets in numpy, from the public definitions of the layers.

It is strict where BVLC Caffe is: tops are defined before they are read, blobs have the sizes that
the layer works out, Eltwise does not broadcast, and what no layer reads is an output.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray
Compute = Callable[[Any, list[Array], list[Array]], Array | list[Array]]
LAYERS: dict[str, Compute] = {}


def layer(*types: str) -> Callable[[Compute], Compute]:
    def register(fn: Compute) -> Compute:
        LAYERS.update(dict.fromkeys(types, fn))
        return fn

    return register


def run(text: Any, binary: Any, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """Return the outputs: the tops that no layer reads, in the order of the file."""
    blobs, unread = run_all(text, binary, feeds)
    return {name: blobs[name] for name in unread}


def run_all(
    text: Any, binary: Any, feeds: Mapping[str, Array]
) -> tuple[dict[str, Array], list[str]]:
    """Return all blobs by name, and which of them no layer reads, in the order of the file."""
    weights = {item.name: [array_of(b) for b in item.blobs] for item in binary.layer}
    assert len(weights) == len(text.layer), "layers share a name"
    env: dict[str, Array] = {}
    unread: dict[str, None] = {}
    for item in text.layer:
        bottoms = [env[name] for name in item.bottom]
        for name in item.bottom:
            unread.pop(name, None)
        if item.type == "Input":
            results = feed(item, feeds)
        else:
            results = LAYERS[item.type](item, bottoms, weights[item.name])
        results = results if isinstance(results, list) else [results]
        assert len(results) == len(item.top), item.name
        for name, result in zip(item.top, results):
            in_place = len(item.bottom) == 1 and name == item.bottom[0]
            assert in_place or name not in env, f"{name} is defined twice"
            assert result.size, name
            env[name] = result.astype(np.float32)
            unread[name] = None
    return env, [*unread]


def feed(item: Any, feeds: Mapping[str, Array]) -> list[Array]:
    (name,), (shape,) = item.top, item.input_param.shape
    assert feeds[name].shape == tuple(shape.dim), name
    return [feeds[name]]


def array_of(blob: Any) -> Array:
    return np.array(blob.data, np.float32).reshape(tuple(blob.shape.dim))


def pair(param: Any, name: str, ending: str, usual: int | None) -> list[int]:
    """Read kernel, stride or pad of an image, once or by axis."""
    if param.HasField(f"{name}_h"):
        return [getattr(param, f"{name}_h"), getattr(param, f"{name}_w")]
    value = getattr(param, name + ending)
    if not isinstance(value, int):
        values = list(value)
        assert values or usual is not None, name
        return values or [usual]
    if usual is None:
        assert param.HasField(name + ending), name
    return [value, value] if param.HasField(name + ending) else [usual, usual]


def spread(values: Sequence[int], count: int) -> list[int]:
    assert len(values) in (1, count)
    return list(values) * (count if len(values) == 1 else 1)


@layer("Silence")
def silence(item: Any, bottoms: list[Array], weights: list[Array]) -> list[Array]:
    return []


@layer("ReLU")
def relu(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    x = bottoms[0]
    return np.maximum(x, 0) + np.float32(item.relu_param.negative_slope) * np.minimum(x, 0)


@layer("ReLU6")
def relu6(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    return np.clip(bottoms[0], 0, 6)


@layer("PReLU")
def prelu(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    (x,), (slope,) = bottoms, weights
    assert slope.shape == (x.shape[1],)
    return np.where(x > 0, x, x * slope.reshape(-1, *(1,) * (x.ndim - 2)))


@layer("ELU")
def elu(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    x = bottoms[0]
    return np.maximum(x, 0) + item.elu_param.alpha * (np.exp(np.minimum(x, 0)) - 1)


@layer("Sigmoid", "TanH", "AbsVal", "Exp", "Log", "BNLL")
def unary(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    x = bottoms[0].astype(np.float64)
    with np.errstate(all="ignore"):
        return {
            "Sigmoid": lambda: 0.5 * np.tanh(0.5 * x) + 0.5,
            "TanH": lambda: np.tanh(x),
            "AbsVal": lambda: np.abs(x),
            "Exp": lambda: np.exp(x),
            "Log": lambda: np.log(x),
            "BNLL": lambda: np.logaddexp(x, 0),
        }[item.type]()


@layer("Power")
def power(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    p = item.power_param
    with np.errstate(all="ignore"):
        y = bottoms[0] * np.float32(p.scale) + np.float32(p.shift)
        return y if p.power == 1 else y ** np.float32(p.power)


@layer("Eltwise")
def eltwise(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    p = item.eltwise_param
    assert len(bottoms) > 1 and len({b.shape for b in bottoms}) == 1
    assert not set(item.bottom) & set(item.top)
    stack = np.stack(bottoms)
    if p.operation == 0:
        assert not p.coeff
        return stack.prod(0)
    if p.operation == 2:
        return functools.reduce(lambda a, b: np.where(a > b, a, b), bottoms)  # b where a is NaN
    factors = np.array(p.coeff or [1.0] * len(bottoms), np.float32)
    assert factors.size == len(bottoms)
    return np.tensordot(factors, stack, 1)


@layer("Concat")
def concat(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    return np.concatenate(bottoms, item.concat_param.axis)


@layer("Slice")
def slice_(item: Any, bottoms: list[Array], weights: list[Array]) -> list[Array]:
    p = item.slice_param
    assert len(p.slice_point) == len(item.top) - 1
    return np.split(bottoms[0], list(p.slice_point), p.axis)


@layer("Reshape")
def reshape(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    x = bottoms[0]
    dims = [x.shape[i] if d == 0 else d for i, d in enumerate(item.reshape_param.shape.dim)]
    return x.reshape(dims)


@layer("Flatten")
def flatten(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    x, axis = bottoms[0], item.flatten_param.axis
    return x.reshape(*x.shape[:axis], -1)


@layer("Permute")
def permute(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    return bottoms[0].transpose(list(item.permute_param.order))


@layer("MatMul")
def matmul(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    a, b = bottoms
    assert a.shape[:-2] == b.shape[:-2]
    return a @ b


@layer("Softmax")
def softmax(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    axis = item.softmax_param.axis
    e = np.exp(bottoms[0] - bottoms[0].max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@layer("InnerProduct")
def inner_product(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    p, x, (w, *bias) = item.inner_product_param, bottoms[0], weights
    rows = x.reshape(*x.shape[: p.axis], -1)
    assert w.shape == (p.num_output, rows.shape[-1]) and len(bias) == p.bias_term
    y = rows @ w.T
    return y + bias[0] if bias else y


@layer("BatchNorm")
def batch_norm(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    (x,), (mean, variance, factor) = bottoms, weights
    assert factor.shape == (1,) and mean.shape == variance.shape == (x.shape[1],)
    mean, variance = (v.reshape(-1, *(1,) * (x.ndim - 2)) / factor[0] for v in (mean, variance))
    return (x - mean) / np.sqrt(variance + np.float32(item.batch_norm_param.eps))


@layer("Scale")
def scale(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    p, x = item.scale_param, bottoms[0]
    w, *bias = [bottoms[1], *weights] if len(bottoms) > 1 else weights
    if len(bottoms) == 1:
        assert w.ndim == p.num_axes
    assert w.shape == x.shape[p.axis : p.axis + w.ndim], (item.name, w.shape, x.shape, p.axis)
    assert len(bias) == p.bias_term
    trailing = (1,) * (x.ndim - p.axis - w.ndim)
    y = x * w.reshape(*w.shape, *trailing)
    return y + bias[0].reshape(*w.shape, *trailing) if bias else y


@layer("MVN")
def mvn(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    p, x = item.mvn_param, bottoms[0]
    assert x.ndim == 4 and not p.normalize_variance and not p.across_channels
    return x - x.mean((2, 3), keepdims=True)


@layer("LRN")
def lrn(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    p, x = item.lrn_param, bottoms[0]
    assert x.ndim == 4 and p.local_size % 2
    half = p.local_size // 2
    squares = np.pad(x * x, ((0, 0), (half, half), (0, 0), (0, 0)))
    total = sum(squares[:, i : i + x.shape[1]] for i in range(p.local_size))
    return x / (1 + p.alpha / p.local_size * total) ** p.beta


def windows_at(
    place: Sequence[int], size: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> list[slice]:
    """Return what one place of a kernel meets over all windows."""
    return [
        slice(i * d, i * d + (n - 1) * s + 1, s)
        for i, n, s, d in zip(place, size, stride, dilation)
    ]


@layer("Convolution")
def convolution(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    p, x, (w, *bias) = item.convolution_param, bottoms[0], weights
    spatial = x.ndim - 2
    kernel = spread(pair(p, "kernel", "_size", None), spatial)
    stride = spread(pair(p, "stride", "", 1), spatial)
    pad = spread(pair(p, "pad", "", 0), spatial)
    dilation = spread(list(p.dilation) or [1], spatial)
    assert w.shape == (p.num_output, x.shape[1] // p.group, *kernel)
    assert len(bias) == p.bias_term
    x = np.pad(x, ((0, 0), (0, 0), *((n, n) for n in pad)))
    size = [
        (n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation)
    ]
    windows = np.stack(
        [x[(..., *windows_at(place, size, stride, dilation))] for place in np.ndindex(*kernel)],
        2,
    )  # N, C, places, *size
    n, c = x.shape[:2]
    columns = windows.reshape(n, p.group, c // p.group * math.prod(kernel), -1)
    filters = w.reshape(p.group, p.num_output // p.group, -1)
    y = np.einsum("gok,ngkp->ngop", filters, columns, optimize=True)
    y = y.reshape(n, p.num_output, *size)
    return y + bias[0].reshape(-1, *(1,) * spatial) if bias else y


@layer("Deconvolution")
def deconvolution(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    p, x, (w, *bias) = item.convolution_param, bottoms[0], weights
    assert x.ndim == 4 and not p.dilation and len(bias) == p.bias_term
    kernel = spread(pair(p, "kernel", "_size", None), 2)
    stride, pad = (spread(pair(p, name, "", v), 2) for name, v in (("stride", 1), ("pad", 0)))
    n, c, height, width = x.shape
    assert w.shape == (c, p.num_output // p.group, *kernel)
    full = [(m - 1) * s + k for m, s, k in zip((height, width), stride, kernel)]
    y = np.zeros((n, p.group, p.num_output // p.group, *full), np.float32)
    xs = x.reshape(n, p.group, c // p.group, height, width)
    ws = w.reshape(p.group, c // p.group, -1, *kernel)
    for i, j in np.ndindex(*kernel):
        rows = slice(i, i + (height - 1) * stride[0] + 1, stride[0])
        columns = slice(j, j + (width - 1) * stride[1] + 1, stride[1])
        y[..., rows, columns] += np.einsum("ngchw,gco->ngohw", xs, ws[..., i, j], optimize=True)
    y = y.reshape(n, p.num_output, *full)
    y = y[:, :, pad[0] : full[0] - pad[0], pad[1] : full[1] - pad[1]]
    return y + bias[0].reshape(-1, 1, 1) if bias else y


@layer("Pooling")
def pooling(item: Any, bottoms: list[Array], weights: list[Array]) -> Array:
    p, x = item.pooling_param, bottoms[0]
    assert x.ndim == 4
    if p.global_pooling:
        return (x.max if p.pool == 0 else x.mean)((2, 3), keepdims=True)
    kernel, stride = pair(p, "kernel", "_size", None), pair(p, "stride", "", 1)
    pad = pair(p, "pad", "", 0)
    assert all(a < k for a, k in zip(pad, kernel))
    counts = []
    for size, k, s, a in zip(x.shape[2:], kernel, stride, pad):
        count = math.ceil((size + 2 * a - k) / s) + 1
        if any(pad) and (count - 1) * s >= size + a:
            count -= 1
        counts.append(count)
    y = np.empty((*x.shape[:2], *counts), np.float32)
    for i, j in np.ndindex(*counts):
        spans, divisor = [], 1
        for at, size, k, s, a in zip((i, j), x.shape[2:], kernel, stride, pad):
            start = at * s - a
            stop = min(start + k, size + a)
            divisor *= stop - start
            spans.append(slice(max(start, 0), min(stop, size)))
        window = x[:, :, spans[0], spans[1]]
        y[:, :, i, j] = window.max((2, 3)) if p.pool == 0 else window.sum((2, 3)) / divisor
    return y
