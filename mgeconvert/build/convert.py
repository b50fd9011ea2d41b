"""One job, start to end: frontend, passes, backend; reads the source and writes nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgeconvert import __version__, frontends
from mgeconvert.backends import Artifact, Quantization, Request, load
from mgeconvert.errors import QuantError
from mgeconvert.manifest.checks import check_defaults
from mgeconvert.manifest.job import Job

if TYPE_CHECKING:
    import numpy as np

    from mgeconvert.ir import Graph, TensorType
    from mgeconvert.ir.op import Array
    from mgeconvert.ir.passes import Observer

CHECK_PASSES = "check-passes"
SYMBOLIC_SIZE = 2  # what a symbolic dimension is when passes are checked


def convert(job: Job, *, modes: Sequence[str] = (), source_sha256: str) -> Artifact:
    """Return the artifact of `job`; its chunks are views of the source file.

    With the mode "check-passes" the graph is evaluated after every pass, and InternalError names
    the first one that changes its results.
    """
    graph = read_source(job)
    return lower(job, graph, observe=_observer(job, graph, modes), source_sha256=source_sha256)


def read_source(job: Job, watch: frontends.Watch = frontends.unwatched) -> Graph:
    """Return the IR of the source of `job`; `watch` as `frontends.read` has it."""
    shapes = {spec.name: spec.shape for spec in job.inputs if spec.shape is not None}
    return frontends.read(Path(job.source), shapes=shapes, outputs=job.outputs, watch=watch)


def lower(job: Job, graph: Graph, *, observe: Observer, source_sha256: str) -> Artifact:
    """Return the artifact of what `read_source` returned, which is the lowered graph afterwards."""
    asked = job.quantization
    if asked.input_data_type:
        from mgeconvert.backends.quant_params import annotate_inputs

        annotate_inputs(graph, asked.input_data_type, asked.input_scales, asked.input_zero_points)
    rounding = Quantization(param_fake_quant=asked.param_fake_quant, params=_parameters(job))
    if asked.calibration_files:
        from mgeconvert.build.calibration import calibrate

        rounding = replace(rounding, params=calibrate(job, read_source(job)))
    request = Request(job.options, job.stem, _provenance(job, source_sha256), rounding)
    return load(job.format).convert(graph, request, observe)


def _parameters(job: Job) -> dict[str, Any] | None:
    """Return the entries of the file of parameters that the job reads, None where it reads none."""
    if job.quantization.params is None:
        return None
    from mgeconvert.backends.quant_params import parse

    path = Path(job.quantization.params)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QuantError(f"{path.name} cannot be read: {error}") from None
    return parse(text, file=path.name)


def _provenance(job: Job, source_sha256: str) -> dict[str, str]:
    """Return what the artifact says of its making: no time and no path, so that it stays equal."""
    facts = {
        "description": job.description,
        "license": job.license,
        "mgeconvert.settings": json.dumps(job.settings(), sort_keys=True),
        "mgeconvert.source_sha256": source_sha256,
        "mgeconvert.version": __version__,
        "tags": ", ".join(job.tags),
    }
    return {name: text for name, text in facts.items() if text}


def _observer(job: Job, graph: Graph, modes: Sequence[str]) -> Observer:
    if CHECK_PASSES not in modes:
        return _ignore
    from mgeconvert.ir.passes import changed_numbers, round_constants

    ranges = {spec.name: spec.range for spec in job.inputs}
    feeds = {
        port.name: _random(port.value.type, ranges.get(port.name), job.seed + index)
        for index, port in enumerate(graph.inputs)
    }
    base = check_defaults(job.format)
    return changed_numbers(
        feeds,
        rtol=_known(job.check.rtol, base.rtol),
        atol=_known(job.check.atol, base.atol),
        rtol_max=_known(job.check.rtol_max, base.rtol_max),
        rounding=(round_constants.name,),
    )


def _known(asked: float | None, base: float | None) -> float:
    """Return a tolerance of float numbers: passes are watched before anything is rounded."""
    return (base or 0.0) if asked is None else asked


def _random(type: TensorType, bounds: tuple[float, float] | None, seed: int) -> Array:
    import numpy as np

    from mgeconvert.ir.dims import bind, symbols

    sizes = [bind(d, dict.fromkeys(symbols(d), SYMBOLIC_SIZE)) for d in type.shape]
    shape = tuple(n for n in sizes if isinstance(n, int))
    generator: np.random.Generator = np.random.Generator(np.random.PCG64(seed))
    if type.dtype.is_float and bounds is None:
        return generator.standard_normal(shape).astype(type.dtype.numpy)
    low, high = bounds or (0.0, 1.0)
    if type.dtype.is_float:
        return generator.uniform(low, high, shape).astype(type.dtype.numpy)
    return generator.integers(math.ceil(low), math.floor(high), shape, endpoint=True).astype(
        type.dtype.numpy
    )


def _ignore(name: str, graph: Graph) -> None:
    """Watch nothing."""
