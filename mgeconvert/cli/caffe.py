"""The commands that write one Caffe net."""

from __future__ import annotations

import argparse
from pathlib import Path

from mgeconvert.cli.options import (
    OK,
    Commands,
    command,
    end_points,
    quantization_arguments,
    quantization_options,
)

BACKENDS = {"caffe": 1, "snpe": 2, "trt": 3, "nnie": 4}


def _backend(text: str) -> int:
    """Read a name or a number of a reader of Caffe nets."""
    numbers = BACKENDS | {str(number): number for number in BACKENDS.values()}
    if text.lower() not in numbers:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(BACKENDS)}, or 1 to 4")
    return numbers[text.lower()]


def traced_to_caffe_command(commands: Commands) -> None:
    text = "Convert one TracedModule file to Caffe."
    parser = to_caffe_command(commands, "tracedmodule_to_caffe", text, "the .tm file")
    parser.add_argument("--fuse_bn", action="store_true", help="fold batch norm where exact")
    group = quantization_options(parser)
    group.add_argument(
        "--split_conv_relu",
        action="store_true",
        help="tell of layers before a ReLU how their own result is quantized",
    )
    parser.set_defaults(run=_traced_to_caffe, loads=("traced", "caffe"))


def mge_to_caffe_command(commands: Commands) -> None:
    text = "Convert one dumped graph to Caffe."
    parser = to_caffe_command(commands, "mge_to_caffe", text, "the .mge file")
    parser.set_defaults(run=_mge_to_caffe, loads=("mge", "caffe"))


def to_caffe_command(
    commands: Commands, name: str, text: str, source: str
) -> argparse.ArgumentParser:
    parser = command(commands, name, text)
    parser.add_argument("-i", "--input", required=True, help=source)
    parser.add_argument("-c", "--prototxt", required=True, help="the .prototxt file")
    parser.add_argument("-b", "--caffemodel", required=True, help="the .caffemodel file")
    parser.add_argument(
        "--end_point", default="", metavar="NAMES", help="end points, separated by ;"
    )
    parser.add_argument(
        "--use_empty_blobs", action="store_true", help="write shapes instead of weights"
    )
    parser.add_argument(
        "--convert_backend",
        type=_backend,
        default=1,
        metavar="READER",
        help="caffe, snpe, trt, nnie, or 1 to 4 (default: caffe)",
    )
    return parser


def _traced_to_caffe(options: argparse.Namespace) -> int:
    from mgeconvert.api import tracedmodule_to_caffe

    tracedmodule_to_caffe(
        options.input,
        options.prototxt,
        options.caffemodel,
        outspec=end_points(options),
        use_empty_blobs=options.use_empty_blobs,
        split_conv_relu=options.split_conv_relu,
        fuse_bn=options.fuse_bn,
        convert_backend=options.convert_backend,
        **quantization_arguments(options),
    )
    return _written_both(options)


def _mge_to_caffe(options: argparse.Namespace) -> int:
    from mgeconvert.api import mge_to_caffe

    mge_to_caffe(
        options.input,
        options.prototxt,
        options.caffemodel,
        outspec=end_points(options),
        use_empty_blobs=options.use_empty_blobs,
        convert_backend=options.convert_backend,
    )
    return _written_both(options)


def _written_both(options: argparse.Namespace) -> int:
    for path in (options.prototxt, options.caffemodel):
        print(f"{path}: {Path(path).stat().st_size} bytes")
    return OK
