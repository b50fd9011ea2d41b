"""What several commands share: exit codes, options and how numbers are read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from mgeconvert.errors import (
    ConversionFailed,
    ConvertError,
    ManifestError,
)

Number = TypeVar("Number", int, float)


OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


EPILOG = """exit codes: 0 all good; 1 a job failed; 2 wrong usage or a wrong manifest, nothing was
started; 130 interrupted"""


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def command(commands: Commands, name: str, text: str) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=text, description=text, epilog=EPILOG)


def quantization_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    group = parser.add_argument_group("for QAT and quantized models")
    group.add_argument("--input_data_type", help="of models without a QuantStub")
    group.add_argument("--input_scales", nargs="+", help="one for each input")
    group.add_argument("--input_zero_points", nargs="+", help="one for each input")
    group.add_argument("--require_quantize", action="store_true", help="keep it quantized")
    group.add_argument("--param_fake_quant", action="store_true", help="round the parameters")
    group.add_argument(
        "--quantize_file_path",
        default="quant_params.json",
        help="where the parameters go (default: %(default)s)",
    )
    return group


def quantization_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Return what `quantization_options` read, by the names that the Python functions have."""
    return {
        "input_data_type": options.input_data_type,
        "input_scales": numbers(options.input_scales, float),
        "input_zero_points": numbers(options.input_zero_points, int),
        "require_quantize": options.require_quantize,
        "param_fake_quant": options.param_fake_quant,
        "quantize_file_path": options.quantize_file_path,
    }


def numbers(words: Sequence[str] | None, kind: Callable[[str], Number]) -> list[Number] | None:
    """Return the numbers in words that are separated by spaces or commas."""
    if words is None:
        return None
    parts = [part for word in words for part in word.split(",") if part]
    try:
        return [kind(part) for part in parts]
    except ValueError:
        problem = f"{' '.join(words)!r} where numbers are needed"
        raise ConversionFailed([ManifestError(problem)]) from None


def end_points(options: argparse.Namespace) -> list[str]:
    names = (name.strip() for name in options.end_point.split(";"))
    return [name for name in names if name]


def written(options: argparse.Namespace) -> int:
    print(f"{options.output}: {Path(options.output).stat().st_size} bytes")
    return OK


def say(problems: Sequence[ConvertError]) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    return USAGE if all(problem.code == "manifest" for problem in problems) else FAILED
