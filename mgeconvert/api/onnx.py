"""The functions that write one ONNX file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from mgeconvert.api.arguments import as_file, end_points, judge, rounding, saved
from mgeconvert.build.parameters import place_parameters
from mgeconvert.build.plan import unchecked
from mgeconvert.build.single import convert_single
from mgeconvert.manifest import OnnxOptions, single_job
from mgeconvert.manifest.options import PARAMETERS_FILE


def tracedmodule_to_onnx(
    traced_module: str | os.PathLike[str] | Any,
    output: str | os.PathLike[str] = "out.onnx",
    *,
    graph_name: str = "graph",
    opset: int = 8,
    outspec: str | Sequence[str] | None = None,
    input_data_type: str | None = None,
    input_scales: float | Sequence[float] | None = None,
    input_zero_points: int | Sequence[int] | None = None,
    require_quantize: bool = False,
    param_fake_quant: bool = False,
    quantize_file_path: str = PARAMETERS_FILE,
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
    judge(options)
    asked = rounding(
        input_data_type, input_scales, input_zero_points, param_fake_quant=param_fake_quant
    )
    with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
        source = saved(traced_module, Path(folder))
        job = single_job(
            source=source,
            output=output,
            format="onnx",
            outputs=end_points(outspec),
            options=options,
        )
        made = convert_single(unchecked(replace(job, quantization=asked)))
    place_parameters(made, Path(job.output), Path(quantize_file_path))


def mge_to_onnx(
    mge_fpath: str | os.PathLike[str] | BinaryIO,
    output: str | os.PathLike[str] = "out.onnx",
    *,
    graph_name: str = "graph",
    opset: int = 8,
    outspec: str | Sequence[str] | None = None,
) -> None:
    """Write the float graph that `dump` wrote as an ONNX file.

    mge_fpath: the path of a `.mge` file, or a binary file object, which is read from where it is
    opset: 7 to 23
    outspec: end points, as names of the graph's variables; None for its own outputs

    Raises ConversionFailed with all problems; then nothing is written.
    """
    options = OnnxOptions(opset=opset, graph_name=graph_name)
    judge(options)
    with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
        job = single_job(
            source=as_file(mge_fpath, Path(folder)),
            output=output,
            format="onnx",
            outputs=end_points(outspec),
            options=options,
        )
        convert_single(unchecked(job))
