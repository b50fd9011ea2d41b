"""The predecessor's Python functions: each builds one job, the way a manifest's are built."""

from __future__ import annotations

import enum
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from mgeconvert.build.parameters import forget_parameters, place_parameters
from mgeconvert.build.plan import unchecked
from mgeconvert.build.single import convert_single
from mgeconvert.errors import ConversionFailed, UnsupportedCase
from mgeconvert.manifest import CaffeOptions, Job, OnnxOptions, Options, single_job
from mgeconvert.manifest.keys import Table, Tables, keys
from mgeconvert.manifest.options import INPUT_TYPES, QuantizationKeys

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
    quantize_file_path: where the parameters of a QAT or quantized model go; of another model,
        which has none, a file of parameters that is there is removed

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
        made = convert_single(unchecked(replace(job, quantization=rounding)))
    place_parameters(made, Path(job.output), Path(quantize_file_path))


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
    """Write the TracedModule as a Caffe net and its weights.

    traced_module: the path of a `.tm` file, or a TracedModule (which MegEngine then saves first)
    outspec: end points, as names of nodes or paths of modules; None for the module's own outputs
    use_empty_blobs: write shapes instead of weights
    input_data_type, input_scales, input_zero_points: how the inputs of a model without a QuantStub
        are quantized, one number for each input
    require_quantize: refused: Caffe has no layers that compute in whole numbers
    param_fake_quant: round the parameters of the float net
    split_conv_relu: tell of layers before a ReLU how their own result is quantized
    fuse_bn: fold batch norm into the layer before it
    quantize_file_path: where the parameters of a QAT or quantized model go
    convert_backend: the reader to write for

    Raises ConversionFailed with all problems; then nothing is written.
    """
    if require_quantize:
        raise ConversionFailed([UnsupportedCase(NO_QUANTIZED_CAFFE)])
    options = CaffeOptions(
        dialect=BackEnd(convert_backend).dialect,
        fuse_bn=fuse_bn,
        split_conv_relu=split_conv_relu,
        use_empty_blobs=use_empty_blobs,
    )
    rounding = QuantizationKeys(
        input_data_type=input_data_type,
        input_scales=_several(input_scales),
        input_zero_points=_several(input_zero_points),
        param_fake_quant=param_fake_quant,
    )
    _judge_rounding(rounding)
    with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
        source = _saved(traced_module, Path(folder))
        job = _caffe_job(source, Path(prototxt), outspec, options)
        _to_caffe(replace(job, quantization=rounding), Path(caffemodel), Path(quantize_file_path))


def mge_to_caffe(
    mge_fpath: str | os.PathLike[str] | BinaryIO,
    prototxt: str | os.PathLike[str] = "out.prototxt",
    caffemodel: str | os.PathLike[str] = "out.caffemodel",
    outspec: Sequence[str] | None = None,
    use_empty_blobs: bool = False,
    convert_backend: BackEnd | int = BackEnd.CAFFE,
) -> None:
    """Write the graph that `dump` wrote as a Caffe net and its weights.

    mge_fpath: the path of a `.mge` file, or a binary file object, which is read from where it is

    The other arguments are those of `tracedmodule_to_caffe`. Of a graph with quantization the
    parameters stand in a file beside the prototxt. Raises ConversionFailed with all problems; then
    nothing is written.
    """
    options = CaffeOptions(
        dialect=BackEnd(convert_backend).dialect, use_empty_blobs=use_empty_blobs
    )
    prototxt = Path(prototxt)
    with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
        source = _as_file(mge_fpath, Path(folder))
        job = _caffe_job(source, prototxt, outspec, options)
        beside = prototxt.with_name(f"{prototxt.stem}.{PARAMETERS_FILE}")
        _to_caffe(job, Path(caffemodel), beside)


NO_QUANTIZED_CAFFE = (
    "require_quantize: Caffe's format has no quantized layers; without it, a QAT model gives a "
    "float net, with the parameters in a file beside it"
)


def _caffe_job(
    source: Path, prototxt: Path, outspec: Sequence[str] | None, options: CaffeOptions
) -> Job:
    _judge(options)
    return single_job(
        source=source,
        output=prototxt.absolute(),
        format="caffe",
        outputs=outspec or (),
        options=options,
    )


def _to_caffe(job: Job, caffemodel: Path, parameters: Path) -> None:
    """Convert beside the weights, then give each file the name that is asked for."""
    prototxt = Path(job.file)
    wanted = {".prototxt": prototxt, ".caffemodel": caffemodel, f".{PARAMETERS_FILE}": parameters}
    folders = {path.absolute().parent for path in (prototxt, caffemodel)}
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=".mgeconvert-", dir=caffemodel.absolute().parent
    ) as made:
        convert_single(unchecked(replace(job, output=made)))
        forget_parameters(parameters)
        for ending, path in wanted.items():
            written = Path(made) / f"{job.stem}{ending}"
            if written.exists():
                shutil.move(written, path.absolute())


def _as_file(source: str | os.PathLike[str] | BinaryIO, folder: Path) -> Path:
    """Return the path of the source, which is written to `folder` where it is a file object."""
    if isinstance(source, str | os.PathLike):
        return Path(source)
    path = folder / "model.mge"
    with path.open("wb") as file:
        shutil.copyfileobj(source, file)
    return path


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
