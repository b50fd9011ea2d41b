"""Every operator case from `.tm` and `.mge` to Caffe: what MegEngine gives, or a known refusal."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mgeconvert import frontends
from mgeconvert.errors import ConversionFailed, ConvertError
from tests.caffe_backend.refusals import rows
from tests.caffe_backend.running import difference, export, run_opencv, run_reader
from tests.cases import FAMILIES, Case
from tests.operators.dumps import row_of
from tests.operators.refused import frontend_refuses
from tests.operators.running import case_files

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4  # of the largest element: what a Caffe target is held to
TABLE = [
    pytest.param(case, family, source, id=f"{source} {family}: {case.id}")
    for source in ("tm", "mge")
    for family, cases in FAMILIES.items()
    for case in cases
    if source == "tm" or row_of(case, "error") is None
]
SAME_NAME = r"the output '\w+' has the name of an input: both would be one blob"
NO_INPUTS = "a net without inputs"  # a model of constants alone
OTHER_FLOATS = r"[\w ]+ of (float16|float64|uint32|uint64): Caffe's blobs are float32"
ITSELF = r"a comparison that asks for what is not a number: .*"  # x != x
PROBLEMS = [
    re.compile(problem)
    for problem in (*(row.problem for row in rows()), SAME_NAME, NO_INPUTS, OTHER_FLOATS, ITSELF)
]


@pytest.mark.parametrize(("case", "family", "source"), TABLE)
def test_case(case: Case, family: str, source: str) -> None:
    made = case_files(case, family, source)
    if frontend_refuses(case, source):
        return
    file = made.tm if source == "tm" else made.mge
    graph = frontends.read(file, shapes={}, outputs=())
    names = [port.name for port in graph.outputs]
    try:
        files = export(graph)
    except (ConvertError, ConversionFailed) as error:
        problems = error.problems if isinstance(error, ConversionFailed) else [error]
        unknown = [p for p in problems if not any(r.fullmatch(p.problem) for r in PROBLEMS)]
        assert not unknown, unknown
        return
    arrays = made.feeds("")
    if source == "mge":
        arrays = {  # a dump has no rank 0
            f"arg_{i}": array.reshape(array.shape or (1,))
            for i, array in enumerate(arrays.values())
        }
    inputs = {layer.top[0] for layer in files.nets()[0].layer if layer.type == "Input"}
    given = {name: array for name, array in arrays.items() if name in inputs}
    wanted = made.outputs("") if source == "tm" else made.graph_outputs("")
    for run in (run_reader, run_opencv):
        got = run(files, given)
        for name, want in zip(names, wanted, strict=True):
            keep = np.isfinite(want)
            assert got[name].shape == want.shape or (want.ndim == 0 and run is run_reader)
            problem = difference(
                want[keep], got[name].reshape(want.shape)[keep], tolerance=TOLERANCE
            )
            assert not problem or not keep.any(), f"{run.__name__}, {name}: {problem}"
