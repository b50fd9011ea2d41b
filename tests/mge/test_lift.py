"""Every network that MegEngine dumps, in every way, from the file to the IR and its results.

The reference is MegEngine, which runs the same file. See docs/mge-options.md for the options.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from mgeconvert import frontends
from mgeconvert.errors import ConversionFailed
from mgeconvert.frontends.mge import samples
from mgeconvert.frontends.mge.rules import REFUSED
from mgeconvert.ir import Graph, evaluate, ops, verify

pytestmark = pytest.mark.timeout(900)  # the first one waits for MegEngine to run all dumps
ROOT = Path(__file__).parents[2]
COMMITTED = Path(__file__).parent / "dumps"
VARIANTS = ("v2", "v1", "v2-all", "v1-all", "v2-bare", "v1-bare")
LAYOUTS = ("hwcd4", "nchw88", "nchw44", "nchw44_dot", "nchw4", "nchw32", "chwn4")
FUSIONS = ("fuse_conv_bias_nonlinearity", "fuse_conv_bias_with_z", "fuse_preprocess", "fuse_grain")
HALVES = ("io16xc32", "ioc16")
# Networks that are refused, by the words of the reason.
REFUSALS = {
    "deformable_psroi": "no counterpart",
    "lstm_projected": "proj_size",
    "matinv": "no counterpart",
    "random": "random",
    "dropout_training": "random",
    "svd": "no counterpart",
}
# The scale of results whose sums of products are ties at every twentieth number: by whole numbers
# MegEngine rounds them another way than the numbers meant are rounded.
TIES = {"batch_conv_bias": 0.2}


@cache
def folder() -> Path:
    """Return where the dumps and MegEngine's results are; made once for these sources."""
    here = Path(__file__).parent
    sources = [
        here / "dumping.py",
        here / "reference.py",
        *sorted((here / "networks").glob("*.py")),
    ]
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()[:16]
    made = ROOT / "build" / "test-mge" / digest
    made.mkdir(parents=True, exist_ok=True)
    with (made / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "done").exists():
            _run("tests.mge.dumping", made)
            _run("tests.mge.reference", made)
            (made / "done").write_text(json.dumps(sorted(p.name for p in made.glob("*.mge"))))
    return made


def _run(module: str, made: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", module, str(made)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def check(name: str, variant: str, *, reference: str = "", rtol: float = 1e-5) -> Graph:
    """Compare a dump with MegEngine's results of it, or of the dump `reference`."""
    graph = frontends.read(folder() / f"{name}.{variant}.mge", shapes={}, outputs=())
    verify(graph)
    with np.load(folder() / f"{name}.{reference or variant}.npz") as loaded:
        arrays = {key: loaded[key] for key in loaded.files}
    feeds = {port.name: arrays[f"in.{port.name}"] for port in graph.inputs}
    with np.errstate(all="ignore"):
        got = list(evaluate(graph, feeds, quantized=True).values())
    want = [array for key, array in arrays.items() if key.startswith("out.")]
    assert [(a.shape, a.dtype) for a in got] == [(b.shape, b.dtype) for b in want]
    for a, b in zip(got, want):
        tolerance = 1e-2 if b.dtype == np.float16 else rtol
        if name in TIES:
            assert (np.abs(a - b) > tolerance).mean() < 0.05
            tolerance = TIES[name]
        np.testing.assert_allclose(a, b, tolerance, tolerance)
    return graph


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_network(variant: str) -> None:
    refused = {}
    for path in sorted(folder().glob(f"*.{variant}.mge")):
        name = path.name.split(".")[0]
        # MegEngine does not load its own dump again: the device of an Eye is lost.
        stands_in = variant.partition("-")[0] if (name, variant[2:]) == ("eye", "-all") else ""
        try:
            check(name, variant, reference=stands_in)
        except ConversionFailed as failed:
            refused[name] = str(failed)
    assert refused.keys() == REFUSALS.keys()
    for name, words in REFUSALS.items():
        assert words in refused[name]


@pytest.mark.slow
@pytest.mark.parametrize("option", [*LAYOUTS, *FUSIONS])
def test_layouts_and_fusions_are_undone(option: str) -> None:
    """MegEngine cannot run all of them on this processor: the plain dump says what to expect."""
    graph = check("residual", f"v2-{option}", reference="v2")
    convolutions = [n for n in graph if isinstance(n.op, ops.Conv)]
    assert len(convolutions) == 4
    assert all(n.output.type.rank == 4 for n in convolutions)


@pytest.mark.slow
@pytest.mark.parametrize("option", HALVES)
def test_halves(option: str) -> None:
    """MegEngine's own run of these overflows: the float32 dump says what to expect."""
    graph = check("residual", f"v2-{option}", reference="v2", rtol=2e-2)
    assert any(n.output.type.dtype.value == "float16" for n in graph)


def test_biases_and_batch_norms_are_part_of_the_layers() -> None:
    graph = frontends.read(COMMITTED / "residual.v2.mge", shapes={}, outputs=())
    convolutions = [n for n in graph if isinstance(n.op, ops.Conv)]
    assert [len(n.inputs) for n in convolutions] == [3, 3, 3, 2]  # the last one's comes after z
    assert sum(isinstance(n.op, ops.Linear) and len(n.inputs) == 3 for n in graph) == 1


def test_names() -> None:
    graph = frontends.read(COMMITTED / "residual.v2.mge", shapes={}, outputs=())
    assert [p.name for p in graph.inputs] == ["x0"]
    assert [p.name for p in graph.outputs] == ["classes.ADD"]
    names = {v.name for n in graph for v in n.outputs}
    assert {"first.2.RELU", "Pooling[0]", "classes.ADD"} <= names
    assert {"classes.bias", "depthwise.weight"} <= {v.name for v in graph.constants()}


def test_without_names() -> None:
    graph = frontends.read(COMMITTED / "residual.v2-bare.mge", shapes={}, outputs=())
    assert [p.name for p in graph.inputs] == ["x0"]
    assert [p.name for p in graph.outputs] == ["output_0"]


def test_the_same_output_twice() -> None:
    graph = frontends.read(COMMITTED / "several_outputs.v2-all.mge", shapes={}, outputs=())
    assert [p.name for p in graph.outputs] == ["ADD", "RELU", "MUL", "Split:o1"]


def test_end_points() -> None:
    path = COMMITTED / "residual.v2.mge"
    graph = frontends.read(path, shapes={}, outputs=["first.2.RELU", "classes.ADD"])
    assert [p.name for p in graph.outputs] == ["first.2.RELU", "classes.ADD"]
    small = frontends.read(path, shapes={}, outputs=["first.2.RELU"])
    assert len(small) < len(graph)
    with pytest.raises(Exception, match=r"did you mean 'first\.2\.RELU'"):
        frontends.read(path, shapes={}, outputs=["first.2.RELV"])


def test_symbolic_batch() -> None:
    shapes = {"x0": ("N", 3, 8, 8)}
    graph = frontends.read(COMMITTED / "residual.v2.mge", shapes=shapes, outputs=())
    assert str(graph.outputs[0].value.type) == "float32[N, 5]"
    x = np.ones((3, 3, 8, 8), np.float32)
    assert evaluate(graph, {"x0": x})["classes.ADD"].shape == (3, 5)


def test_all_problems_at_once() -> None:
    with pytest.raises(ConversionFailed) as failed:
        frontends.read(folder() / "random.v2.mge", shapes={}, outputs=())
    problems = failed.value.problems
    assert [p.at and p.at.op for p in problems] == ["UniformRNGV1", "GaussianRNGV1"]
    assert all(p.at is not None and p.at.name for p in problems)


def test_samples_are_no_part_of_the_graph() -> None:
    path = COMMITTED / "mul_add3.v2-sample.mge"
    graph = frontends.read(path, shapes={}, outputs=())
    (sample,) = samples(path)
    results = evaluate(graph, {port.name: sample.inputs[port.name] for port in graph.inputs})
    assert results.keys() == sample.expected.keys()
    for name, array in results.items():
        np.testing.assert_allclose(array, sample.expected[name], 1e-4, 1e-4)
    assert samples(COMMITTED / "residual.v2.mge") == ()


def test_refused_operators_have_no_rule() -> None:
    from mgeconvert.frontends.mge.rules import RULES

    assert not REFUSED.keys() & {key for key, _ in RULES}
