"""Whole checks: a source in MegEngine, an artifact in onnxruntime, and what can be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from mgeconvert.check.request import CheckRequest, InputRequest
from mgeconvert.check.result import CheckResult, Top1
from mgeconvert.check.session import Session
from mgeconvert.check.verify import Check, Side
from mgeconvert.errors import ConvertError, LimitExceeded
from tests.check.models import classifier, write

Ask = Callable[..., CheckRequest]


@pytest.fixture(scope="session")
def weights(sources: Path) -> tuple[np.ndarray, np.ndarray]:
    return np.load(sources / "weight.npy"), np.load(sources / "bias.npy")


@pytest.fixture
def ask(sources: Path, weights: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> Ask:
    """Make the request to check linear.tm against an ONNX model; keywords change either."""

    def request(
        *,
        weight: np.ndarray = weights[0],
        bias: np.ndarray = weights[1],
        model: dict[str, object] | None = None,
        **changes: object,
    ) -> CheckRequest:
        path = classifier(tmp_path / "m.onnx", weight, bias, **(model or {}))
        source = str(sources / "linear.tm")
        base = CheckRequest("m", path, "onnx", source, "traced", "ab", rtol=1e-5, atol=1e-5)
        return replace(base, **{"seconds": 120.0, **changes})

    return request


def test_a_right_artifact(session: Session, ask: Ask) -> None:
    result = session.verify(ask(runs=2))
    assert result.problems == ()
    assert result.ok
    names = [case.name for case in result.cases]
    assert names == ["random 1, N=1", "random 2, N=1", "random 1, N=5", "random 2, N=5"]
    compared = result.cases[2].comparisons[0]
    assert (compared.output, compared.got_shape, compared.size) == ("fc_out", (5, 3), 15)
    assert compared.snr_db > 100
    assert result.runtimes == {"artifact": "onnxruntime", "source": "MegEngine"}
    assert set(result.versions) == {"onnxruntime", "megengine", "numpy"}
    assert set(result.seconds) == {"artifact", "source", "comparison"}


def test_the_result_is_json_and_comes_back(session: Session, ask: Ask) -> None:
    request = ask(inputs=(InputRequest("x", shape=("N", 8), range=(0.0, 1.0)),), metric="top1")
    assert CheckRequest.from_dict(json.loads(json.dumps(request.as_dict()))) == request
    result = session.verify(request)
    text = json.dumps(result.as_dict(), allow_nan=False)
    assert CheckResult.from_dict(json.loads(text)) == result


def test_one_wrong_number(
    session: Session, ask: Ask, weights: tuple[np.ndarray, np.ndarray]
) -> None:
    bias = weights[1] + np.array([0, 0.25, 0], np.float32)
    result = session.verify(ask(bias=bias))
    assert not result.ok
    compared = result.cases[1].comparisons[0]
    assert compared.outside == 5
    assert compared.max_abs == pytest.approx(0.25, abs=1e-5)
    assert compared.worst
    assert compared.worst.index[1] == 1
    assert result.problems[1].startswith("random 1, N=5: output 'fc_out': 5 of 15 elements")


def test_a_nan_where_the_source_has_a_number(
    session: Session, ask: Ask, weights: tuple[np.ndarray, np.ndarray]
) -> None:
    bias = weights[1].copy()
    bias[2] = np.nan
    result = session.verify(ask(bias=bias, rtol=1e9, atol=1e9))
    assert not result.ok
    compared = result.cases[0].comparisons[0]
    assert compared.nonfinite_mismatches == 1
    assert "nan where the source gives" in result.problems[0]
    json.dumps(result.as_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ({"output": "logits"}, "outputs are 'logits' where the source has 'fc_out'"),
        ({"input": "data"}, "inputs are 'data' where the source has 'x'"),
        ({"cast": np.float64}, "element type float64 where the source gives float32"),
        ({"batch": 2}, "input 'x': shape (2, 8) where (1, 8) is asked for"),
    ],
)
def test_wrong_ports(session: Session, ask: Ask, model: dict[str, object], problem: str) -> None:
    result = session.verify(ask(model=model))
    assert not result.ok
    assert problem in result.problems[0]


def test_a_wrong_shape(session: Session, ask: Ask, weights: tuple[np.ndarray, np.ndarray]) -> None:
    weight, bias = (np.concatenate([part, part[:1]]) for part in weights)
    result = session.verify(ask(weight=weight, bias=bias, metric="top1"))
    expected = "random 1, N=1: output 'fc_out': shape (1, 4) where the source gives (1, 3)"
    assert expected in result.problems
    assert result.top1 is None


def test_a_batch_that_was_asked_for(session: Session, ask: Ask) -> None:
    asked = (InputRequest("x", shape=(2, 8)),)
    result = session.verify(ask(model={"batch": 2}, inputs=asked))
    assert result.ok
    assert result.cases[0].comparisons[0].got_shape == (2, 3)


def test_accuracy_before_and_after(
    session: Session, ask: Ask, tmp_path: Path, weights: tuple[np.ndarray, np.ndarray]
) -> None:
    random = np.random.RandomState(0)
    x = random.standard_normal((203, 8)).astype(np.float32)
    right = np.argmax(x @ weights[0].T + weights[1], axis=1)
    labels = np.where(np.arange(203) < 23, (right + 1) % 3, right)
    np.savez(tmp_path / "data.npz", x=x, labels=labels)
    path = str(tmp_path / "data.npz")
    common = {"inputs": (InputRequest("x", sample=path),), "labels": path, "metric": "top1"}
    for batch in ("N", 1):
        result = session.verify(ask(model={"batch": batch}, **common))
        assert result.ok
        assert result.top1 == Top1("fc_out", 203, 203, 180, 180)
    other = weights[0][[1, 0, 2]], weights[1][[1, 0, 2]]
    result = session.verify(ask(weight=other[0], bias=other[1], **common))
    swapped = np.array([1, 0, 2])[right]
    assert not result.ok
    assert result.top1
    assert result.top1.agree == np.sum(swapped == right) < 203
    assert result.top1.source_right == 180
    assert result.top1.artifact_right == np.sum(swapped == labels)


def test_classes_without_labels(session: Session, ask: Ask) -> None:
    assert session.verify(ask(metric="top1")).top1 == Top1("fc_out", 6, 6, None, None)


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (np.zeros(4, np.int64), "labels for more rows"),
        (np.zeros(6, np.int64), "6 labels for 5 rows"),
        (np.zeros(5, np.float32), "one axis of integers"),
    ],
)
def test_labels_that_do_not_fit(
    session: Session, ask: Ask, tmp_path: Path, labels: np.ndarray, match: str
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((5, 8), np.float32))
    np.save(tmp_path / "labels.npy", labels)
    request = ask(
        inputs=(InputRequest("x", sample=str(tmp_path / "x.npy")),),
        labels=str(tmp_path / "labels.npy"),
        metric="top1",
    )
    with pytest.raises(ConvertError, match=match):
        session.verify(request)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"metric": "bleu"}, "no metric 'bleu'"),
        ({"labels": "l.npy", "metric": "top1"}, "labels need samples"),
        ({"format": "caffe2"}, "no runtime for the format"),
    ],
)
def test_requests_that_make_no_sense(
    session: Session, ask: Ask, changes: dict[str, object], match: str
) -> None:
    with pytest.raises(ConvertError, match=match):
        session.verify(ask(**changes))


def test_end_points_are_compared_in_order(session: Session, sources: Path, tmp_path: Path) -> None:
    shape = [1, 3, 8, 8]
    ports = [(name, np.float32, shape) for name in ("x", "more_0", "more_1")]
    path = write(
        tmp_path / "m.onnx",
        [helper.make_node("Add", ["more_0", "more_1"], ["sum"])],
        ports,
        [("sum", np.float32, shape)],
    )
    source = str(sources / "outer.tm")
    request = CheckRequest("m", path, "onnx", source, "traced", "cd", rtol=0.0, atol=0.0)
    assert session.verify(replace(request, outputs=("add_out",))).ok
    wrong = session.verify(replace(request, outputs=("more_0",)))
    assert not wrong.ok
    both = session.verify(replace(request, outputs=("add_out", "x")))
    assert both.problems == (
        "the artifact's outputs are 'sum' where the source has 'add_out', 'x'",
    )


def test_a_missing_kernel_is_checked_by_the_reference(
    session: Session, ask: Ask, tmp_path: Path, weights: tuple[np.ndarray, np.ndarray]
) -> None:
    scale = np.float32(2)
    path = write(
        tmp_path / "lp.onnx",
        [
            helper.make_node("LpNormalization", ["x"], ["unused"], axis=1),
            helper.make_node("Gemm", ["x", "w", "b"], ["fc_out"], transB=1),
        ],
        [("x", np.float32, ["N", 8])],
        [("fc_out", np.float32, ["N", 3])],
        weights={"w": weights[0], "b": weights[1] * scale},
        opset=22,
    )
    result = session.verify(replace(ask(), artifact=path))
    assert result.runtimes["artifact"] == "onnx.reference"
    assert set(result.versions) == {"onnx", "megengine", "numpy"}
    assert not result.ok


def test_references_are_kept_by_content(session: Session, ask: Ask, tmp_path: Path) -> None:
    request = ask(cache=str(tmp_path / "cache"))
    first = session.verify(request)
    assert not first.cached

    def no_source(module: str, *, memory: int, side: Side) -> object:
        assert side == "artifact"
        return session.runner(module, memory=memory, side=side)

    again = Check(request, runner=no_source).run()
    assert again.cached
    assert again.cases == first.cases
    for change in ({"seed": 1}, {"source_sha256": "ac"}, {"outputs": ("fc_out",)}):
        assert not session.verify(replace(request, **change)).cached
    assert session.verify(replace(request, rtol=1e-4)).cached
    damaged = sorted((tmp_path / "cache").rglob("*.npz"))
    assert len(damaged) == 11
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-30])
    healed = session.verify(request)
    assert not healed.cached
    assert healed.cases == first.cases
    assert session.verify(request).cached
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_both_sides_in_the_same_runtime(
    session: Session, ask: Ask, tmp_path: Path, weights: tuple[np.ndarray, np.ndarray]
) -> None:
    source = classifier(tmp_path / "source.onnx", *weights)
    changes = {"source": source, "source_format": "onnx"}
    assert session.verify(ask(**changes)).ok
    wrong = session.verify(ask(bias=weights[1] + np.float32(1), **changes))
    assert wrong.cases[0].comparisons[0].outside == 3


def test_the_time_limit_of_a_check(session: Session, ask: Ask) -> None:
    with pytest.raises(LimitExceeded, match="time limit"):
        session.verify(ask(seconds=0.0))
    assert session.verify(ask()).ok


def test_the_memory_limit_of_a_check(session: Session, ask: Ask, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 8), np.float32))
    path = write(
        tmp_path / "big.onnx",
        [
            helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
            helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
            helper.make_node("Gemm", ["x", "w", "sum"], ["fc_out"], transB=1),
        ],
        [("x", np.float32, [1, 8]), ("shape", np.int64, [1])],
        [("fc_out", np.float32, [1, 3])],
        weights={"w": np.zeros((3, 8), np.float32)},
    )
    runner = session.runner("onnxruntime", memory=64 << 20)
    runner.open(path, format="onnx", outputs=(), seconds=30)
    feeds = {"x": np.zeros((1, 8), np.float32), "shape": np.array([1 << 28])}
    with pytest.raises(LimitExceeded):
        runner.run(feeds, seconds=30)
    assert session.verify(ask(memory=256 << 20)).ok
