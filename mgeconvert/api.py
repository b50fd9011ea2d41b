"""The predecessor's Python functions: each builds one job, the way a manifest's are built."""

from __future__ import annotations

import enum
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mgeconvert.build.plan import unchecked
from mgeconvert.build.single import convert_single
from mgeconvert.errors import ConversionFailed, UnsupportedCase
from mgeconvert.manifest import CaffeOptions, OnnxOptions, Options, single_job
from mgeconvert.manifest.keys import Table, Tables, keys
from mgeconvert.manifest.options import INPUT_TYPES, QuantizationKeys

ARGUMENT = "the argument"
PARAMETERS_FILE = "quant_params.json"


class BackEnd(enum.IntEnum):
    """The readers of Caffe nets, by the predecessor's numbers."""

    CAFFE = 1
    SNPE = 2
    TRT = 3
    NNIE = 4

    @property
    def dialect(self) -> str:
        return "bvlc" if self is BackEnd.CAFFE else self.name.lower()


def tracedmodule_to_onnx(
    traced_module: str | os.PathLike[str] | Any,
    output: str | os.PathLike[str] = "out.onnx",
    *,
    graph_name: str = "graph",
    opset: int = 8,
    outspec: Sequence[str] | None = None,
    input_data_type: str | None = None,
    input_scales: float | Sequence[float] | None = None,
    input_zero_points: int | Sequence[int] | None = None,
    require_quantize: bool = False,
    param_fake_quant: bool = False,
    quantize_file_path: str = "quant_params.json",
) -> None:
    """Write the TracedModule as an ONNX file.

    traced_module: the path of a `.tm` file, or a TracedModule (which MegEngine then saves first)
    opset: 7 to 23
    outspec: end points, as names of nodes or paths of modules; None for the module's own outputs
    input_data_type, input_scales, input_zero_points: how the inputs of a model without a QuantStub
        are quantized, one number for each input
    require_quantize: QuantizeLinear and DequantizeLinear instead of float (opset 10 and newer)
    param_fake_quant: round the parameters of a float model
    quantize_file_path: where the parameters of a QAT or quantized model go

    Raises ConversionFailed with all problems; then nothing is written.
    """
    options = OnnxOptions(opset=opset, graph_name=graph_name, quantize=require_quantize)
    rounding = QuantizationKeys(
        input_data_type=input_data_type,
        input_scales=_several(input_scales),
        input_zero_points=_several(input_zero_points),
        param_fake_quant=param_fake_quant,
    )
    _judge(options)
    _judge_rounding(rounding)
    with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
        source = _saved(traced_module, Path(folder))
        job = single_job(
            source=source, output=output, format="onnx", outputs=outspec or (), options=options
        )
        convert_single(unchecked(replace(job, quantization=rounding)))
    _place_parameters(Path(job.output) / f"{job.stem}.{PARAMETERS_FILE}", quantize_file_path)


def mge_to_onnx(
    mge_fpath: str | os.PathLike[str],
    output: str | os.PathLike[str] = "out.onnx",
    *,
    graph_name: str = "graph",
    opset: int = 8,
    outspec: Sequence[str] | None = None,
) -> None:
    """Write the float graph that `dump` wrote as an ONNX file.

    mge_fpath: the path of a `.mge` file
    opset: 7 to 23
    outspec: end points, as names of the graph's variables; None for its own outputs

    Raises ConversionFailed with all problems; then nothing is written.
    """
    options = OnnxOptions(opset=opset, graph_name=graph_name)
    _judge(options)
    job = single_job(
        source=Path(mge_fpath),
        output=output,
        format="onnx",
        outputs=outspec or (),
        options=options,
    )
    convert_single(unchecked(job))


def tracedmodule_to_caffe(
    traced_module: str | os.PathLike[str] | Any,
    prototxt: str | os.PathLike[str] = "out.prototxt",
    caffemodel: str | os.PathLike[str] = "out.caffemodel",
    outspec: Sequence[str] | None = None,
    use_empty_blobs: bool = False,
    input_data_type: str | None = None,
    input_scales: float | Sequence[float] | None = None,
    input_zero_points: int | Sequence[int] | None = None,
    require_quantize: bool = False,
    param_fake_quant: bool = False,
    split_conv_relu: bool = False,
    fuse_bn: bool = False,
    quantize_file_path: str = PARAMETERS_FILE,
    convert_backend: BackEnd | int = BackEnd.CAFFE,
) -> None:
    """Write the float TracedModule as a Caffe net and its weights.

    traced_module: the path of a `.tm` file, or a TracedModule (which MegEngine then saves first)
    outspec: end points, as names of nodes or paths of modules; None for the module's own outputs
    use_empty_blobs: write shapes instead of weights
    fuse_bn: fold batch norm into the layer before it
    convert_backend: the reader to write for
    the rest: for quantized models, which are refused until they are supported

    Raises ConversionFailed with all problems; then nothing is written.
    """
    if require_quantize:
        raise ConversionFailed([UnsupportedCase(NO_QUANTIZED_CAFFE)])
    refuse_quantization(
        {
            "input_data_type": input_data_type,
            "input_scales": input_scales,
            "input_zero_points": input_zero_points,
            "param_fake_quant": param_fake_quant or None,
            "split_conv_relu": split_conv_relu or None,
            "quantize_file_path": None
            if quantize_file_path == PARAMETERS_FILE
            else quantize_file_path,
        }
    )
    options = CaffeOptions(
        dialect=BackEnd(convert_backend).dialect, fuse_bn=fuse_bn, use_empty_blobs=use_empty_blobs
    )
    with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
        source = _saved(traced_module, Path(folder))
        _to_caffe(source, Path(prototxt), Path(caffemodel), outspec, options)


def mge_to_caffe(
    mge_fpath: str | os.PathLike[str],
    prototxt: str | os.PathLike[str] = "out.prototxt",
    caffemodel: str | os.PathLike[str] = "out.caffemodel",
    outspec: Sequence[str] | None = None,
    use_empty_blobs: bool = False,
    convert_backend: BackEnd | int = BackEnd.CAFFE,
) -> None:
    """Write the float graph that `dump` wrote as a Caffe net and its weights.

    The arguments are those of `tracedmodule_to_caffe`. Raises ConversionFailed with all problems;
    then nothing is written.
    """
    options = CaffeOptions(
        dialect=BackEnd(convert_backend).dialect, use_empty_blobs=use_empty_blobs
    )
    _to_caffe(Path(mge_fpath), Path(prototxt), Path(caffemodel), outspec, options)


NO_QUANTIZED_CAFFE = (
    "require_quantize: Caffe's format has no quantized layers; without it, a QAT model gives a "
    "float net"
)


def _to_caffe(
    source: Path,
    prototxt: Path,
    caffemodel: Path,
    outspec: Sequence[str] | None,
    options: CaffeOptions,
) -> None:
    """Convert beside the `.prototxt`, then give both files the names that are asked for."""
    _judge(options)
    prototxt, caffemodel = prototxt.absolute(), caffemodel.absolute()
    outputs = outspec or ()
    if caffemodel == prototxt.with_suffix(".caffemodel"):
        job = single_job(
            source=source, output=prototxt, format="caffe", outputs=outputs, options=options
        )
        convert_single(unchecked(job))
        return
    prototxt.parent.mkdir(parents=True, exist_ok=True)
    caffemodel.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".mgeconvert-", dir=caffemodel.parent) as folder:
        made = Path(folder) / f"{prototxt.stem}.prototxt"
        job = single_job(
            source=source, output=made, format="caffe", outputs=outputs, options=options
        )
        convert_single(unchecked(job))
        shutil.move(made.with_suffix(".caffemodel"), caffemodel)
        shutil.move(made, prototxt)


def _several(numbers: Any) -> tuple[Any, ...]:
    """Return one number, several, or None for none as a tuple."""
    if numbers is None:
        return ()
    return tuple(numbers) if isinstance(numbers, Sequence) else (numbers,)


def _judge_rounding(asked: QuantizationKeys) -> None:
    """Raise ConversionFailed for what the manifest would refuse as well."""
    kind, scales, zeros = asked.input_data_type, asked.input_scales, asked.input_zero_points
    problems = []
    if kind is not None and kind not in INPUT_TYPES:
        expected = ", ".join(INPUT_TYPES)
        problems.append(f"input_data_type must be one of {expected}, found {kind!r}")
    if (kind is None) != (not scales):
        problems.append("input_data_type and input_scales need each other")
    if zeros and len(zeros) != len(scales):
        problems.append(f"{len(zeros)} input_zero_points for {len(scales)} input_scales")
    if problems:
        raise ConversionFailed([UnsupportedCase(problem) for problem in problems])


def _place_parameters(written: Path, wanted: str) -> None:
    """Move the file of parameters, where the model has one, to the place that is asked for."""
    if written.exists() and written.resolve() != Path(wanted).resolve():
        shutil.move(written, wanted)


def refuse_quantization(given: dict[str, Any], *, kind: str = ARGUMENT) -> None:
    """Raise ConversionFailed naming each option that is given; None stands for not given."""
    problems = [
        UnsupportedCase(f"{kind} {name} is for quantized models, which are not yet supported")
        for name, value in given.items()
        if value is not None
    ]
    if problems:
        raise ConversionFailed(problems)


def _judge(options: Options) -> None:
    """Raise ConversionFailed for values that the manifest would refuse as well."""
    problems = [
        UnsupportedCase(f"{key.name} must be {key.kind.expected}, found {value!r}")
        for key in keys(type(options))
        if not isinstance(key.kind, Table | Tables)
        and not key.kind.accepts(value := getattr(options, key.name))
    ]
    if problems:
        raise ConversionFailed(problems)


def _saved(traced_module: Any, folder: Path) -> Path:
    """Return the path of the module's file, which MegEngine writes where it is an object."""
    if isinstance(traced_module, str | os.PathLike):
        return Path(traced_module)
    import megengine

    path = folder / "module.tm"
    megengine.save(traced_module, str(path))
    return path
