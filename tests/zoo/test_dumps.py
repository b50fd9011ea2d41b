"""Every family from `.mge` through the IR and through ONNX, against what MegEngine computes."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from mgeconvert import frontends
from mgeconvert.errors import ConversionFailed
from mgeconvert.ir import Graph, evaluate, verify
from tests.onnx_backend.running import Options, export
from tests.zoo import FAMILIES, feeds
from tests.zoo.child import ROOT, run

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
# MegEngine does not load the dump again, since it loses the device of an Eye: v2 stands for it.
UNLOADABLE = {("indexing", "v2-all"): "v2"}
VARIANTS = ("v2", "v2-all", "v2-fused", "v2-kept", "v1")
OPSET = 13
RTOL, ATOL = 1e-4, 2e-5
# MegEngine fails to rewrite their affine group and instance norms into operators of old versions.
NOT_DUMPED = dict.fromkeys(("fcos", "style", "functional"), ("v2", "v2-all", "v2-fused"))
# pixel_shuffle computes its shapes while tracing. MegEngine may die later of a run that fails.
BAKED = ("super-resolution",)
# MegEngine dies of a segmentation fault where it traces x.sum(axis=3) of this one as a graph.
FATAL = ("keypoints",)
NAMES = [name for name in FAMILIES if name not in FATAL]
TABLE = [(name, variant) for name in NAMES for variant in VARIANTS]
MADE = [pair for pair in TABLE if pair[1] not in NOT_DUMPED.get(pair[0], ())]


@cache
def folder() -> Path:
    """Return where the dumps and MegEngine's results are; made once for these sources."""
    content = b"".join(p.read_bytes() for p in sorted(HERE.glob("*.py")) if "test_" not in p.name)
    made = ROOT / "build" / "test-zoo-dumps" / hashlib.sha256(content).hexdigest()[:16]
    made.mkdir(parents=True, exist_ok=True)
    with (made / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "done").exists():
            run("tests.zoo.dumps", str(made), *(name for name in NAMES if name not in BAKED))
            for name in BAKED:
                run("tests.zoo.dumps", str(made), name)
            (made / "done").touch()
    return made


def failures(name: str, variant: str) -> dict[str, str]:
    """Return what MegEngine cannot do with a dump: batch sizes, or "dump"."""
    found: dict[str, str] = json.loads((folder() / f"{name}.{variant}.json").read_text())
    return found


def own_batch(name: str) -> int:
    """Return the batch size that the family is traced with."""
    family = FAMILIES[name]
    return family.inputs[0].shape[family.batch_axis]


def graph(name: str, variant: str, *, symbolic: bool) -> Graph:
    """Read a dump, with the shapes of its trace or with the batch size N."""
    family = FAMILIES[name]
    shapes: dict[str, tuple[int | str, ...]] = {}
    for port in family.inputs if symbolic else ():
        sizes: list[int | str] = list(port.shape)
        sizes[family.batch_axis] = "N"
        shapes[port.name] = tuple(sizes)
    return frontends.read(folder() / f"{name}.{variant}.mge", shapes=shapes, outputs=())


def compare(name: str, variant: str, got: Sequence[np.ndarray], batch: int) -> None:
    source = UNLOADABLE.get((name, variant), variant)
    with np.load(folder() / f"{name}.{source}.npz") as results:
        want = [results[key] for key in results.files if key.startswith(f"{batch}.")]
    assert [(a.shape, a.dtype) for a in got] == [(b.shape, b.dtype) for b in want]
    for index, (a, b) in enumerate(zip(got, want)):
        scale = float(np.abs(b).max()) if b.size and b.dtype.kind == "f" else 1.0
        np.testing.assert_allclose(
            a, b, rtol=RTOL, atol=ATOL * max(scale, 1.0), err_msg=f"output {index}, batch {batch}"
        )


@pytest.mark.parametrize(("name", "variant"), MADE)
def test_interpreted(name: str, variant: str) -> None:
    fixed = graph(name, variant, symbolic=False)
    verify(fixed)
    assert sorted(p.name for p in fixed.inputs) == sorted(p.name for p in FAMILIES[name].inputs)
    compare(name, variant, list(evaluate(fixed, feeds(name)).values()), own_batch(name))
    if name in BAKED:
        assert "do not match in reshape" in failures(name, variant)["1"]
        with pytest.raises(ConversionFailed, match="does not fit the shape"):
            graph(name, variant, symbolic=True)
        return
    unloadable = {"invalid comp node id: invalid"} if (name, variant) in UNLOADABLE else set()
    assert set(failures(name, variant).values()) == unloadable
    any_batch = graph(name, variant, symbolic=True)
    verify(any_batch)
    for batch in FAMILIES[name].batches:
        compare(name, variant, list(evaluate(any_batch, feeds(name, batch)).values()), batch)


@pytest.mark.parametrize(("name", "variant"), MADE)
def test_onnx(name: str, variant: str) -> None:
    fixed = session(name, variant, symbolic=False)
    compare(name, variant, fixed.run(None, feeds(name)), own_batch(name))
    if name not in BAKED:
        any_batch = session(name, variant, symbolic=True)
        for batch in FAMILIES[name].batches:
            compare(name, variant, any_batch.run(None, feeds(name, batch)), batch)


@pytest.mark.parametrize("name", NOT_DUMPED)
def test_what_is_not_dumped_is_so_for_a_reason(name: str) -> None:
    for variant in NOT_DUMPED[name]:
        assert "bad input shape for polyadic operator" in failures(name, variant)["dump"]


@pytest.mark.parametrize("name", FATAL)
def test_what_kills_megengine_still_does(name: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended with -"):
        run("tests.zoo.dumps", str(tmp_path), name)


def session(name: str, variant: str, *, symbolic: bool) -> onnxruntime.InferenceSession:
    """Export a dump, and load it."""
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    settings.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        export(graph(name, variant, symbolic=symbolic), Options(OPSET)),
        settings,
        providers=["CPUExecutionProvider"],
    )
