"""Every operator case from `.tm` to Caffe: what MegEngine computes, or a reviewed refusal."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mgeconvert import frontends
from mgeconvert.errors import ConversionFailed
from tests.caffe_backend.refusals import rows
from tests.caffe_backend.running import difference, export, run_opencv, run_reader
from tests.cases import FAMILIES, Case
from tests.operators.refused import frontend_refuses
from tests.operators.running import case_files

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4  # of the largest element: what a Caffe target is held to
TABLE = [
    pytest.param(case, family, id=f"{family}: {case.id}")
    for family, cases in FAMILIES.items()
    for case in cases
]
PROBLEMS = [re.compile(row.problem) for row in rows()]


@pytest.mark.parametrize(("case", "family"), TABLE)
def test_case(case: Case, family: str) -> None:
    made = case_files(case, family, "tm")
    if frontend_refuses(case, "tm"):
        return
    graph = frontends.read(made.tm, shapes={}, outputs=())
    names = [port.name for port in graph.outputs]
    try:
        files = export(graph)
    except ConversionFailed as error:
        unknown = [p for p in error.problems if not any(r.fullmatch(p.problem) for r in PROBLEMS)]
        assert not unknown, unknown
        return
    feeds = {layer.top[0] for layer in files.nets()[0].layer if layer.type == "Input"}
    given = {name: array for name, array in made.feeds("").items() if name in feeds}
    for run in (run_reader, run_opencv):
        got = run(files, given)
        for name, want in zip(names, made.outputs(""), strict=True):
            keep = np.isfinite(want)
            assert got[name].shape == want.shape
            problem = difference(want[keep], got[name][keep], tolerance=TOLERANCE)
            assert not problem or not keep.any(), f"{run.__name__}, {name}: {problem}"
