"""Who reads a Caffe net, and what each reader can read: the allow-lists, with reasons.

A name is that of a layer type, or of an ability of one, as in "Scale of two bottoms". A rule asks
for what it needs; what a dialect lacks is composed from other layers or refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mgeconvert.errors import UnsupportedCase


@dataclass(frozen=True)
class Dialect:
    """One reader of Caffe nets.

    `abilities` is all that may be written for it. `input_rank` is the only rank that its inputs
    may have, 0 for any.
    """

    name: str
    reader: str
    abilities: frozenset[str]
    input_rank: int = 0
    scale_after_batch_norm: bool = False

    def has(self, ability: str) -> bool:
        return ability in self.abilities

    def need(self, ability: str) -> None:
        """Raise UnsupportedCase where the dialect lacks `ability`, naming those that have it."""
        if self.has(ability):
            return
        others = [name for name, dialect in DIALECTS.items() if dialect.has(ability)]
        hint = f"dialects that can: {', '.join(others)}" if others else ""
        raise UnsupportedCase(f"the dialect {self.name} has no {ability}", hint=hint)


# Read alike by BVLC Caffe and by OpenCV's importer: shapes and numbers were compared.
SHARED: Mapping[str, str] = {
    "AbsVal": "elementwise",
    "BNLL": "log(1 + exp(x)) without overflow",
    "BatchNorm": "mean, variance and a factor of 1; Scale follows",
    "Concat": "any axis",
    "Concat across the batch": "axis 0",
    "Convolution": "1 to 3 spatial axes, groups, dilation, symmetric padding",
    "Convolution of 3 spatial axes": "kernel_size, pad and stride given three times",
    "Deconvolution": "2 spatial axes, groups; OpenCV ignores dilation, so kernels are spread",
    "ELU": "with its alpha",
    "Eltwise": "of equal shapes, never in place",
    "Eltwise of more than two": "bottoms",
    "Eltwise with coefficients": "SUM only",
    "Exp": "with the default base only",
    "Flatten": "",
    "InnerProduct": "no transpose, which OpenCV ignores",
    "InnerProduct on any axis": "the axes before it stay",
    "Input": "",
    "LRN": "across channels, odd sizes; k stays 1, OpenCV ignores another",
    "Log": "with the default base only; OpenCV ignores base, scale and shift",
    "MVN": "to subtract means only: Caffe adds eps outside of the square root",
    "PReLU": "by channel or shared",
    "Pooling": "in ceil mode: a round_mode of BVLC and a ceil_mode of forks exclude each other",
    "Power": "",
    "ReLU": "with its negative_slope",
    "Reshape": "",
    "Reshape across the batch": "batch and channels may be merged",
    "Scale": "weights, with or without bias",
    "Scale on any axis": "also over several axes",
    "Scale of two bottoms": "without a learned bias, which OpenCV ignores",
    "Sigmoid": "",
    "Silence": "takes the parts of a Slice that nobody reads",
    "Slice": "any axis",
    "Softmax": "any axis",
    "Softmax across the batch": "axis 0",
    "TanH": "",
    "whole numbers": "as float32, exact up to 2 ** 24",
}

OPENCV: Mapping[str, str] = {
    "MatMul": "of two computed matrices, batches equal",
    "Permute": "any rank",
    "ReLU6": "",
}

# Forks after Liu et al.'s SSD; what they share with OpenCV beyond SHARED.
SSD: Mapping[str, str] = {"Permute": "any rank"}

# What the vendors' readers lack of SHARED. Sources, as far as they are public:
# snpe: "Supported Network Layers" of Qualcomm's reference guide,
#   developer.qualcomm.com/docs/snpe/network_layers.html, its column of Caffe's layers.
# nnie: HiSilicon's guide to SVP (nnie_mapper) is not public; what others quote from it names
#   convolution, pooling, ReLU, Sigmoid, TanH, LRN, BatchNorm, InnerProduct, Concat, Eltwise, and as
#   extensions Permute and MatMul (blog.csdn.net/u011622208/article/details/105676120). The rest of
#   SHARED is taken for granted as "Caffe's standard layers" and has not been verified.
# trt: the parser's own sources, github.com/NVIDIA/TensorRT, parsers/caffe/caffeParser/opParsers.
WITHOUT: Mapping[str, Mapping[str, str]] = {
    "snpe": {
        "BNLL": "not in Qualcomm's list of Caffe layers",
        "Convolution of 3 spatial axes": "images only",
        "Exp": "not in the list",
        "Log": "not in the list",
        "MVN": "not in the list",
        "Scale on any axis": "by channel, right after BatchNorm",
        "Scale of two bottoms": "weights must be constant",
        "whole numbers": "the devices compute in float16 or int8",
    },
    "nnie": {
        "Convolution of 3 spatial axes": "images only",
        "Scale on any axis": "by channel",
        "Scale of two bottoms": "weights must be constant",
        "Silence": "not in HiSilicon's list",
        "whole numbers": "the devices compute in float16 or int8",
    },
    "trt": {
        "Concat across the batch": "the batch is implicit",
        "Convolution of 3 spatial axes": "images only",
        "Eltwise of more than two": "the parser wants two bottoms",
        "Eltwise with coefficients": "the parser ignores them",
        "Exp": "not in the parser",
        "Flatten": "not in the parser; Reshape does the same",
        "InnerProduct on any axis": "the parser ignores the axis",
        "Log": "not in the parser",
        "MVN": "not in the parser",
        "Reshape across the batch": "the batch is implicit: axis 0 must stay",
        "Scale on any axis": "by channel",
        "Scale of two bottoms": "weights must be constant",
        "Silence": "not in the parser",
        "Slice": "not in the parser",
        "Softmax across the batch": "the batch is implicit",
        "whole numbers": "the devices compute in float16 or int8",
    },
}
VENDOR_ADDS: Mapping[str, Mapping[str, str]] = {
    "snpe": {"Permute": "4 axes"},
    "nnie": {"Permute": "4 axes"},
    "trt": {"Permute": "axis 0 stays"},
}


def _vendor(name: str) -> frozenset[str]:
    return frozenset(SHARED.keys() - WITHOUT[name].keys() | VENDOR_ADDS[name].keys())


DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect("bvlc", "BVLC Caffe and OpenCV alike", frozenset(SHARED)),
        Dialect("opencv", "OpenCV's importer (cv2.dnn)", frozenset({*SHARED, *OPENCV})),
        Dialect("ssd", "forks of Caffe after SSD", frozenset({*SHARED, *SSD})),
        Dialect(
            "snpe",
            "Qualcomm SNPE",
            _vendor("snpe"),
            input_rank=4,
            scale_after_batch_norm=True,
        ),
        Dialect("nnie", "HiSilicon NNIE", _vendor("nnie"), input_rank=4),
        Dialect("trt", "the Caffe parser of TensorRT", _vendor("trt"), input_rank=4),
    )
}
"""By name. The predecessor's numbers 1 to 4 are bvlc, snpe, trt and nnie."""
