"""The functions that write one Caffe net."""

from __future__ import annotations

import enum
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from mgeconvert.api.arguments import as_file, end_points, judge, rounding, saved
from mgeconvert.build.parameters import forget_parameters
from mgeconvert.build.plan import unchecked
from mgeconvert.build.single import convert_single
from mgeconvert.errors import ConversionFailed, ConvertError, UnsupportedCase
from mgeconvert.manifest import CaffeOptions, Job, single_job
from mgeconvert.manifest.options import PARAMETERS_FILE


class BackEnd(enum.IntEnum):
    """The readers of Caffe nets, by the predecessor's numbers."""

    CAFFE = 1
    SNPE = 2
    TRT = 3
    NNIE = 4

    @property
    def dialect(self) -> str:
        return "bvlc" if self is BackEnd.CAFFE else self.name.lower()


def tracedmodule_to_caffe(
    traced_module: str | os.PathLike[str] | Any,
    prototxt: str | os.PathLike[str] = "out.prototxt",
    caffemodel: str | os.PathLike[str] = "out.caffemodel",
    outspec: str | Sequence[str] | None = None,
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
    asked = rounding(
        input_data_type, input_scales, input_zero_points, param_fake_quant=param_fake_quant
    )
    with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
        source = saved(traced_module, Path(folder))
        job = _caffe_job(source, Path(prototxt), outspec, options)
        _to_caffe(replace(job, quantization=asked), Path(caffemodel), Path(quantize_file_path))


def mge_to_caffe(
    mge_fpath: str | os.PathLike[str] | BinaryIO,
    prototxt: str | os.PathLike[str] = "out.prototxt",
    caffemodel: str | os.PathLike[str] = "out.caffemodel",
    outspec: str | Sequence[str] | None = None,
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
        source = as_file(mge_fpath, Path(folder))
        job = _caffe_job(source, prototxt, outspec, options)
        beside = prototxt.with_name(f"{prototxt.stem}.{PARAMETERS_FILE}")
        _to_caffe(job, Path(caffemodel), beside)


NO_QUANTIZED_CAFFE = (
    "require_quantize: Caffe's format has no quantized layers; without it, a QAT model gives a "
    "float net, with the parameters in a file beside it"
)


def _caffe_job(
    source: Path, prototxt: Path, outspec: str | Sequence[str] | None, options: CaffeOptions
) -> Job:
    judge(options)
    return single_job(
        source=source,
        output=prototxt.absolute(),
        format="caffe",
        outputs=end_points(outspec),
        options=options,
    )


def _to_caffe(job: Job, caffemodel: Path, parameters: Path) -> None:
    """Convert beside the weights, then give each file the name that is asked for."""
    prototxt = Path(job.file)
    wanted = {".prototxt": prototxt, ".caffemodel": caffemodel, f".{PARAMETERS_FILE}": parameters}
    folder = caffemodel.absolute().parent
    try:
        for path in (prototxt, caffemodel):
            path.absolute().parent.mkdir(parents=True, exist_ok=True)
        beside = tempfile.TemporaryDirectory(prefix=".mgeconvert-", dir=folder)
    except OSError as error:
        problem = ConvertError(f"the output folder {folder} cannot be written: {error.strerror}")
        raise ConversionFailed([problem]) from error
    with beside as made:
        convert_single(unchecked(replace(job, output=made)))
        forget_parameters(parameters)
        for ending, path in wanted.items():
            written = Path(made) / f"{job.stem}{ending}"
            if written.exists():
                shutil.move(written, path.absolute())
