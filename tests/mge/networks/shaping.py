"""Cases that change shapes, make tensors, or read and write by index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import megengine.functional as F
import megengine.functional.nn as nn
import megengine.module as M
import numpy as np

from tests.mge.networks.values import (
    BOOLS,
    X1,
    X2,
    X3,
    X4,
    Case,
    const,
    values,
)


def shapes() -> Mapping[str, Case]:
    return {
        "reshape": Case(lambda x: F.reshape(x, (2, -1)), X4),
        "reshape_first": Case(lambda x: F.reshape(x, (-1, 6)), X4),
        "reshape_fixed": Case(lambda x: F.reshape(x, (8, 36)), X4),
        "reshape_batch": Case(lambda x: x.reshape(x.shape[0], 2, 2, -1), X4),
        "flatten": Case(lambda x: F.flatten(x, 1), X4),
        "flatten_middle": Case(lambda x: F.flatten(x, 1, 2), X4),
        "squeeze": Case(lambda x: F.squeeze(x, 1), (values(2, 1, 3),)),
        "squeeze_all": Case(lambda x: F.squeeze(x), (values(1, 3, 1),)),
        "expand_dims": Case(lambda x: F.expand_dims(x, [0, 2]), X2),
        "transpose": Case(lambda x: F.transpose(x, (0, 2, 3, 1)), X4),
        "transpose_new_axis": Case(lambda x: x.transpose(1, "x", 0), X2),
        "swapaxes": Case(lambda x: F.swapaxes(x, 1, 2), X3),
        "broadcast_to": Case(lambda x: F.broadcast_to(x, (2, 3, 4)), X2),
        "broadcast_like": Case(lambda x, y: F.broadcast_to(x, y.shape), (X2[0], X3[0])),
        "concat": Case(lambda x: F.concat([x, x * 2, x + 1], axis=-1), X3),
        "stack": Case(lambda x: F.stack([x, x * 2], axis=1), X3),
        "split": Case(lambda x: F.split(x, 2, axis=1), X4),
        "split_sections": Case(lambda x: F.split(x, [1, 3], axis=1), X4),
        "repeat": Case(lambda x: F.repeat(x, 2, axis=1), X3),
        "tile": Case(lambda x: F.tile(x, (1, 2, 2)), X3),
        "roll": Case(lambda x: F.roll(x, 1, 1), X3),
        "pad_constant": Case(lambda x: nn.pad(x, ((0, 0), (1, 2), (3, 0)), "constant", 0.5), X3),
        "pad_reflect": Case(lambda x: nn.pad(x, ((0, 0), (1, 1), (2, 1)), "reflect"), X3),
        "pad_replicate": Case(lambda x: nn.pad(x, ((0, 0), (1, 1), (2, 1)), "replicate"), X3),
        "shape_of": Case(lambda x: x.shape, X4),
        "shape_arithmetic": Case(
            lambda x: F.zeros((x.shape[0], x.shape[2] * 2 + 1)) + x[:, 0, 0, :1], X4
        ),
        "zeros_ones_full": Case(
            lambda x: F.zeros((3, 4)) + F.ones(4) + F.full((3, 1), 2.0) + x, X2
        ),
        "likes": Case(lambda x: (F.zeros_like(x), F.ones_like(x), F.full_like(x, 3.0)), X2),
        "arange_linspace": Case(
            lambda x: F.arange(0, x.shape[1], 1) + F.linspace(0, 1, x.shape[1]) + x, X2
        ),
        "eye": Case(lambda x: F.eye(3, 4) + x, X2),
        "diag": Case(lambda x: F.diag(x, 1), X2),
        "diag_matrix": Case(lambda x: F.diag(x), X1),
        "astype": Case(lambda x: (x.astype("int32"), x.astype("float16"), x.astype("bool")), X2),
        "astype_int8": Case(lambda x: (x.astype("int8"), x.astype("uint8"), x.astype("int16")), X2),
        "dimension_scalar": Case(lambda x: x * 3 / x.shape[1], X2),
        "pixel_shuffle": Case(lambda x: nn.pixel_shuffle(x, 2), X4),
        "sliding_window": Case(lambda x: nn.sliding_window(x, 3, 1, 1, 1), X4),
        "sliding_window_transpose": Case(
            lambda x: nn.sliding_window_transpose(x, (4, 4), 3, 1, 1, 1),
            (values(1, 2, 4, 4, 3, 3),),
        ),
        "dropout_training": Case(lambda x: F.dropout(x, 0.5, training=True), X2),
        "dropout_eval": Case(lambda x: F.dropout(x, 0.5, training=False), X2),
        "copy_identity": Case(lambda x: (F.copy(x, "xpux"), M.Identity()(x)), X2),
        "meshgrid": Case(lambda x: F.meshgrid(x, x), X1),
    }


def indexing() -> Mapping[str, Case]:
    index = np.array([2, 0], "int32")
    return {
        "index_int": Case(lambda x: x[1], X3),
        "index_negative": Case(lambda x: x[:, -1], X3),
        "index_slice": Case(lambda x: x[:, 1:3], X3),
        "index_steps": Case(lambda x: x[:, ::2, 3:0:-1], X3),
        "index_ellipsis": Case(lambda x: x[..., 0], X4),
        "index_none": Case(lambda x: x[:, None, 1:], X3),
        "index_list": Case(lambda x: x[:, [2, 0]], X3),
        "index_tensor": Case(lambda x, i: x[:, i], (X3[0], index)),
        "index_matrix": Case(lambda x, i: x[:, i], (X3[0], np.array([[0, 1], [2, 0]], "int32"))),
        "index_two_tensors": Case(lambda x, i: x[i, :, i], (values(3, 2, 3), index)),
        "index_mixed": Case(lambda x, i: x[0, i, 1:3], (X3[0], index)),
        "index_dynamic_slice": Case(lambda x: x[:, : x.shape[2] - 1], X3),
        "index_mask": Case(lambda x, m: x[m], (X2[0], BOOLS[0])),
        "set_slice": Case(_set_slice, X3),
        "set_index": Case(_set_index, (X3[0], index)),
        "gather": Case(lambda x, i: F.gather(x, 1, i), (X2[0], np.array([[0], [1], [2]], "int32"))),
        "scatter": Case(
            lambda x, i, s: F.scatter(x, 1, i, s),
            (X2[0], np.array([[0], [1], [2]], "int32"), values(3, 1)),
        ),
        "indexing_one_hot": Case(
            lambda x, i: F.indexing_one_hot(x, i), (X2[0], np.array([0, 1, 2], "int32"))
        ),
        "one_hot": Case(lambda i: F.one_hot(i, 4), (np.array([0, 1, 2], "int32"),)),
        "embedding": Case(
            lambda i: F.embedding(i, const(5, 3)), (np.array([[0, 4], [1, 2]], "int32"),)
        ),
        "cond_take": Case(lambda x, m: F.cond_take(m, x), (X2[0], BOOLS[0])),
    }


def _set_slice(x: Any) -> Any:
    y = x * 1
    y[:, 1:2] = 3.0
    return y


def _set_index(x: Any, i: Any) -> Any:
    y = x * 1
    y[:, i] = 3.0
    return y
