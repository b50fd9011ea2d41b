"""The runtimes themselves: what they open, name, run and refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from mgeconvert.check.runners.protocol import Port
from mgeconvert.check.session import Session
from mgeconvert.errors import CheckFailed, LimitExceeded, UnreadableSource, UnsupportedCase
from tests.check.models import classifier, write


def test_onnxruntime_reports_names_types_and_symbols(session: Session, tmp_path: Path) -> None:
    path = write(
        tmp_path / "m.onnx",
        [helper.make_node("ArgMax", ["x"], ["y"]), helper.make_node("Not", ["b"], ["z"])],
        [("x", np.float16, ["N", 3]), ("b", np.bool_, [None])],
        [("y", np.int64, [1, 3]), ("z", np.bool_, [None])],
    )
    runner = session.runner("onnxruntime")
    ports = runner.open(path, format="onnx", outputs=(), seconds=30)
    assert ports.inputs[0] == Port("x", "float16", ("N", 3))
    assert ports.inputs[1] == Port("b", "bool", ("b.0",))
    assert ports.outputs[0] == Port("y", "int64", (1, 3))
    feeds = {"x": np.eye(3, dtype=np.float16), "b": np.array([True])}
    got = runner.run(feeds, seconds=30)
    assert list(got) == ["y", "z"]
    assert got["y"].tolist() == [[0, 1, 2]]
    assert got["z"].tolist() == [False]


def test_onnxruntime_reads_external_data(session: Session, tmp_path: Path) -> None:
    weight, bias = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(2, np.float32)
    path = classifier(tmp_path / "m.onnx", weight, bias)
    big = str(tmp_path / "big.onnx")
    onnx.save(
        onnx.load(path), big, save_as_external_data=True, location="big.data", size_threshold=0
    )
    x = np.ones((4, 3), np.float32)
    for module in ("onnxruntime", "onnx_reference"):
        runner = session.runner(module)
        runner.open(big, format="onnx", outputs=(), seconds=30)
        assert runner.run({"x": x}, seconds=30)["fc_out"][0].tolist() == [4, 13]


def test_missing_kernels_go_to_the_reference(session: Session, tmp_path: Path) -> None:
    path = write(
        tmp_path / "m.onnx",
        [helper.make_node("LpNormalization", ["x"], ["y"], axis=1, p=2)],
        [("x", np.float32, ["N", 2])],
        [("y", np.float32, ["N", 2])],
        opset=22,
    )
    with pytest.raises(UnsupportedCase, match="no kernel"):
        session.runner("onnxruntime").open(path, format="onnx", outputs=(), seconds=30)
    runner = session.runner("onnx_reference")
    ports = runner.open(path, format="onnx", outputs=(), seconds=30)
    assert ports.inputs == (Port("x", "float32", ("N", 2)),)
    got = runner.run({"x": np.array([[3, 4]], np.float32)}, seconds=30)
    assert got["y"] == pytest.approx(np.array([[0.6, 0.8]]))


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x08\x07" * 50])
def test_onnxruntime_refuses_what_is_no_model(
    session: Session, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(CheckFailed, match="onnxruntime failed"):
        session.runner("onnxruntime").open(str(path), format="onnx", outputs=(), seconds=30)


def test_megengine_flattens_inputs_and_outputs(session: Session, sources: Path) -> None:
    runner = session.runner("megengine")
    path = str(sources / "outer.tm")
    ports = runner.open(path, format="traced", outputs=(), seconds=60)
    assert [port.name for port in ports.inputs] == ["x", "more_0", "more_1"]
    assert ports.inputs[0] == Port("x", "float32", (1, 3, 8, 8))
    assert [port.name for port in ports.outputs] == ["blocks_0_out", "backbone_out_1", "add_out"]
    feeds = {
        name: np.full((2, 3, 8, 8), value, np.float32)
        for name, value in (("more_1", 3), ("x", 1), ("more_0", 2))
    }
    got = runner.run(feeds, seconds=30)
    assert got["blocks_0_out"].shape == (2, 2)
    assert got["backbone_out_1"].shape == ()
    assert np.all(got["add_out"] == 5)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("backbone_out", ["backbone_out"]),
        ("backbone.bn", ["bn_out"]),
        ("Outer_backbone_bn_out", ["bn_out"]),
        ("Outer.backbone.[func_relu]", ["relu_out"]),
        ("backbone", ["backbone_out", "backbone_out_1"]),
        ("x", ["x"]),
    ],
)
def test_end_points_of_a_traced_module(
    session: Session, sources: Path, name: str, found: list[str]
) -> None:
    runner = session.runner("megengine")
    path = str(sources / "outer.tm")
    ports = runner.open(path, format="traced", outputs=[name], seconds=60)
    assert [port.name for port in ports.outputs] == found
    shape = (1, 3, 8, 8)
    feeds = {port.name: np.ones(shape, np.float32) for port in ports.inputs}
    first, again = (runner.run(feeds, seconds=30) for _ in range(2))
    assert list(first) == found
    assert first[found[0]].shape == (shape if name == "x" else (1, 4, 6, 6))
    assert np.array_equal(first[found[0]], again[found[0]])


def test_unknown_end_points(session: Session, sources: Path) -> None:
    runner = session.runner("megengine")
    with pytest.raises(CheckFailed, match="no value named 'nowhere'"):
        path = str(sources / "outer.tm")
        runner.open(path, format="traced", outputs=["nowhere"], seconds=60)
    with pytest.raises(CheckFailed, match="nowhere"):
        path = str(sources / "function.mge")
        runner.open(path, format="mge", outputs=["nowhere"], seconds=60)


def test_megengine_runs_graphs_at_other_batches_and_wide_types(
    session: Session, sources: Path
) -> None:
    runner = session.runner("megengine")
    ports = runner.open(str(sources / "function.mge"), format="mge", outputs=(), seconds=60)
    assert {port.name: port.dtype for port in ports.inputs} == {"a": "float32", "b": "int32"}
    assert [port.name for port in ports.outputs] == ["y", "s"]
    feeds = {"a": np.ones((5, 3), np.float64), "b": np.ones((1, 3), np.int64)}
    got = runner.run(feeds, seconds=30)
    assert got["y"].dtype == np.float32
    assert np.array_equal(got["y"], np.full((5, 3), 2, np.float32))
    assert got["s"].tolist() == [15]


@pytest.mark.parametrize("rounding", ["kept", "parameters", "none"])
def test_dumps_with_workspaces_open(session: Session, sources: Path, rounding: str) -> None:
    runner = session.runner("megengine")
    path = str(sources / "normed.mge")
    ports = runner.open(path, format="mge", outputs=(), rounding=rounding, seconds=60)
    assert [port.name for port in ports.outputs] == ["y"]
    got = runner.run({"x": np.ones((1, 3, 8, 8), np.float32)}, seconds=30)
    assert not got["y"].any()


def test_megengine_says_in_one_line_what_it_cannot_run(session: Session, sources: Path) -> None:
    runner = session.runner("megengine")
    runner.open(str(sources / "linear.tm"), format="traced", outputs=(), seconds=60)
    with pytest.raises(CheckFailed) as caught:
        runner.run({"x": np.ones((1, 9), np.float32)}, seconds=30)
    assert "\n" not in str(caught.value)
    got = runner.run({"x": np.ones((1, 8), np.float32)}, seconds=30)
    assert got["fc_out"].shape == (1, 3)


def test_the_memory_limit_in_megengine(session: Session, sources: Path) -> None:
    path = str(sources / "outer.tm")

    def run(batch: int, memory: int) -> tuple[int, ...]:
        runner = session.runner("megengine", memory=memory)
        ports = runner.open(path, format="traced", outputs=(), seconds=60)
        feeds = {port.name: np.ones((batch, 3, 8, 8), np.float32) for port in ports.inputs}
        return runner.run(feeds, seconds=60)["add_out"].shape

    with pytest.raises(LimitExceeded, match="limit of 32 MiB"):
        run(20000, 32 << 20)
    assert run(20000, 0) == (20000, 3, 8, 8)


@pytest.mark.parametrize(("name", "format"), [("state.tm", "traced"), ("weight.npy", "mge")])
def test_megengine_refuses_other_files(
    session: Session, sources: Path, name: str, format: str
) -> None:
    with pytest.raises(UnreadableSource):
        session.runner("megengine").open(str(sources / name), format=format, outputs=(), seconds=60)


def test_many_models_in_one_process_keep_its_size(session: Session, sources: Path) -> None:
    runner = session.runner("megengine")

    def load(times: int) -> int:
        for _ in range(times):
            runner.open(str(sources / "linear.tm"), format="traced", outputs=(), seconds=60)
            runner.run({"x": np.ones((1000, 8), np.float32)}, seconds=30)
        status = Path(f"/proc/{runner.pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0])

    starts, before = runner.starts, load(20)
    assert load(100) - before < 4000
    assert runner.starts == starts
