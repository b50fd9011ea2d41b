"""The command `mgeconvert`: builds of manifests, and the predecessor's commands."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from mgeconvert import __version__
from mgeconvert.cli.builds import (
    clean_command,
    convert_command,
    gc_command,
    plan_command,
    report_command,
)
from mgeconvert.cli.caffe import mge_to_caffe_command, traced_to_caffe_command
from mgeconvert.cli.diagnosing import diagnose_command
from mgeconvert.cli.onnx import mge_to_onnx_command, traced_to_onnx_command
from mgeconvert.cli.options import EPILOG, FAILED, INTERRUPTED, say
from mgeconvert.cli.tflite import mge_to_tflite_command, traced_to_tflite_command
from mgeconvert.errors import ConversionFailed, ConvertError, InternalError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. What a user can cause gives lines, no traceback."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        with _loading(options):
            return run(options)
    except ConversionFailed as failed:
        return say(failed.problems)
    except ConvertError as problem:
        return say([problem])
    except InternalError as error:
        print(f"mgeconvert: a bug, please report it: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    except OSError as error:
        from mgeconvert.build.files import FULL

        if error.errno not in FULL:
            raise
        print(f"mgeconvert: {error.strerror}; free some space", file=sys.stderr)
        return FAILED


def _loading(options: argparse.Namespace) -> AbstractContextManager[None]:
    """Start the worker of a single conversion before anything else is loaded."""
    if "loads" not in options:
        return nullcontext()
    from mgeconvert.build.early import started

    return started(*options.loads)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mgeconvert", description="Batch converter for MegEngine models.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"mgeconvert {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    convert_command(commands)
    plan_command(commands)
    report_command(commands)
    clean_command(commands)
    gc_command(commands)
    diagnose_command(commands)
    traced_to_onnx_command(commands)
    mge_to_onnx_command(commands)
    traced_to_caffe_command(commands)
    mge_to_caffe_command(commands)
    traced_to_tflite_command(commands)
    mge_to_tflite_command(commands)
    return parser
