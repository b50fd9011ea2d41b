"""Cases of elementwise operators, with the fusions that dumping makes, and reductions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import megengine.functional as F
import megengine.functional.nn as nn
import numpy as np

from tests.mge.networks.values import (
    BOOLS,
    INTS,
    PAIR,
    POSITIVE,
    X1,
    X2,
    X3,
    X4,
    Case,
    const,
    values,
)

UNARY = (
    "abs neg exp expm1 sin cos tan tanh sinh cosh asinh atan floor ceil round sigmoid relu relu6 "
    "hsigmoid hswish silu gelu softplus logsigmoid sign square isnan isinf leaky_relu"
)
UNARY_POSITIVE = "log log1p sqrt asin acos atanh"
BINARY = (
    "add sub mul div pow maximum minimum floor_div mod atan2 equal not_equal less less_equal "
    "greater greater_equal"
)


def elementwise() -> Mapping[str, Case]:
    cases = {f"unary_{name}": Case(_named(name), X2) for name in UNARY.split()}
    cases |= {f"unary_{name}": Case(_named(name), POSITIVE) for name in UNARY_POSITIVE.split()}
    cases |= {f"binary_{name}": Case(_named(name), PAIR) for name in BINARY.split()}
    cases |= {
        "acosh": Case(F.acosh, (values(3, 4, low=1.1, high=3),)),
        "clip": Case(lambda x: F.clip(x, -0.5, 0.5), X2),
        "clip_low": Case(lambda x: F.clip(x, lower=-0.5), X2),
        "prelu": Case(lambda x: F.prelu(x, const(1)), X4),
        "where": Case(lambda m, x: F.where(m, x, x * 2), (BOOLS[0], X2[0])),
        "logical": Case(
            lambda a, b: F.logical_or(F.logical_and(a, b), F.logical_xor(a, F.logical_not(b))),
            BOOLS,
        ),
        "shifts": Case(lambda a, b: (a << b, a >> b), INTS),
        "int_floor_div": Case(lambda a, b: (a // b, a % b), INTS),
        "scalars": Case(lambda x: (2 * x + 1, 1 - x, 1 / (x + 3), x**2, x**0.5, 2**x), POSITIVE),
        "logaddexp": Case(F.logaddexp, (X2[0], X2[0] * 2)),
        "cross_entropy": Case(
            lambda x, y: F.loss.cross_entropy(x, y), (X2[0], np.array([0, 1, 3], "int32"))
        ),
        "residual_relu": Case(lambda x, y: F.relu(x + y), (X2[0], X2[0])),
        "residual_sigmoid": Case(lambda x, y: F.sigmoid(x + y), (X2[0], X2[0])),
        "residual_tanh": Case(lambda x, y: F.tanh(x + y), (X2[0], X2[0])),
        "residual_hswish": Case(lambda x, y: F.hswish(x + y), (X2[0], X2[0])),
        "mul_add3": Case(lambda x, y, z: x * y + z, (X2[0], X2[0], X2[0])),
        "mul_add4": Case(lambda x, y: x * y + y * 0.5 * (x + 1), (X2[0], X2[0])),
    }
    return cases


def _named(name: str) -> Callable[..., Any]:
    for space in (F, nn):
        if hasattr(space, name):
            return getattr(space, name)
    return {"pow": F.pow, "neg": F.neg}[name]


def reductions() -> Mapping[str, Case]:
    names = ["sum", "mean", "max", "min", "prod", "var", "std", "norm", "argmax", "argmin"]
    cases = {f"{name}_axis": Case(_reduce(name, 1, False), X3) for name in names}
    cases |= {f"{name}_keep": Case(_reduce(name, -1, True), X3) for name in names}
    cases |= {
        f"{name}_all": Case(_reduce(name, None, False), X3) for name in names if name != "norm"
    }
    cases |= {
        "mean_axes": Case(lambda x: F.mean(x, axis=(2, 3)), X4),
        "sum_axes_keep": Case(lambda x: F.sum(x, axis=(-1, 0), keepdims=True), X4),
        "norm_all": Case(lambda x: F.norm(x), X1),
        "norm_one": Case(lambda x: F.norm(x, ord=1.0, axis=1), X2),
        "norm_inf": Case(lambda x: F.norm(x, ord=float("inf"), axis=1), X2),
        "normalize": Case(lambda x: F.normalize(x, axis=1), X2),
        "logsumexp": Case(lambda x: F.logsumexp(x, axis=1), X2),
        "cumsum": Case(lambda x: F.cumsum(x, axis=1), X3),
        "argsort": Case(lambda x: F.argsort(x, descending=True), X2),
        "sort": Case(lambda x: F.sort(x), X2),
        "topk": Case(lambda x: F.topk(x, 2, descending=True), X2),
        "topk_kth": Case(lambda x: F.topk(x, 2, kth_only=True), X2),
        "topk_unsorted": Case(lambda x: F.topk(x, 2, no_sort=True), X2),
        "softmax": Case(lambda x: F.softmax(x, axis=1), X3),
        "logsoftmax": Case(lambda x: F.logsoftmax(x, axis=-1), X3),
        "max_method": Case(lambda x: (x.max(axis=0), x.sum(), x.mean(axis=1, keepdims=True)), X3),
    }
    return cases


def _reduce(name: str, axis: int | None, keepdims: bool) -> Callable[..., Any]:
    return lambda x: getattr(F, name)(x, axis=axis, keepdims=keepdims)
