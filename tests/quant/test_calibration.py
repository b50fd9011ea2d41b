"""Quantization after training: parameters from samples, and what they lose."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgeconvert.build.calibration import calibrate
from mgeconvert.build.convert import convert, read_source
from mgeconvert.errors import QuantError
from mgeconvert.ir import DType
from mgeconvert.ir.quantize import fake_quantize
from mgeconvert.ir.ranges import Seen, parameters, weight_parameters
from mgeconvert.manifest import load, plan
from tests.tflite_backend.running import codes, run, structure
from tests.zoo import FAMILIES, feeds
from tests.zoo.test_convert import folder, own_batch

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
KINDS = st.sampled_from([DType.I8, DType.U8, DType.I16])
ENDS = st.floats(-1e4, 1e4, width=32)


def snr(got: np.ndarray, want: np.ndarray) -> float:
    """Return the ratio of signal to noise in dB."""
    noise = np.square(got.astype(np.float64) - want).sum()
    return np.inf if noise == 0 else 10 * np.log10(np.square(want.astype(np.float64)).sum() / noise)


def job(place: Path, settings: str = "", target: str = "tflite"):
    """Return the job of the digits classifier, calibrated on 120 of its images in two files."""
    with np.load(EXAMPLES / "digits.npz") as digits:
        for i in range(2):
            np.savez(place / f"part{i}.npz", data=digits["data"][60 * i : 60 * i + 60])
    text = f"""\
format = 1
[models.digits]
source = "{EXAMPLES / "digits.tm"}"
allow_outside = true
[models.digits.inputs.data]
shape = ["N", 1, 8, 8]
[models.digits.quantization]
calibration = "part*.npz"
{settings}
[models.digits.targets.{target}]
quantize = true
"""
    (place / "models.toml").write_text(text)
    (made,) = plan(load(place / "models.toml"))
    return made


def right(model: bytes) -> int:
    """Return how many of the 1,797 digits a file tells."""
    with np.load(EXAMPLES / "digits.npz") as digits:
        data, labels = digits["data"].astype(np.float32), digits["labels"]
    (got,) = run(model, {"data": data}).values()
    return int((got.argmax(1) == labels).sum())


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ("", 9),  # the schema's INT8
        ('method = "percentile"', 9),
        ('method = "mse"', 9),
        ('activation = "uint8"', 3),
        ('activation = "int16"', 7),
        ("per_channel = false", 9),
    ],
)
def test_the_digits_classifier(settings: str, kind: int, tmp_path: Path) -> None:
    """1,794 of 1,797 are right in floats; 0.3 points are 5 of them."""
    made = convert(job(tmp_path, settings), source_sha256="")
    files = {n: b"".join(bytes(c) for c in chunks) for n, chunks in made.files.items()}
    model = files["digits.tflite"]
    assert right(model) >= 1794 - 5
    assert "CONV_2D" in codes(model)
    assert "DEQUANTIZE" not in codes(model)
    (graph,) = structure(model).subgraphs
    layers = [op for op in graph.operators if len(op.inputs) == 3]
    assert {graph.tensors[i].type for op in layers for i in op.outputs} == {kind}
    assert json.loads(files["digits.quant_params.json"])


def test_scales_for_each_channel_or_one(tmp_path: Path) -> None:
    for settings, count in (("", {16, 24, 32, 48, 64, 10, 96, 128}), ("per_channel = false", {1})):
        asked = job(tmp_path, settings)
        entries = calibrate(asked, read_source(asked))
        weights = [e for e in entries.values() if e["is_weight"] and e["dtype"] == "int8"]
        sizes = {len(np.atleast_1d(e["scale"])) for e in weights if e["qmin"] == -127}
        assert sizes <= count
        assert sizes


def test_a_file_that_does_not_fit_is_told(tmp_path: Path) -> None:
    asked = job(tmp_path)
    np.savez(tmp_path / "part0.npz", image=np.zeros((3, 8)))
    with pytest.raises(QuantError, match=r"part0\.npz"):
        calibrate(asked, read_source(asked))


def test_samples_that_the_model_cannot_run_on_are_told(tmp_path: Path) -> None:
    """An index beyond the end of a table."""
    make = onnx.helper
    types = [onnx.TensorProto.INT64, onnx.TensorProto.FLOAT]
    ports = [make.make_tensor_value_info(n, t, [2]) for n, t in zip("iy", types)]
    table = onnx.numpy_helper.from_array(np.ones(4, np.float32), "table")
    nodes = [
        make.make_node("Gather", ["table", "i"], ["x"]),
        make.make_node("Add", ["x", "x"], ["y"]),
    ]
    opset = [make.make_opsetid("", 17)]
    graph = make.make_graph(nodes, "g", ports[:1], ports[1:], [table])
    onnx.save(make.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "m.onnx")
    np.savez(tmp_path / "s.npz", i=np.array([0, 4]))
    (tmp_path / "models.toml").write_text("""\
format = 1
[models.m]
source = "m.onnx"
quantization.calibration = "s.npz"
targets.tflite.quantize = true
""")
    (asked,) = plan(load(tmp_path / "models.toml"))
    with pytest.raises(QuantError, match=r"fails on the samples: .*out of data bounds"):
        convert(asked, source_sha256="")


@given(ENDS, ENDS, KINDS)
def test_zero_and_the_ends_can_be_expressed(a: float, b: float, dtype: DType) -> None:
    low, high = sorted((a, b))
    quant = parameters(low, high, dtype)
    assert fake_quantize(np.zeros(1, np.float32), quant)[0] == 0
    ends = np.array([min(low, 0), max(high, 0)], np.float32)
    off = np.abs(fake_quantize(ends, quant) - ends)
    assert (off <= quant.scale[0] * 1.01 + 1e-30).all()


@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=60))
def test_what_was_seen_is_between_the_ends(numbers: list[float]) -> None:
    array = np.array(numbers, np.float32)
    seen = Seen()
    seen.widen(array)
    seen.count(array)
    assert (seen.low, seen.high) == (array.min(), array.max())
    low, high = seen.between(100)
    assert low <= seen.low + 1e-3
    assert high >= seen.high - 1e-3
    low, high = seen.least_error(DType.I8)
    assert min(seen.low, 0) <= min(low, 0)
    assert max(high, 0) <= max(seen.high, 0)


def test_tails_are_left_out() -> None:
    array = np.concatenate([np.linspace(-1, 1, 9998), [100.0, -50.0]]).astype(np.float32)
    seen = Seen()
    seen.widen(array)
    seen.count(array)
    low, high = seen.between(99.9)
    assert -1.2 < low < -0.9
    assert 0.9 < high < 1.2


def test_what_is_not_finite_does_not_count() -> None:
    seen = Seen()
    seen.widen(np.array([np.nan, np.inf, 1.0, -2.0], np.float32))
    assert (seen.low, seen.high) == (-2.0, 1.0)


@given(st.integers(0, 3))
def test_weights_keep_to_127(seed: int) -> None:
    w = np.random.default_rng(seed).standard_normal((3, 4, 2, 2)).astype(np.float32)
    w[1] = 0
    for axis in (None, 0, 1):
        quant = weight_parameters(w, axis)
        assert np.abs(fake_quantize(w, quant) - w).max() <= max(quant.scale) / 2 * 1.001


def test_what_is_far_below_is_cut() -> None:
    array = np.array([-10000.0] * 50 + [-3.0, 0.0, 5.0], np.float32)
    seen = Seen()
    seen.widen(array)
    seen.count(array)
    seen.cut_below(16)
    assert (seen.low, seen.high) == (-11.0, 5.0)
    assert seen.counts.sum() <= 3


# Families of the zoo whose SNR in dB after calibration is lower than the others', and why.
USUAL_FLOOR = 25.0
FLOORS = {
    "bert": 18.0,  # two blocks of attention; its layer norms are in floats
}
NOTHING_TO_QUANTIZE = {"rnn"}  # LiteRT computes its gates in floats


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_families_of_the_zoo(name: str, tmp_path: Path) -> None:
    """Calibrated on what it then runs on, so that only rounding is lost."""
    fed = feeds(name, own_batch(name))
    np.savez(tmp_path / "samples.npz", **fed)
    (tmp_path / "models.toml").write_text(f"""\
format = 1
[models.m]
source = "{folder() / f"{name}.tm"}"
allow_outside = true
[models.m.quantization]
calibration = "samples.npz"
[models.m.targets.tflite]
quantize = true
""")
    (asked,) = plan(load(tmp_path / "models.toml"))
    if name in NOTHING_TO_QUANTIZE:
        with pytest.raises(QuantError, match="no value of the model has quantization parameters"):
            convert(asked, source_sha256="")
        return
    made = convert(asked, source_sha256="")
    model = b"".join(bytes(chunk) for chunk in made.files["m.tflite"])
    with np.load(folder() / f"{name}.npz") as results:
        wanted = [results[k] for k in results.files if k.startswith(f"{own_batch(name)}.")]
    for got, want in zip(run(model, fed).values(), wanted, strict=True):
        if want.dtype.kind == "f":
            assert snr(got, want) >= FLOORS.get(name, USUAL_FLOOR)
        else:
            assert (got == want).mean() >= 0.8  # classes, indices of the greatest
