"""Which version of a TFLite operator first had what, as conditions; needs the conditions only.

An operator has no entry where its first version means everything that it can say. The facts are
those of TensorFlow's own table of operator versions. A version has what all lower ones have, so
the lowest one that will do is the highest that is needed.
"""

from __future__ import annotations

from collections.abc import Mapping

from mgeconvert.backends.tflite.versions_conditions import (
    both,
    broadcasts_above,
    either,
    gives,
    gives_per_channel,
    grows,
    no,
    per_channel,
    quantized,
    rank_above,
    rank_other_than,
    says,
    takes,
)
from mgeconvert.backends.tflite.versions_products import INT16, PRODUCTS, Needs

FLOAT8 = ("FLOAT8_E4M3FN", "FLOAT8_E5M2")

BY_INT8: Needs = {2: takes(0, "INT8")}
BY_INT16: Needs = {2: takes(0, "INT16")}
BY_BOTH_AT_ONCE: Needs = {2: takes(0, "INT8", "INT16")}
BY_INT8_THEN_INT16: Needs = {2: takes(0, "INT8"), 3: takes(0, "INT16")}
BY_INT8_THEN_BOOL: Needs = {2: takes(0, "INT8"), 3: takes(0, "BOOL")}
EXTREMA: Needs = {2: takes(0, "INT8"), 3: broadcasts_above(4), 4: INT16}
PADDING: Needs = {
    2: takes(0, "INT8"),
    3: takes(0, "INT16"),
    4: rank_above(4),
    5: takes(0, "BOOL"),
    6: takes(0, *FLOAT8),
}
BLOCKS: Needs = {2: takes(0, "INT8"), 3: rank_other_than(4), 4: takes(0, "INT16")}

NEEDS: Mapping[str, Needs] = {
    **PRODUCTS,
    **dict.fromkeys(
        (
            *("DEPTH_TO_SPACE", "GREATER", "LESS_EQUAL", "LOG_SOFTMAX", "SPACE_TO_DEPTH"),
            *("SQUARED_DIFFERENCE", "SUM"),
        ),
        BY_INT8,
    ),
    **dict.fromkeys(("EXP", "FLOOR_MOD", "LOG", "REDUCE_PROD", "SQRT"), BY_BOTH_AT_ONCE),
    **dict.fromkeys(
        (
            *("AVERAGE_POOL_2D", "GREATER_EQUAL", "LESS", "LOGISTIC", "MAX_POOL_2D", "MEAN"),
            *("MIRROR_PAD", "REDUCE_MAX", "REDUCE_MIN", "RELU6", "RSQRT", "SOFTMAX", "TANH"),
        ),
        BY_INT8_THEN_INT16,
    ),
    **dict.fromkeys(("MAXIMUM", "MINIMUM"), EXTREMA),
    **dict.fromkeys(("PAD", "PADV2"), PADDING),
    **dict.fromkeys(("BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND"), BLOCKS),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), BY_INT8_THEN_BOOL),
    "ABS": {
        2: takes(0, "INT8", "UINT8"),
        3: takes(0, "INT16"),
        4: both(takes(0, "INT16"), no(quantized(0))),
        5: takes(0, "INT32"),
    },
    "ADD": {
        2: takes(0, "INT8"),
        3: both(INT16, says("potScaleInt16", unless=True)),
        4: takes(0, "INT64"),
        5: both(takes(0, "INT16"), no(quantized(0))),
        6: takes(0, "FLOAT16"),
    },
    "BROADCAST_TO": {3: takes(0, "INT8", "INT16"), 4: takes(0, *FLOAT8)},
    "CAST": {
        2: either(takes(0, "UINT32"), gives("UINT32")),
        3: either(takes(0, "INT8"), gives("INT8")),
        4: either(takes(0, "UINT16"), gives("UINT16")),
        5: either(takes(0, "FLOAT16", "FLOAT64"), gives("FLOAT16", "FLOAT64")),
        6: takes(0, "INT4"),
        7: either(takes(0, "BFLOAT16"), gives("BFLOAT16")),
        8: either(takes(0, "INT2", "UINT4"), gives("INT2", "UINT4")),
        9: either(takes(0, *FLOAT8), gives(*FLOAT8)),
    },
    "CONCATENATION": {
        2: takes(0, "INT8"),
        3: takes(0, "INT16"),
        4: takes(0, "UINT32"),
        5: takes(0, "INT4"),
        7: takes(0, *FLOAT8),
    },
    "DEQUANTIZE": {
        2: takes(0, "INT8"),
        3: takes(0, "INT16", "FLOAT16"),
        5: per_channel(0),
        6: takes(0, "INT4"),
        7: takes(0, "INT2"),
        8: takes(0, "UINT4"),
        9: takes(0, *FLOAT8),
    },
    "DIV": {2: broadcasts_above(4)},
    "DYNAMIC_UPDATE_SLICE": {
        2: takes(2, "INT64"),
        3: takes(0, "FLOAT16"),
        4: takes(0, "INT16"),
        5: takes(0, "INT4"),
        6: takes(0, "BFLOAT16"),
    },
    "EQUAL": {2: takes(0, "INT8"), 3: takes(0, "STRING"), 5: takes(0, "INT16")},
    "FAKE_QUANT": {2: says("narrowRange", unless=False)},
    "FILL": {
        2: takes(1, "BOOL", "STRING"),
        3: takes(1, "INT8", "INT16"),
        4: takes(1, "FLOAT16"),
        5: takes(1, *FLOAT8),
    },
    "FLOOR_DIV": {2: takes(0, "FLOAT32"), 3: takes(0, "INT8", "INT16")},
    "GATHER": {
        2: takes(0, "INT8"),
        3: takes(0, "BOOL"),
        4: takes(0, "INT16"),
        5: says("batchDims"),
        6: takes(1, "INT16"),
        7: takes(0, "INT4"),
        8: takes(0, *FLOAT8),
    },
    "GATHER_ND": {
        2: takes(0, "STRING"),
        3: takes(0, "INT16"),
        4: takes(1, "INT16"),
        5: takes(0, "BOOL"),
        6: takes(0, *FLOAT8),
    },
    "GELU": {2: takes(0, "INT8", "UINT8")},
    "L2_NORMALIZATION": {2: gives("INT8")},
    "LEAKY_RELU": BY_INT16,
    "MUL": {
        2: takes(0, "INT8"),
        3: grows,
        4: takes(0, "INT16"),
        5: takes(0, "INT64"),
        6: takes(0, "COMPLEX64"),
        7: either(takes(0, "UINT32"), both(takes(0, "INT16"), no(quantized(0, 1)))),
        8: takes(0, "FLOAT16"),
    },
    "NOT_EQUAL": {2: takes(0, "INT8"), 3: takes(0, "STRING"), 4: takes(0, "INT16")},
    "PACK": {
        2: takes(0, "INT8"),
        3: takes(0, "INT16"),
        4: takes(0, "UINT32"),
        5: takes(0, *FLOAT8),
    },
    "QUANTIZE": {
        # LiteRT's quantizer writes 2 for a change of scale, TensorFlow's table 1
        2: either(gives("INT16"), takes(0, "INT8", "UINT8", "INT16")),
        3: gives_per_channel,
        4: either(takes(0, "INT4"), gives("INT4")),
        5: either(takes(0, "UINT4"), gives("UINT4")),
    },
    "RANGE": {2: takes(0, "INT64")},
    "RELU": {2: takes(0, "INT8", "UINT8"), 3: takes(0, "INT16")},
    "RESIZE_BILINEAR": {
        2: takes(0, "INT8"),
        3: says("halfPixelCenters", unless=False),
        4: takes(0, "INT16"),
    },
    "RESIZE_NEAREST_NEIGHBOR": {
        2: takes(0, "INT8"),
        3: either(says("halfPixelCenters", unless=False), says("alignCorners", unless=False)),
        4: takes(0, "INT16"),
    },
    "REVERSE_V2": {2: takes(0, "BOOL"), 3: takes(0, "INT8"), 4: takes(0, *FLOAT8)},
    "SELECT": {
        2: takes(1, "INT8"),
        3: rank_above(4, inputs=(0, 1, 2)),
        4: takes(1, "UINT32"),
    },
    "SELECT_V2": {2: takes(1, "UINT32")},
    "SIGN": {2: takes(0, "INT32")},
    "SLICE": {
        2: takes(0, "INT8"),
        3: takes(0, "STRING"),
        4: takes(0, "INT16"),
        5: rank_above(4),
        6: takes(0, "UINT32"),
        7: takes(0, "INT4"),
    },
    "SPARSE_TO_DENSE": {2: takes(2, "INT64"), 3: takes(2, "INT8", "UINT8")},
    "SPLIT": {
        2: takes(1, "INT8"),
        3: takes(1, "INT32"),
        4: takes(1, "INT16"),
        5: takes(1, *FLOAT8),
    },
    "SPLIT_V": {2: takes(0, "INT8"), 3: takes(0, *FLOAT8)},
    "SQUEEZE": {2: takes(0, "STRING")},
    "STRIDED_SLICE": {
        2: takes(0, "INT8"),
        3: takes(0, "BOOL"),
        4: rank_above(4),
        5: takes(0, "STRING"),
        6: either(says("ellipsisMask"), says("newAxisMask")),
        7: takes(0, "UINT32"),
        8: says("offset", unless=False),
    },
    "SUB": {
        2: takes(0, "INT8"),
        3: broadcasts_above(4),
        4: takes(0, "INT64"),
        5: both(INT16, says("potScaleInt16", unless=True)),
    },
    "TILE": {2: takes(0, "STRING"), 3: takes(0, "INT8")},
    "TOPK_V2": {
        2: takes(0, "INT8"),
        3: either(takes(0, "INT16"), takes(1, "INT16"), gives("INT16", index=1)),
    },
    "TRANSPOSE": {
        2: takes(0, "INT8"),
        3: takes(0, "BOOL"),
        4: rank_above(4),
        5: takes(0, "INT16"),
        6: rank_above(5),
        7: takes(0, "INT4"),
        8: either(rank_above(6), takes(0, "BFLOAT16")),
    },
    "UNPACK": {
        2: takes(0, "INT8", "UINT8"),
        3: takes(0, "BOOL"),
        4: takes(0, "INT16"),
        5: takes(0, "FLOAT16", "BFLOAT16"),
        6: takes(0, *FLOAT8),
    },
    "WHERE": {2: no(takes(0, "BOOL"))},
}
