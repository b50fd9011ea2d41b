"""Every family of the zoo to Caffe, against what MegEngine computes, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from mgeconvert.errors import ConversionFailed
from tests.caffe_backend.running import Options, difference, export, run_opencv, run_reader
from tests.zoo import FAMILIES, feeds
from tests.zoo.test_convert import folder, graph, own_batch
from tests.zoo.test_dumps import MADE, UNLOADABLE
from tests.zoo.test_dumps import folder as dumps
from tests.zoo.test_dumps import graph as dump

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4  # of the largest element: what a Caffe target is held to
DIALECTS = ("bvlc", "opencv")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", FAMILIES)
def test_family(name: str, dialect: str) -> None:
    source = graph(name, symbolic=False)
    names = [port.name for port in source.outputs]
    files = export(source, Options(dialect))
    for run in (run_reader, run_opencv):
        got = run(files, feeds(name))
        assert [*got] == names
        for port, want in zip(names, wanted(name), strict=True):
            problem = difference(want, got[port], tolerance=TOLERANCE)
            assert not problem, f"{run.__name__}, {port}: {problem}"


@pytest.mark.parametrize(
    ("name", "variant"),
    [(n, v) for n, v in MADE if v in ("v1", "v2", "v2-fused")],
)
def test_dump(name: str, variant: str) -> None:
    source = dump(name, variant, symbolic=False)
    names = [port.name for port in source.outputs]
    files = export(source)
    kept = UNLOADABLE.get((name, variant), variant)
    with np.load(dumps() / f"{name}.{kept}.npz") as results:
        wants = [results[k] for k in results.files if k.startswith(f"{own_batch(name)}.")]
    for run in (run_reader, run_opencv):
        got = run(files, feeds(name))
        assert [*got] == names
        for port, want in zip(names, wants, strict=True):
            problem = difference(want, got[port], tolerance=TOLERANCE)
            assert not problem, f"{run.__name__}, {port}: {problem}"


@pytest.mark.parametrize("options", [{"fuse_bn": True}, {"in_place": True}], ids=str)
@pytest.mark.parametrize("name", ["residual-basic", "inverted-hswish", "unet", "shuffle"])
def test_options(name: str, options: dict[str, bool]) -> None:
    source = graph(name, symbolic=False)
    names = [port.name for port in source.outputs]
    files = export(source, Options(**options))
    text, _ = files.nets()
    types = [layer.type for layer in text.layer]
    in_place = [layer for layer in text.layer if {*layer.bottom} & {*layer.top}]
    assert ("BatchNorm" not in types) == options.get("fuse_bn", False)
    assert bool(in_place) == options.get("in_place", False)
    for run in (run_reader, run_opencv):
        got = run(files, feeds(name))
        for port, want in zip(names, wanted(name), strict=True):
            assert not difference(want, got[port], tolerance=TOLERANCE)


def test_a_symbolic_batch_is_refused() -> None:
    with pytest.raises(ConversionFailed) as raised:
        export(graph("residual-basic", symbolic=True))
    (problem,) = raised.value.problems
    assert problem.hint == "give the input a fixed shape"


def wanted(name: str) -> list[np.ndarray]:
    with np.load(folder() / f"{name}.npz") as results:
        return [results[k] for k in results.files if k.startswith(f"{own_batch(name)}.")]
