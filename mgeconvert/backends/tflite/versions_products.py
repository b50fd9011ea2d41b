"""Which version of a TFLite operator that sums products, such as a convolution, first had what.

As in `versions_data`. Where TensorFlow's own table asks for int16 weights, as it does for the
version with int16 data, that is taken for a slip: the kernels that came then have int8 weights.
"""

from __future__ import annotations

from collections.abc import Mapping

from mgeconvert.backends.tflite.versions_conditions import (
    Condition,
    both,
    either,
    gives,
    grouped,
    has,
    inputs_number,
    no,
    per_channel,
    says,
    takes,
)

Needs = Mapping[int, Condition]

INT8 = both(takes(0, "INT8"), takes(1, "INT8"), gives("INT8"))
INT16 = both(takes(0, "INT16"), gives("INT16"))
HYBRID = both(takes(0, "FLOAT32"), takes(1, "INT8"), gives("FLOAT32"))
ASYMMETRIC = says("asymmetricQuantizeInputs", unless=False)
BIAS_TYPE = both(INT16, takes(1, "INT8"), says("quantizedBiasType"))

# recurrent operators whose inner products may have int8 weights and float data
WEIGHTS_1 = both(takes(1, "INT8"), gives("FLOAT32"))
WEIGHTS_2 = both(takes(0, "FLOAT32"), takes(2, "INT8"), gives("FLOAT32"))
BY_WEIGHTS: Needs = {2: WEIGHTS_1, 3: both(WEIGHTS_1, ASYMMETRIC)}

PRODUCTS: Mapping[str, Needs] = {
    **dict.fromkeys(
        ("BIDIRECTIONAL_SEQUENCE_RNN", "RNN", "UNIDIRECTIONAL_SEQUENCE_RNN"), BY_WEIGHTS
    ),
    "BATCH_MATMUL": {
        2: takes(0, "INT8"),
        3: takes(0, "INT16"),
        4: both(HYBRID, ASYMMETRIC),
    },
    # its input 1 is left out where the input gate is coupled to the forget gate
    "BIDIRECTIONAL_SEQUENCE_LSTM": {2: WEIGHTS_2, 3: both(WEIGHTS_2, ASYMMETRIC)},
    "CONV_2D": {
        2: HYBRID,
        3: INT8,
        4: INT16,
        5: both(HYBRID, per_channel(1)),
        6: grouped,
        7: takes(1, "INT4"),
        8: BIAS_TYPE,
    },
    "DEPTHWISE_CONV_2D": {
        2: either(says("dilationWFactor", unless=1), says("dilationHFactor", unless=1)),
        3: INT8,
        4: HYBRID,
        5: INT16,
        6: both(HYBRID, per_channel(1)),
        7: takes(1, "INT4"),
    },
    "EMBEDDING_LOOKUP": {4: either(takes(1, "INT4"), per_channel(1)), 5: takes(1, "INT2")},
    "FULLY_CONNECTED": {
        2: says("weightsFormat"),
        3: HYBRID,
        4: INT8,
        5: says("keepNumDims", unless=False),
        6: inputs_number(2),
        7: INT16,
        9: both(HYBRID, ASYMMETRIC),
        10: takes(1, "INT4"),
        11: BIAS_TYPE,
        12: both(HYBRID, per_channel(1)),
        13: both(INT16, takes(1, "INT4")),
        14: takes(1, "INT2"),
    },
    "LSTM": {
        2: says("kernelType"),
        3: both(WEIGHTS_2, no(says("kernelType"))),
        4: both(WEIGHTS_2, no(says("kernelType")), ASYMMETRIC),
        5: both(INT16, takes(2, "INT8"), no(says("kernelType"))),
    },
    "SVDF": {2: HYBRID, 3: takes(0, "INT8"), 4: both(HYBRID, ASYMMETRIC)},
    "TRANSPOSE_CONV": {
        2: takes(1, "INT8"),
        3: has(3),
        4: says("fusedActivationFunction"),
        5: both(takes(1, "INT8"), takes(2, "INT16"), says("quantizedBiasType")),
    },
    "UNIDIRECTIONAL_SEQUENCE_LSTM": {
        2: WEIGHTS_2,
        3: both(WEIGHTS_2, ASYMMETRIC),
        4: says("diagonalRecurrentTensors", unless=False),
        5: both(INT16, takes(2, "INT8")),
    },
}
