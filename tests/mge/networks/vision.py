"""Cases of image operators, recurrent networks, attention and random numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import megengine
import megengine.functional as F
import megengine.module as M
import numpy as np

from tests.mge.networks.values import (
    BOXES,
    X2,
    X3,
    X4,
    Case,
    const,
    filled,
    values,
)


def images() -> Mapping[str, Case]:
    return {
        "resize_bilinear": Case(lambda x: F.vision.interpolate(x, size=(9, 8)), X4),
        "resize_scale": Case(lambda x: F.vision.interpolate(x, scale_factor=2), X4),
        "resize_aligned": Case(
            lambda x: F.vision.interpolate(x, scale_factor=2, align_corners=True), X4
        ),
        "resize_nearest": Case(
            lambda x: F.vision.interpolate(x, scale_factor=2, mode="nearest"), X4
        ),
        "resize_bicubic": Case(lambda x: F.vision.interpolate(x, size=(9, 8), mode="bicubic"), X4),
        "resize_linear": Case(lambda x: F.vision.interpolate(x, scale_factor=2, mode="linear"), X3),
        "resize_trilinear": Case(
            lambda x: F.vision.interpolate(x, scale_factor=2, mode="trilinear"),
            (values(1, 2, 3, 3, 3),),
        ),
        "warp_perspective": Case(
            lambda x: F.vision.warp_perspective(
                x,
                megengine.tensor(np.stack([np.eye(3, dtype="float32")] * 2)),
                (4, 4),
                border_mode="constant",
                border_val=0.5,
            ),
            X4,
        ),
        "warp_affine": Case(
            lambda x: F.vision.warp_affine(
                x, megengine.tensor(np.stack([np.eye(3, dtype="float32")[:2]] * 2)), (4, 4)
            ),
            (values(2, 6, 6, 3),),
        ),
        "remap": Case(lambda x: F.vision.remap(x, const(2, 4, 4, 2, low=0, high=5)), X4),
        "roi_align": Case(lambda x: F.vision.roi_align(x, megengine.tensor(BOXES), (2, 2)), X4),
        "roi_pooling": Case(lambda x: F.vision.roi_pooling(x, megengine.tensor(BOXES), (2, 2)), X4),
        "nms": Case(
            lambda x: F.vision.nms(x[:, 1:], x[:, 0], iou_thresh=0.5, max_output=2), (BOXES,)
        ),
        "cvt_color": Case(lambda x: F.vision.cvt_color(x, mode="RGB2GRAY"), (values(2, 4, 4, 3),)),
        "correlation": Case(lambda x: F.vision.correlation(x, x * 2, 1, 1, 1, 1, 1), X4),
    }


def recurrent() -> Mapping[str, Case]:
    sequence = values(3, 2, 4)
    hidden = values(2, 5)
    cases = {
        "lstm": Case(_flat(filled(M.LSTM(4, 5))), (sequence,)),
        "lstm_stacked": Case(
            _flat(filled(M.LSTM(4, 5, num_layers=2, bidirectional=True))), (sequence,)
        ),
        "lstm_batch_first": Case(
            _flat(filled(M.LSTM(4, 5, batch_first=True, bias=False))), (sequence,)
        ),
        "lstm_projected": Case(_flat(filled(M.LSTM(4, 5, proj_size=3))), (sequence,)),
        "rnn": Case(filled(M.RNN(4, 5)), (sequence,)),
        "rnn_relu": Case(filled(M.RNN(4, 5, nonlinearity="relu", bidirectional=True)), (sequence,)),
        "lstm_cell": Case(filled(M.LSTMCell(4, 5)), (sequence[0],)),
        "rnn_cell": Case(filled(M.RNNCell(4, 5)), (sequence[0], hidden)),
    }
    return cases


def _flat(module: Any) -> Callable[..., Any]:
    def run(x: Any) -> Any:
        output, (hidden, cell) = module(x)
        return output, hidden, cell

    return run


def attention() -> Mapping[str, Case]:
    query = values(2, 3, 8)
    module = filled(M.MultiHeadAttention(8, 2))
    return {
        "attention": Case(lambda q: module(q, q, q)[0], (query,)),
        "attention_spelled_out": Case(
            lambda q: F.matmul(F.softmax(F.matmul(q, q, transpose_b=True) / 8**0.5, axis=-1), q),
            (query,),
        ),
    }


def random() -> Mapping[str, Case]:
    return {
        "random": Case(
            lambda x: (
                x + megengine.random.uniform(size=(3, 4)) + megengine.random.normal(size=(3, 4))
            ),
            X2,
        ),
    }
