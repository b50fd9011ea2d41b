"""The commands that write one TFLite file."""

from __future__ import annotations

import argparse

from mgeconvert.cli.options import (
    Commands,
    command,
    end_points,
    quantization_arguments,
    quantization_options,
    written,
)


def traced_to_tflite_command(commands: Commands) -> None:
    text = "Convert one TracedModule file to TFLite."
    parser = _to_tflite_command(commands, "tracedmodule_to_tflite", text, "the .tm file")
    group = quantization_options(parser)
    group.add_argument(
        "--remove_relu",
        action="store_true",
        help="leave out a relu whose quantized result cannot be negative anyway",
    )
    parser.set_defaults(run=_traced_to_tflite, loads=("traced", "tflite"))


def mge_to_tflite_command(commands: Commands) -> None:
    text = "Convert one dumped graph to TFLite."
    parser = _to_tflite_command(commands, "mge_to_tflite", text, "the .mge file")
    parser.add_argument("--require_quantize", action="store_true", help="keep it quantized")
    parser.set_defaults(run=_mge_to_tflite, loads=("mge", "tflite"))


def _to_tflite_command(
    commands: Commands, name: str, text: str, source: str
) -> argparse.ArgumentParser:
    parser = command(commands, name, text)
    parser.add_argument("-i", "--input", required=True, help=source)
    parser.add_argument("-o", "--output", required=True, help="the .tflite file")
    parser.add_argument(
        "--graph-name", "--graph_name", default="graph", help="default: %(default)s"
    )
    parser.add_argument(
        "--outspec",
        "--end_point",
        dest="end_point",
        default="",
        metavar="NAMES",
        help="end points, separated by ;",
    )
    parser.add_argument(
        "--mtk", action="store_true", help="refuse what MediaTek's Neuron compiler cannot read"
    )
    parser.add_argument(
        "--prefer_same_pad_mode",
        action="store_true",
        help="extend kernels by zeros where that makes their padding SAME",
    )
    parser.add_argument(
        "--use_int64_bias", action="store_true", help="64 bits for biases beside int16 activations"
    )
    parser.add_argument(
        "--disable_nhwc", action="store_true", help="keep inputs and outputs as N,C,H,W"
    )
    parser.add_argument(
        "--tfversion",
        "--max_runtime",
        dest="max_runtime",
        default="newest",
        metavar="VERSION",
        help="the TFLite runtime that has to have all operators, such as 2.10.0",
    )
    return parser


def _traced_to_tflite(options: argparse.Namespace) -> int:
    from mgeconvert.api import tracedmodule_to_tflite

    tracedmodule_to_tflite(
        options.input,
        options.output,
        graph_name=options.graph_name,
        mtk=options.mtk,
        outspec=end_points(options),
        remove_relu=options.remove_relu,
        prefer_same_pad_mode=options.prefer_same_pad_mode,
        disable_nhwc=options.disable_nhwc,
        use_int64_bias=options.use_int64_bias,
        max_runtime=options.max_runtime,
        **quantization_arguments(options),
    )
    return written(options)


def _mge_to_tflite(options: argparse.Namespace) -> int:
    from mgeconvert.api import mge_to_tflite

    mge_to_tflite(
        options.input,
        options.output,
        graph_name=options.graph_name,
        mtk=options.mtk,
        disable_nhwc=options.disable_nhwc,
        outspec=end_points(options),
        prefer_same_pad_mode=options.prefer_same_pad_mode,
        use_int64_bias=options.use_int64_bias,
        require_quantize=options.require_quantize,
        max_runtime=options.max_runtime,
    )
    return written(options)
