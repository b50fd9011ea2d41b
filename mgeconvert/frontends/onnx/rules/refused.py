"""Operators that are refused for a reason that is worth telling."""

from __future__ import annotations

CONTROL_FLOW = "the IR has no control flow"
SEQUENCES = "the IR has tensors only, no sequences and optional values"
DATA = "the size of its result depends on the data"
TRAINING = "it belongs to training"
RANDOM = "random numbers are not the same twice"
QUANTIZED = "of quantization, QuantizeLinear and DequantizeLinear are read"
TEXT = "the IR has no texts"

REFUSED: dict[str, str] = {
    **dict.fromkeys(("If", "Loop", "Scan", "SequenceMap"), CONTROL_FLOW),
    **dict.fromkeys(
        (
            *("SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase"),
            *("SequenceInsert", "SequenceLength", "SplitToSequence", "ConcatFromSequence"),
            *("Optional", "OptionalGetElement", "OptionalHasElement"),
        ),
        SEQUENCES,
    ),
    "Unique": DATA,
    **dict.fromkeys(
        ("Gradient", "Adam", "Adagrad", "Momentum", "NegativeLogLikelihoodLoss"), TRAINING
    ),
    "SoftmaxCrossEntropyLoss": TRAINING,
    **dict.fromkeys(
        (
            *("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
            *("Multinomial", "Bernoulli"),
        ),
        RANDOM,
    ),
    **dict.fromkeys(
        (
            *("DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul"),
            *("ConvInteger", "MatMulInteger"),
        ),
        QUANTIZED,
    ),
    **dict.fromkeys(
        ("StringConcat", "StringSplit", "StringNormalizer", "RegexFullMatch", "TfIdfVectorizer"),
        TEXT,
    ),
}
