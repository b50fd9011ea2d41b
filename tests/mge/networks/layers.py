"""Cases of products, convolutions, pooling and normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import megengine
import megengine.functional as F
import megengine.module as M
import numpy as np

from tests.mge.networks.values import (
    BOXES,
    X1,
    X2,
    X3,
    X4,
    Case,
    const,
    filled,
    values,
)


def products() -> Mapping[str, Case]:
    return {
        "matmul": Case(lambda x: F.matmul(x, const(4, 5)), X2),
        "matmul_transposed": Case(
            lambda x: F.matmul(x, const(5, 3), transpose_a=True, transpose_b=True), X2
        ),
        "matmul_batched": Case(lambda x, y: F.matmul(x, y), (X3[0], values(2, 4, 3))),
        "matmul_broadcast": Case(lambda x: F.matmul(x, const(4, 5)), X3),
        "matmul_vector": Case(lambda x: F.matmul(x, const(4)), X2),
        "dot": Case(lambda x: F.dot(x, const(5)), X1),
        "linear": Case(filled(M.Linear(4, 3)), X2),
        "linear_3d": Case(filled(M.Linear(4, 3)), X3),
        "svd": Case(lambda x: F.svd(x), X2),
        "matinv": Case(lambda x: F.matinv(x), (np.eye(3, dtype="float32") * 2,)),
    }


def layers() -> Mapping[str, Case]:
    cases = {
        "conv": M.Conv2d(4, 3, 3, padding=1),
        "conv_plain": M.Conv2d(4, 3, (3, 1), stride=(2, 1), dilation=(1, 2), bias=False),
        "conv_group": M.Conv2d(4, 6, 3, groups=2, padding=1),
        "conv_depthwise": M.Conv2d(4, 4, 3, groups=4, padding=1),
        "conv_reflect": M.Conv2d(4, 3, 3, padding=1, padding_mode="reflect"),
        "conv_transpose": M.ConvTranspose2d(4, 3, 3, stride=2, padding=1),
        "conv_transpose_group": M.ConvTranspose2d(4, 6, 3, stride=2, groups=2),
        "conv_transpose_padded": M.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1),
        "local_conv": M.LocalConv2d(4, 3, 6, 6, 3),
        "conv_bn_relu": M.Sequential(M.Conv2d(4, 3, 3, padding=1), M.BatchNorm2d(3), M.ReLU()),
        "conv_relu": M.ConvRelu2d(4, 3, 3, padding=1),
        "conv_bn_module": M.ConvBnRelu2d(4, 3, 3, padding=1),
        "bn_alone": M.BatchNorm2d(4),
        "bn_plain": M.BatchNorm2d(4, affine=False),
        "max_pool": M.MaxPool2d(3, 2, 1),
        "avg_pool": M.AvgPool2d(3, 2, 1),
        "avg_pool_include": M.AvgPool2d(3, 2, 1, mode="average"),
        "adaptive_avg": M.AdaptiveAvgPool2d((2, 3)),
        "adaptive_max": M.AdaptiveMaxPool2d(2),
        "lrn": M.LocalResponseNorm(3),
        "layer_norm": M.LayerNorm((6, 6)),
        "layer_norm_plain": M.LayerNorm(6, affine=False),
        "group_norm_plain": M.GroupNorm(2, 4, affine=False),
        "instance_norm_plain": M.InstanceNorm(4, affine=False),
        "general_norm": M.GeneralNorm((6, 6), (2, 3)),
        "prelu_module": M.PReLU(4),
    }
    named = {name: Case(filled(module), X4) for name, module in cases.items()}
    named |= {
        "conv1d": Case(filled(M.Conv1d(3, 2, 3)), X3),
        "conv3d": Case(filled(M.Conv3d(2, 3, 3, padding=1)), (values(1, 2, 4, 4, 4),)),
        "conv_transpose3d": Case(
            filled(M.ConvTranspose3d(2, 3, 3, stride=2)), (values(1, 2, 3, 3, 3),)
        ),
        # The default rewrites these into operators of older versions, and fails on affine ones.
        "group_norm": Case(filled(M.GroupNorm(2, 4)), X4, {"no_change_graph": True}),
        "instance_norm": Case(filled(M.InstanceNorm(4)), X4, {"no_change_graph": True}),
        "adaptive_avg_kept": Case(
            lambda x: F.adaptive_avg_pool2d(x, (2, 3)), X4, {"no_change_graph": True}
        ),
        "softmax_kept": Case(lambda x: F.softmax(x, axis=1), X4, {"no_change_graph": True}),
        "layer_norm_kept": Case(filled(M.LayerNorm((6, 6))), X4, {"no_change_graph": True}),
        "general_norm_kept": Case(
            filled(M.GeneralNorm((6, 6), (2, 3))), X4, {"no_change_graph": True}
        ),
        "region_restricted_conv": Case(
            lambda x: F.region_restricted_conv(
                x,
                const(4, 1, 1, 3, 3),
                const(2, 6, 6, dtype="int32"),
                const(2, 4, 4, dtype="int32"),
                groups=4,
            ),
            X4,
        ),
        "deformable_psroi": Case(
            lambda x: F.deformable_psroi_pooling(
                x, megengine.tensor(BOXES), const(2, 2, 2, 2), True, 2, 2, 2, 2, 1.0, 0.1
            )[0],
            X4,
        ),
        "bn_1d": Case(filled(M.BatchNorm1d(4)), X2),
        "deformable_conv": Case(
            lambda x: F.deformable_conv2d(
                x,
                const(3, 4, 3, 3),
                const(2, 18, 4, 4),
                const(2, 9, 4, 4),
                conv_mode="cross_correlation",
                compute_mode="default",
            ),
            X4,
        ),
        "conv_residual": Case(
            lambda x: F.relu(F.conv2d(x, const(4, 4, 3, 3), const(1, 4, 1, 1), 1, 1) + x), X4
        ),
        "squeeze_excite": Case(_squeeze_excite, X4),
        "batch_conv_bias": Case(
            lambda x: F.quantized.batch_conv_bias_activation(
                x.astype(megengine.core.tensor.dtype.qint8(0.1)),
                const(2, 4, 4, 3, 3).astype(megengine.core.tensor.dtype.qint8(0.1)),
                const(1, 4, 1, 1).astype(megengine.core.tensor.dtype.qint32(0.01)),
                megengine.core.tensor.dtype.qint8(0.2),
            ).astype("float32"),
            X4,
        ),
    }
    return named


def _squeeze_excite(x: Any) -> Any:
    gate = F.conv2d(F.mean(x, (2, 3), keepdims=True), const(4, 4, 1, 1))
    return x * F.sigmoid(gate)
