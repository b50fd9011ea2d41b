"""The commands that write one ONNX file."""

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


def traced_to_onnx_command(commands: Commands) -> None:
    text = "Convert one TracedModule file to ONNX."
    parser = to_onnx_command(commands, "tracedmodule_to_onnx", text, "the .tm file")
    quantization_options(parser)
    parser.set_defaults(run=_traced_to_onnx, loads=("traced", "onnx"))


def mge_to_onnx_command(commands: Commands) -> None:
    text = "Convert one dumped graph to ONNX."
    parser = to_onnx_command(commands, "mge_to_onnx", text, "the .mge file")
    parser.set_defaults(run=_mge_to_onnx, loads=("mge", "onnx"))


def to_onnx_command(
    commands: Commands, name: str, text: str, source: str
) -> argparse.ArgumentParser:
    parser = command(commands, name, text)
    parser.add_argument("-i", "--input", required=True, help=source)
    parser.add_argument("-o", "--output", required=True, help="the .onnx file")
    parser.add_argument("--opset", type=int, default=8, help="7 to 23 (default: %(default)s)")
    parser.add_argument("--graph_name", default="graph", help="default: %(default)s")
    parser.add_argument(
        "--end_point", default="", metavar="NAMES", help="end points, separated by ;"
    )
    return parser


def _traced_to_onnx(options: argparse.Namespace) -> int:
    from mgeconvert.api import tracedmodule_to_onnx

    tracedmodule_to_onnx(
        options.input,
        options.output,
        graph_name=options.graph_name,
        opset=options.opset,
        outspec=end_points(options),
        **quantization_arguments(options),
    )
    return written(options)


def _mge_to_onnx(options: argparse.Namespace) -> int:
    from mgeconvert.api import mge_to_onnx

    mge_to_onnx(
        options.input,
        options.output,
        graph_name=options.graph_name,
        opset=options.opset,
        outspec=end_points(options),
    )
    return written(options)
