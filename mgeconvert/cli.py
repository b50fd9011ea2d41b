"""The command `mgeconvert`: builds of manifests, and the predecessor's commands."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from mgeconvert import __version__
from mgeconvert.errors import (
    ConversionFailed,
    ConvertError,
    InternalError,
    ManifestError,
    UnsupportedCase,
)

if TYPE_CHECKING:
    from mgeconvert.diagnose.result import Diagnosis
    from mgeconvert.manifest import Job

Number = TypeVar("Number", int, float)
OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
EPILOG = """exit codes: 0 all good; 1 a job failed; 2 wrong usage or a wrong manifest, nothing was
started; 130 interrupted"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. What a user can cause gives lines, no traceback."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except ConversionFailed as failed:
        return _say(failed.problems)
    except ConvertError as problem:
        return _say([problem])
    except InternalError as error:
        print(f"mgeconvert: a bug, please report it: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED


def _say(problems: Sequence[ConvertError]) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    return USAGE if all(problem.code == "manifest" for problem in problems) else FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mgeconvert", description="Batch converter for MegEngine models.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"mgeconvert {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _convert_command(commands)
    _plan_command(commands)
    _report_command(commands)
    _clean_command(commands)
    _diagnose_command(commands)
    _traced_to_onnx_command(commands)
    _mge_to_onnx_command(commands)
    _traced_to_caffe_command(commands)
    _mge_to_caffe_command(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _command(commands: Commands, name: str, text: str) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=text, description=text, epilog=EPILOG)


def _manifest_command(commands: Commands, name: str, text: str) -> argparse.ArgumentParser:
    parser = _command(commands, name, text)
    parser.add_argument(
        "-f",
        "--manifest",
        type=Path,
        default=Path("models.toml"),
        metavar="FILE",
        help="the manifest (default: %(default)s)",
    )
    return parser


def _convert_command(commands: Commands) -> None:
    parser = _manifest_command(
        commands, "convert", "Convert, check and publish what is not current."
    )
    parser.add_argument("jobs", nargs="*", metavar="MODEL[:TARGET]", help="only these; * and ?")
    parser.add_argument("-n", "--process", type=int, default=0, help="jobs at the same time")
    parser.add_argument("--rehash", action="store_true", help="hash every file again")
    parser.add_argument(
        "--check-passes",
        action="store_true",
        help="evaluate the model after each pass, and name the first that changes numbers",
    )
    parser.set_defaults(run=_convert)


def _convert(options: argparse.Namespace) -> int:
    from mgeconvert.build.command import run_build
    from mgeconvert.build.plan import Build

    build = Build(options.manifest)
    build.select(options.jobs)  # a wrong name is an error of usage
    flags = ["--rehash"] * options.rehash + ["--check-passes"] * options.check_passes
    return run_build(build, ["-n", str(options.process), *flags, "convert", *options.jobs])


def _plan_command(commands: Commands) -> None:
    parser = _manifest_command(commands, "plan", "List the jobs, what each needs, and orphans.")
    parser.set_defaults(run=_plan)


def _plan(options: argparse.Namespace) -> int:
    from mgeconvert.build.plan import Build
    from mgeconvert.build.reports import plan_lines

    for line in plan_lines(Build(options.manifest)):
        print(line)
    return OK


def _report_command(commands: Commands) -> None:
    parser = _manifest_command(commands, "report", "Write the report of what has been built.")
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    from mgeconvert.build.plan import Build
    from mgeconvert.build.reports import report_folder, write_reports

    build = Build(options.manifest)
    write_reports(build)
    print(report_folder(build) / "report.html")
    return OK


def _clean_command(commands: Commands) -> None:
    parser = _manifest_command(
        commands, "clean", "Remove published files whose job has left the manifest."
    )
    parser.add_argument(
        "jobs", nargs="*", metavar="MODEL[:TARGET]", help="the files of these jobs instead"
    )
    parser.add_argument(
        "--force", action="store_true", help="also files that were changed after publishing"
    )
    parser.set_defaults(run=_clean)


def _clean(options: argparse.Namespace) -> int:
    from mgeconvert.build.plan import Build

    cleaned = Build(options.manifest).clean(options.jobs, force=options.force)
    for path in cleaned.removed:
        print(f"removed {path}")
    for path in cleaned.changed:
        print(f"left, since it was changed: {path}")
    return FAILED if cleaned.changed else OK


DIAGNOSE_EPILOG = """exit codes: 0 nothing differs; 1 something does; 2 wrong usage or a wrong
manifest; 3 nothing was found, but not everything could be compared; 130 interrupted"""
UNFINISHED = 3


def _diagnose_command(commands: Commands) -> None:
    text = "Name the first wrong tensor of a job: of the source's reading, a pass, or the artifact."
    parser = commands.add_parser("diagnose", help=text, description=text, epilog=DIAGNOSE_EPILOG)
    parser.add_argument("file", nargs="?", type=Path, help="a manifest (.toml), or a model")
    parser.add_argument(
        "jobs", nargs="*", metavar="MODEL[:TARGET]", help="of the manifest; * and ?"
    )
    parser.add_argument("--to", metavar="FORMAT", help="the target of a model")
    parser.add_argument("--opset", type=int, help="of --to onnx")
    parser.add_argument("--rtol", type=float, help="instead of the job's")
    parser.add_argument("--atol", type=float, help="instead of the job's")
    parser.add_argument("--artifact", default="", metavar="FILE", help="look at this file")
    parser.add_argument("--save", default="", metavar="DIR", help="write a reproducer there")
    parser.add_argument("--replay", type=Path, metavar="DIR", help="run a reproducer again")
    parser.add_argument("--json", action="store_true", help="print JSON, one line for each job")
    parser.set_defaults(run=_diagnose)


def _diagnose(options: argparse.Namespace) -> int:
    from mgeconvert.build.diagnosing import diagnose_job, replay

    if options.replay:
        return _told(options, [replay(options.replay)])
    jobs = _jobs_to_diagnose(options)
    if len(jobs) > 1 and (options.artifact or options.save):
        raise ManifestError("--artifact and --save are for one job")
    codes, save = [], options.save and os.path.abspath(options.save)
    for job in jobs:
        try:
            artifact = options.artifact and os.path.abspath(options.artifact)
            found = diagnose_job(job, artifact=artifact, save=save)
            codes.append(_told(options, [found]))
        except ConversionFailed as failed:
            _say(failed.problems)
            codes.append(UNFINISHED)
    return FAILED if FAILED in codes else max(codes, default=OK)


def _jobs_to_diagnose(options: argparse.Namespace) -> Sequence[Job]:
    """Return the jobs that the command names; raise ManifestError for a wrong usage."""
    from dataclasses import replace

    from mgeconvert.build.plan import Build

    if options.file is None:
        raise ManifestError("a manifest or a model is missing", hint="or give --replay DIR")
    if options.file.suffix == ".toml":
        if options.to or options.opset is not None:
            raise ManifestError("--to and --opset are for a model, not for a manifest")
        jobs = Build(options.file).select(options.jobs)
    else:
        jobs = (_single_job(options),)
    given = {k: getattr(options, k) for k in ("rtol", "atol") if getattr(options, k) is not None}
    return [replace(job, check=replace(job.check, **given)) for job in jobs]


def _single_job(options: argparse.Namespace) -> Job:
    from mgeconvert.manifest import OnnxOptions, single_job
    from mgeconvert.manifest.options import ENDINGS

    if options.jobs or options.to not in ENDINGS:
        hint = f"mgeconvert diagnose MODEL --to FORMAT, one of {', '.join(ENDINGS)}"
        raise ManifestError("a model needs its target, and nothing else", hint=hint)
    if options.opset is not None and options.to != "onnx":
        raise ManifestError("--opset is for --to onnx")
    output = f"{options.file.stem or 'model'}{ENDINGS[options.to]}"
    special = None if options.opset is None else OnnxOptions(opset=options.opset)
    return single_job(source=options.file, output=output, format=options.to, options=special)


def _told(options: argparse.Namespace, found: Sequence[Diagnosis]) -> int:
    for diagnosis in found:
        lines = [json.dumps(diagnosis.as_dict())] if options.json else diagnosis.lines()
        print(*lines, sep="\n", flush=True)
    if any(diagnosis.first for diagnosis in found):
        return FAILED
    return OK if all(diagnosis.finished for diagnosis in found) else UNFINISHED


def _traced_to_onnx_command(commands: Commands) -> None:
    text = "Convert one TracedModule file to ONNX."
    parser = _to_onnx_command(commands, "tracedmodule_to_onnx", text, "the .tm file")
    _quantization_options(parser)
    parser.set_defaults(run=_traced_to_onnx)


def _quantization_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
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


def _mge_to_onnx_command(commands: Commands) -> None:
    text = "Convert one dumped graph to ONNX."
    parser = _to_onnx_command(commands, "mge_to_onnx", text, "the .mge file")
    parser.set_defaults(run=_mge_to_onnx)


def _to_onnx_command(
    commands: Commands, name: str, text: str, source: str
) -> argparse.ArgumentParser:
    parser = _command(commands, name, text)
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
        outspec=_end_points(options),
        input_data_type=options.input_data_type,
        input_scales=_numbers(options.input_scales, float),
        input_zero_points=_numbers(options.input_zero_points, int),
        require_quantize=options.require_quantize,
        param_fake_quant=options.param_fake_quant,
        quantize_file_path=options.quantize_file_path,
    )
    return _written(options)


def _numbers(words: Sequence[str] | None, kind: Callable[[str], Number]) -> list[Number] | None:
    """Return the numbers in words that are separated by spaces or commas."""
    if words is None:
        return None
    parts = [part for word in words for part in word.split(",") if part]
    try:
        return [kind(part) for part in parts]
    except ValueError:
        problem = f"{' '.join(words)!r} where numbers are needed"
        raise ConversionFailed([UnsupportedCase(problem)]) from None


def _mge_to_onnx(options: argparse.Namespace) -> int:
    from mgeconvert.api import mge_to_onnx

    mge_to_onnx(
        options.input,
        options.output,
        graph_name=options.graph_name,
        opset=options.opset,
        outspec=_end_points(options),
    )
    return _written(options)


BACKENDS = {"caffe": 1, "snpe": 2, "trt": 3, "nnie": 4}


def _backend(text: str) -> int:
    """Read a name or a number of a reader of Caffe nets."""
    numbers = BACKENDS | {str(number): number for number in BACKENDS.values()}
    if text.lower() not in numbers:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(BACKENDS)}, or 1 to 4")
    return numbers[text.lower()]


def _traced_to_caffe_command(commands: Commands) -> None:
    text = "Convert one TracedModule file to Caffe."
    parser = _to_caffe_command(commands, "tracedmodule_to_caffe", text, "the .tm file")
    parser.add_argument("--fuse_bn", action="store_true", help="fold batch norm where exact")
    group = _quantization_options(parser)
    group.add_argument(
        "--split_conv_relu",
        action="store_true",
        help="tell of layers before a ReLU how their own result is quantized",
    )
    parser.set_defaults(run=_traced_to_caffe)


def _mge_to_caffe_command(commands: Commands) -> None:
    text = "Convert one dumped graph to Caffe."
    parser = _to_caffe_command(commands, "mge_to_caffe", text, "the .mge file")
    parser.set_defaults(run=_mge_to_caffe)


def _to_caffe_command(
    commands: Commands, name: str, text: str, source: str
) -> argparse.ArgumentParser:
    parser = _command(commands, name, text)
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
        outspec=_end_points(options),
        use_empty_blobs=options.use_empty_blobs,
        input_data_type=options.input_data_type,
        input_scales=_numbers(options.input_scales, float),
        input_zero_points=_numbers(options.input_zero_points, int),
        require_quantize=options.require_quantize,
        param_fake_quant=options.param_fake_quant,
        split_conv_relu=options.split_conv_relu,
        fuse_bn=options.fuse_bn,
        quantize_file_path=options.quantize_file_path,
        convert_backend=options.convert_backend,
    )
    return _written_both(options)


def _mge_to_caffe(options: argparse.Namespace) -> int:
    from mgeconvert.api import mge_to_caffe

    mge_to_caffe(
        options.input,
        options.prototxt,
        options.caffemodel,
        outspec=_end_points(options),
        use_empty_blobs=options.use_empty_blobs,
        convert_backend=options.convert_backend,
    )
    return _written_both(options)


def _written_both(options: argparse.Namespace) -> int:
    for path in (options.prototxt, options.caffemodel):
        print(f"{path}: {Path(path).stat().st_size} bytes")
    return OK


def _end_points(options: argparse.Namespace) -> list[str]:
    names = (name.strip() for name in options.end_point.split(";"))
    return [name for name in names if name]


def _written(options: argparse.Namespace) -> int:
    print(f"{options.output}: {Path(options.output).stat().st_size} bytes")
    return OK


if __name__ == "__main__":
    sys.exit(main())
