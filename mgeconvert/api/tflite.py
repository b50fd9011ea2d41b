"""The functions that write one TFLite file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from mgeconvert.api.arguments import (
    as_file,
    end_points,
    judge,
    rounding,
    saved,
)
from mgeconvert.build.parameters import place_parameters
from mgeconvert.build.plan import unchecked
from mgeconvert.build.single import convert_single
from mgeconvert.manifest import TfliteOptions, single_job
from mgeconvert.manifest.options import PARAMETERS_FILE, QuantizationKeys


def tracedmodule_to_tflite(
    traced_module: str | os.PathLike[str] | Any,
    output: str | os.PathLike[str] = "out.tflite",
    *,
    input_data_type: str | None = None,
    input_scales: float | Sequence[float] | None = None,
    input_zero_points: int | Sequence[int] | None = None,
    require_quantize: bool = False,
    param_fake_quant: bool = False,
    quantize_file_path: str = PARAMETERS_FILE,
    graph_name: str = "graph",
    mtk: bool = False,
    outspec: str | Sequence[str] | None = None,
    remove_relu: bool = False,
    prefer_same_pad_mode: bool = False,
    disable_nhwc: bool = False,
    use_int64_bias: bool = False,
    max_runtime: str = "newest",
) -> None:
    """Write the TracedModule as a TFLite file.

    traced_module: the path of a `.tm` file, or a TracedModule (which MegEngine then saves first)
    input_data_type, input_scales, input_zero_points: how the inputs of a model without a QuantStub
        are quantized, one number for each input
    require_quantize: operators of whole numbers instead of float
    param_fake_quant: round the parameters of a float model
    quantize_file_path: where the parameters of a QAT or quantized model go
    mtk: refuse what MediaTek's Neuron compiler cannot read
    outspec: end points, as names of nodes or paths of modules; None for the module's own outputs
    remove_relu: leave out a relu whose quantized result cannot be negative anyway
    prefer_same_pad_mode: extend kernels by zeros where that makes their padding SAME
    disable_nhwc: keep images among the inputs and outputs as N,C,H,W
    use_int64_bias: 64 bits for biases where a layer with int16 activations also takes 32
    max_runtime: the TFLite runtime that has to have all operators, such as "2.10.0"

    Raises ConversionFailed with all problems; then nothing is written.
    """
    options = TfliteOptions(
        graph_name=graph_name,
        quantize=require_quantize,
        disable_nhwc=disable_nhwc,
        prefer_same_pad_mode=prefer_same_pad_mode,
        remove_relu=remove_relu,
        use_int64_bias=use_int64_bias,
        mtk=mtk,
        max_runtime=max_runtime,
    )
    asked = rounding(
        input_data_type, input_scales, input_zero_points, param_fake_quant=param_fake_quant
    )
    with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
        source = saved(traced_module, Path(folder))
        _to_tflite(source, output, outspec, options, asked, quantize_file_path)


def mge_to_tflite(
    mge_fpath: str | os.PathLike[str] | BinaryIO,
    output: str | os.PathLike[str] = "out.tflite",
    *,
    graph_name: str = "graph",
    mtk: bool = False,
    disable_nhwc: bool = False,
    outspec: str | Sequence[str] | None = None,
    prefer_same_pad_mode: bool = False,
    use_int64_bias: bool = False,
    require_quantize: bool = False,
    max_runtime: str = "newest",
) -> None:
    """Write the graph that `dump` wrote as a TFLite file.

    mge_fpath: the path of a `.mge` file, or a binary file object, which is read from where it is
    outspec: end points, as names of the graph's variables; None for its own outputs

    The other arguments are those of `tracedmodule_to_tflite`. Of a graph with quantization the
    parameters stand in a file beside the output. Raises ConversionFailed with all problems; then
    nothing is written.
    """
    options = TfliteOptions(
        graph_name=graph_name,
        quantize=require_quantize,
        disable_nhwc=disable_nhwc,
        prefer_same_pad_mode=prefer_same_pad_mode,
        use_int64_bias=use_int64_bias,
        mtk=mtk,
        max_runtime=max_runtime,
    )
    beside = Path(output).with_name(f"{Path(output).stem}.{PARAMETERS_FILE}")
    with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
        source = as_file(mge_fpath, Path(folder))
        _to_tflite(source, output, outspec, options, QuantizationKeys(), str(beside))


def _to_tflite(
    source: Path,
    output: str | os.PathLike[str],
    outspec: str | Sequence[str] | None,
    options: TfliteOptions,
    asked: QuantizationKeys,
    parameters: str,
) -> None:
    judge(options)
    job = single_job(
        source=source, output=output, format="tflite", outputs=end_points(outspec), options=options
    )
    made = convert_single(unchecked(replace(job, quantization=asked)))
    place_parameters(made, Path(job.output), Path(parameters))
