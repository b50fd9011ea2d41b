"""The formats of targets, and the keys that only targets of one format have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mgeconvert.manifest.keys import key, planned
from mgeconvert.manifest.kinds import PATH, Choice, Flag, Listing, Real, Text, Whole

FORMATS = ("onnx", "tflite", "caffe", "torchscript", "mge", "tm")
ENDINGS: Mapping[str, str] = {"onnx": ".onnx", "tflite": ".tflite", "caffe": ".prototxt"}
"""The formats that can be written now, and how their main file's name ends."""


@dataclass(frozen=True, kw_only=True)
class OnnxOptions:
    """The options of an ONNX target."""

    opset: int = field(default=17, metadata=key(Whole(7, 23), "The ONNX operator set."))
    simplify: bool = field(
        default=False, metadata=key(Flag(), "Run onnx-simplifier on the result.")
    )
    optimize: bool = field(default=False, metadata=key(Flag(), "Run onnxoptimizer on the result."))
    graph_name: str = field(default="graph", metadata=key(Text(), "The name of the ONNX graph."))
    fold_bn: bool = field(
        default=True,
        metadata=key(Flag(), "Fold batch norm into the layer before it where that is exact."),
    )
    quantize: bool = field(
        default=False,
        metadata=key(
            Flag(),
            "Write QuantizeLinear and DequantizeLinear for the model's quantization parameters; "
            "else the model is float, with the parameters in a file beside it. Needs opset 10.",
        ),
    )
    external_data: str = field(
        default="auto",
        metadata=key(
            Choice(("auto", "always", "never")),
            "Weights in a file of their own: `auto` does so above 2 GiB, where `never` fails.",
        ),
    )


@dataclass(frozen=True, kw_only=True)
class CaffeOptions:
    """The options of a Caffe target; its weights are in MODEL`.caffemodel`."""

    dialect: str = field(
        default="bvlc",
        metadata=key(
            Choice(("bvlc", "opencv", "ssd", "snpe", "nnie", "trt")),
            "The reader to write for; `bvlc` is what BVLC Caffe and OpenCV read alike.",
        ),
    )
    fuse_bn: bool = field(
        default=False,
        metadata=key(Flag(), "Fold batch norm into the layer before it where that is exact."),
    )
    in_place: bool = field(
        default=False, metadata=key(Flag(), "Let elementwise layers overwrite what they read.")
    )
    split_conv_relu: bool = field(
        default=False,
        metadata=key(
            Flag(),
            "Tell of quantized layers before a ReLU how their own result is quantized, and keep "
            "the ReLU apart; see caffe.md.",
        ),
    )
    use_empty_blobs: bool = field(
        default=False,
        metadata=key(Flag(), "Write shapes instead of weights; such a net is not compared."),
    )


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """The options of a format that cannot be written yet; such a job is always disabled."""


@dataclass(frozen=True, kw_only=True)
class TfliteOptions:
    """The options of a TFLite target."""

    graph_name: str = field(default="graph", metadata=key(Text(), "The name of the subgraph."))
    fold_bn: bool = field(
        default=True,
        metadata=key(Flag(), "Fold batch norm into the layer before it where that is exact."),
    )
    quantize: bool = field(
        default=False,
        metadata=key(
            Flag(),
            "Write whole-number operators by the model's quantization parameters; else the model "
            "is float, with the parameters in a file beside it.",
        ),
    )
    disable_nhwc: bool = field(
        default=False,
        metadata=key(
            Flag(),
            "Keep images among the inputs and outputs N,C,H,W, as the source has them; else those "
            "that the model reads or makes as N,H,W,C are N,H,W,C.",
        ),
    )
    prefer_same_pad_mode: bool = field(
        default=False,
        metadata=key(
            Flag(),
            "Extend kernels by zeros where that makes their padding SAME, instead of a PAD.",
        ),
    )
    remove_relu: bool = field(
        default=False,
        metadata=key(
            Flag(),
            "Leave out a relu whose quantized result cannot express negative numbers anyway.",
        ),
    )
    use_int64_bias: bool = field(
        default=False,
        metadata=key(
            Flag(), "Biases of 64 bits in layers of 16 bit activations that also take 32."
        ),
    )
    mtk: bool = field(
        default=False,
        metadata=key(Flag(), "Refuse what MediaTek's Neuron compiler cannot read: see tflite.md."),
    )
    allow_custom: bool = field(
        default=False,
        metadata=planned("Allow custom operators that LiteRT has; no operator needs one yet."),
    )
    max_runtime: str = field(
        default="newest",
        metadata=key(
            Text(r"newest|[0-9]+\.[0-9]+(\.[0-9]+)?", 'a version such as "2.10.0", or "newest"'),
            "Refuse operators that this TFLite runtime does not have.",
        ),
    )


@dataclass(frozen=True)
class TorchscriptKeys:
    """The keys that TorchScript targets will have."""

    freeze: bool = field(metadata=planned("Freeze the module."))


@dataclass(frozen=True)
class NoKeys:
    """A format that has no keys of its own."""


OPTIONS: Mapping[str, type] = {
    "onnx": OnnxOptions,
    "tflite": TfliteOptions,
    "caffe": CaffeOptions,
    "torchscript": TorchscriptKeys,
    "mge": NoKeys,
    "tm": NoKeys,
}
"""The keys that only targets of one format have."""

IMPOSSIBLE: Mapping[str, Mapping[str, str]] = {
    "caffe": {
        "quantize": "Caffe has no layers that compute in whole numbers; without it, the net is "
        "float, with the parameters of quantization in a file beside it",
    },
}
"""Keys of other formats that a format cannot have, and why."""

Options = OnnxOptions | TfliteOptions | CaffeOptions | NoOptions

WRITTEN: Mapping[str, type[OnnxOptions] | type[TfliteOptions] | type[CaffeOptions]] = {
    "onnx": OnnxOptions,
    "tflite": TfliteOptions,
    "caffe": CaffeOptions,
}
"""The options of the formats that can be written."""


PARAMETERS_FILE = "quant_params.json"
"""How the name of the file with a model's quantization parameters ends."""

INPUT_TYPES: Mapping[str, tuple[int, int]] = {
    "quint8": (0, 255),
    "qint8": (-128, 127),
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
}
"""What inputs may be quantized to, and the least and the largest number of each type."""


@dataclass(frozen=True, kw_only=True)
class QuantizationKeys:
    """What is done with quantization parameters, and those of inputs without a QuantStub."""

    input_data_type: str | None = field(
        default=None,
        metadata=key(
            Choice(tuple(INPUT_TYPES)), "The type of the quantized inputs; needs `input_scales`."
        ),
    )
    input_scales: tuple[float, ...] = field(
        default=(),
        metadata=key(Listing(Real(above=0), "a list of scales", 1), "One scale for each input."),
    )
    input_zero_points: tuple[int, ...] = field(
        default=(),
        metadata=key(
            Listing(Whole(-(2**31)), "a list of whole numbers", 1),
            "One zero point for each input.",
            default="0 for each",
        ),
    )
    param_fake_quant: bool = field(
        default=False,
        metadata=key(Flag(), "Round the parameters to what their quantization can express."),
    )
    calibration: str | None = field(
        default=None,
        metadata=key(
            PATH,
            "Sample data as `.npz` files, also a glob: a float model is run on them to find its "
            "quantization parameters.",
        ),
    )
    params: str | None = field(
        default=None,
        metadata=key(
            PATH,
            "A file of quantization parameters to read, such as mgeconvert writes. What it says of "
            "a tensor comes in place of what the model says. An unknown name is an error.",
        ),
    )
    method: str = field(
        default="min-max",
        metadata=key(
            Choice(("min-max", "percentile", "mse")),
            "How `calibration` finds the range of a tensor: all that was seen, without the tails "
            "that `percentile` leaves out, or by the least mean squared error.",
        ),
    )
    percentile: float = field(
        default=99.99,
        metadata=key(
            Real(low=50, high=100), "How many % of the elements the method percentile keeps."
        ),
    )
    activation: str = field(
        default="int8",
        metadata=key(
            Choice(("int8", "uint8", "int16")), "The type of activations after `calibration`."
        ),
    )
    per_channel: bool = field(
        default=True,
        metadata=key(
            Flag(), "Give weights a scale for each channel in `calibration`; uint8 never has it."
        ),
    )
    calibration_files: tuple[str, ...] = ()
