"""Every family from `.tm` through the IR and through ONNX, against what MegEngine computes."""

from __future__ import annotations

import fcntl
import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from mgeconvert import frontends
from mgeconvert.ir import Graph, evaluate, verify
from tests.onnx_backend.running import Options, export
from tests.zoo import FAMILIES, feeds
from tests.zoo.child import ROOT, run

HERE = Path(__file__).parent
USUAL = (7, 13, 17, 23)
OPSETS = [
    pytest.param(opset, marks=() if opset in USUAL else pytest.mark.full) for opset in range(7, 24)
]
RTOL, ATOL = 1e-4, 2e-5


@cache
def folder() -> Path:
    """Return where the traced files and MegEngine's results are; made once for these sources."""
    content = b"".join(p.read_bytes() for p in sorted(HERE.glob("*.py")) if "test_" not in p.name)
    made = ROOT / "build" / "test-zoo" / hashlib.sha256(content).hexdigest()[:16]
    made.mkdir(parents=True, exist_ok=True)
    with (made / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "done").exists():
            run("tests.zoo.reference", str(made))
            (made / "done").touch()
    return made


def own_batch(name: str) -> int:
    """Return the batch size that the family is traced with."""
    family = FAMILIES[name]
    return family.inputs[0].shape[family.batch_axis]


def graph(name: str, *, symbolic: bool) -> Graph:
    """Read the family, with the shapes of its trace or with the batch size N."""
    family = FAMILIES[name]
    shapes: dict[str, tuple[int | str, ...]] = {}
    for port in family.inputs if symbolic else ():
        sizes: list[int | str] = list(port.shape)
        sizes[family.batch_axis] = "N"
        shapes[port.name] = tuple(sizes)
    return frontends.read(folder() / f"{name}.tm", shapes=shapes, outputs=())


def compare(name: str, got: list[np.ndarray], batch: int) -> None:
    with np.load(folder() / f"{name}.npz") as results:
        want = [results[key] for key in results.files if key.startswith(f"{batch}.")]
    assert [(a.shape, a.dtype) for a in got] == [(b.shape, b.dtype) for b in want]
    for index, (a, b) in enumerate(zip(got, want)):
        scale = float(np.abs(b).max()) if b.size and b.dtype.kind == "f" else 1.0
        np.testing.assert_allclose(
            a, b, rtol=RTOL, atol=ATOL * max(scale, 1.0), err_msg=f"output {index}, batch {batch}"
        )


@pytest.mark.parametrize("name", FAMILIES)
def test_interpreted(name: str) -> None:
    fixed, any_batch = graph(name, symbolic=False), graph(name, symbolic=True)
    verify(fixed)
    verify(any_batch)
    assert [p.name for p in fixed.inputs] == [port.name for port in FAMILIES[name].inputs]
    compare(name, list(evaluate(fixed, feeds(name)).values()), own_batch(name))
    for batch in FAMILIES[name].batches:
        compare(name, list(evaluate(any_batch, feeds(name, batch)).values()), batch)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", FAMILIES)
def test_onnx(name: str, opset: int) -> None:
    compare(name, session(name, opset, symbolic=False).run(None, feeds(name)), own_batch(name))
    any_batch = session(name, opset, symbolic=True)
    for batch in FAMILIES[name].batches:
        compare(name, any_batch.run(None, feeds(name, batch)), batch)


def session(name: str, opset: int, *, symbolic: bool) -> onnxruntime.InferenceSession:
    """Export the family, and load it."""
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    settings.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        export(graph(name, symbolic=symbolic), Options(opset)),
        settings,
        providers=["CPUExecutionProvider"],
    )
