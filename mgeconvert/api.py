"""The predecessor's Python functions: each builds one job, the way a manifest's are built."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mgeconvert.build.plan import unchecked
from mgeconvert.build.single import convert_single
from mgeconvert.errors import ConversionFailed, UnsupportedCase
from mgeconvert.manifest import OnnxOptions, Options, single_job
from mgeconvert.manifest.keys import Table, Tables, keys

ARGUMENT = "the argument"


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
    """Write the float TracedModule as an ONNX file.

    traced_module: the path of a `.tm` file, or a TracedModule (which MegEngine then saves first)
    opset: 7 to 23
    outspec: end points, as names of nodes or paths of modules; None for the module's own outputs
    the rest: for quantized models, which are refused until they are supported

    Raises ConversionFailed with all problems; then nothing is written.
    """
    refuse_quantization(
        {
            "input_data_type": input_data_type,
            "input_scales": input_scales,
            "input_zero_points": input_zero_points,
            "require_quantize": require_quantize or None,
            "param_fake_quant": param_fake_quant or None,
            "quantize_file_path": None
            if quantize_file_path == "quant_params.json"
            else quantize_file_path,
        }
    )
    options = OnnxOptions(opset=opset, graph_name=graph_name)
    _judge(options)
    with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
        source = _saved(traced_module, Path(folder))
        job = single_job(
            source=source, output=output, format="onnx", outputs=outspec or (), options=options
        )
        convert_single(unchecked(job))


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
