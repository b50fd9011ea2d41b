"""What the check's runtime computes of a quantized source: all of its rounding, some, or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

import onnx  # noqa: E402

from mgeconvert.check.session import Session  # noqa: E402
from mgeconvert.errors import UnsupportedCase  # noqa: E402
from tests.check.models import write  # noqa: E402
from tests.quant import configs, networks  # noqa: E402
from tests.quant.test_onnx import converted  # noqa: E402
from tests.quant.test_traced import run  # noqa: E402

pytestmark = pytest.mark.slow

EXACT = 100  # dB: float32 in another order


@pytest.fixture(scope="module")
def runner():
    with Session() as session:
        yield session.runner("megengine")


def snr(got, want):
    error = np.sum((got.astype(np.float64) - want) ** 2)
    return np.inf if error == 0 else 10 * np.log10(np.sum(want.astype(np.float64) ** 2) / error)


def traced(module, path: Path, *arrays):
    from megengine.traced_module import trace_module

    mge.save(trace_module(module, *map(mge.Tensor, arrays)), str(path))
    return path


def dumped(module, path: Path, array):
    from megengine.jit import trace

    function = trace(lambda x: module(x), symbolic=True, capture_as_const=True)
    function(mge.Tensor(array))
    with path.open("wb") as file:
        function.dump(file, arg_names=["data"], output_names=["y"])
    return path


def results(runner, path: Path, *arrays, outputs=(), kinds=("kept", "parameters", "none")):
    form = "mge" if path.suffix == ".mge" else "traced"
    found = {}
    for kind in kinds:
        ports = runner.open(str(path), format=form, outputs=outputs, seconds=60, rounding=kind)
        feeds = {port.name: array for port, array in zip(ports.inputs, arrays)}
        (found[kind],) = runner.run(feeds, seconds=60).values()
    return found


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_networks_without_rounding(runner, name, tmp_path):
    x = networks.inputs(name)
    plain = networks.plain(name)(mge.Tensor(x)).numpy()
    trained, quantized = networks.trained(name), networks.quantized(name)
    rounded = trained(mge.Tensor(x)).numpy()
    qat = results(runner, traced(trained, tmp_path / "qat.tm", x), x)
    whole = results(runner, traced(quantized, tmp_path / "int8.tm", x), x)

    np.testing.assert_array_equal(qat["kept"], rounded)
    np.testing.assert_array_equal(whole["kept"], quantized(mge.Tensor(x)).numpy())
    assert snr(qat["none"], plain) > EXACT
    assert snr(qat["parameters"], whole["parameters"]) > EXACT
    # Biases of 32 bits are finer than weights of 8.
    assert snr(qat["none"], plain) > snr(qat["parameters"], plain) > snr(rounded, plain)
    assert snr(whole["none"], plain) == pytest.approx(snr(qat["parameters"], plain), abs=1)


def test_parameters_alone_are_rounded(runner, tmp_path):
    (x,) = configs.inputs("linear")
    module = configs.trained(configs.randomized(configs.MODULES["linear"]()), "min_max", x)
    layer = module.inner
    step = float(layer.get_weight_qparams().scale.numpy())
    finer = step * float(module.stubs[0].get_activation_qparams().scale.numpy())
    weight = np.rint(layer.weight.numpy() / step) * step
    bias = np.rint(layer.bias.numpy() / finer) * finer
    found = results(runner, traced(module, tmp_path / "m.tm", x), x)
    np.testing.assert_allclose(found["parameters"], x @ weight.T + bias, atol=1e-5)
    assert np.abs(found["none"] - found["parameters"]).max() > 1e-3


UNTRACEABLE = ("transposed", "transposed_relu", "transposed_bn", "transposed_bn_relu")
"""MegEngine 1.13 cannot run these quantized: a bias and a relu are not implemented there."""


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in configs.MODULES if name not in UNTRACEABLE])
def test_quantized_modules_without_rounding(runner, name, tmp_path):
    import megengine.quantization as Q

    arrays = configs.inputs(name)
    module = configs.trained(configs.randomized(configs.MODULES[name]()), "min_max", *arrays)
    kinds = ("parameters",)
    qat = results(runner, traced(module, tmp_path / "qat.tm", *arrays), *arrays, kinds=kinds)
    Q.quantize(module)
    module.eval()
    got = results(runner, traced(module, tmp_path / "int8.tm", *arrays), *arrays, kinds=kinds)
    assert snr(got["parameters"], qat["parameters"]) > EXACT


@pytest.mark.parametrize("qconfig", ["ema", "quint8", "tqt", "lsq", "passive", "lowbit", "qint16"])
def test_every_way_of_training_can_be_switched_off(runner, qconfig, tmp_path):
    (x,) = configs.inputs("conv_bn_relu")
    float_module = configs.randomized(configs.MODULES["conv_bn_relu"]())
    float_module.eval()
    plain = float_module(mge.Tensor(x)).numpy()
    module = configs.trained(float_module, qconfig, x)
    found = results(runner, traced(module, tmp_path / "m.tm", x), x)
    assert snr(found["none"], plain) > EXACT
    assert snr(found["kept"], plain) < 90


@pytest.mark.parametrize("qconfig", ["ema", "tqt", "lsq"])
def test_dumps_without_rounding(runner, qconfig, tmp_path):
    x = networks.inputs("residual")
    module = networks.trained("residual", qconfig)
    want = results(runner, traced(module, tmp_path / "m.tm", x), x)
    path = dumped(module, tmp_path / "m.mge", x)
    found = results(runner, path, x)
    assert snr(found["kept"], want["kept"]) > EXACT
    for kind in ("parameters", "none"):  # what a dump has of weights is rounded
        assert snr(found[kind], want["parameters"]) > EXACT
    ports = runner.open(str(path), format="mge", outputs=(), seconds=60, rounding="none")
    assert [port.name for port in ports.outputs] == ["y"]


def test_dumps_of_whole_numbers_cannot_be_without(runner, tmp_path):
    x = networks.inputs("dense")
    path = dumped(networks.quantized("dense"), tmp_path / "m.mge", x)
    assert results(runner, path, x, kinds=("kept",))["kept"].shape == (8, 10)
    with pytest.raises(UnsupportedCase, match="dump of quantized types"):
        results(runner, path, x, kinds=("none",))


@pytest.mark.parametrize("name", ["shuffled", "dense"])
def test_onnx_models_without_rounding(name, tmp_path):
    x = networks.inputs(name)
    _, want, graph = run(networks.trained(name), (x,), tmp_path)
    files = converted(graph, opset=17)
    _, _, graph = run(networks.trained(name), (x,), tmp_path)
    plain = converted(graph, opset=17, quantize=False, param_fake_quant=True)
    (tmp_path / "q.onnx").write_bytes(files["m.onnx"])
    (tmp_path / "f.onnx").write_bytes(plain["m.onnx"])
    found = {}
    with Session() as session:
        runner = session.runner("onnxruntime")
        for file, rounding in (("q", "kept"), ("q", "none"), ("f", "none"), ("f", "kept")):
            path = str(tmp_path / f"{file}.onnx")
            ports = runner.open(path, format="onnx", outputs=(), seconds=60, rounding=rounding)
            (found[file, rounding],) = runner.run({ports.inputs[0].name: x}, seconds=60).values()
    np.testing.assert_array_equal(found["f", "none"], found["f", "kept"])
    assert snr(found["q", "none"], found["f", "kept"]) > EXACT
    assert snr(found["q", "kept"], want) > 35
    assert snr(found["q", "none"], want) < 60


@pytest.mark.parametrize(
    ("kind", "other"), [("QuantizeLinear", 0.5), ("DynamicQuantizeLinear", None)]
)
def test_onnx_models_that_cannot_be_without(kind, other, tmp_path):
    """The second scale differs, so that the pair is arithmetic; the other computes its own."""
    scales = {"s": np.float32(0.25), "t": np.float32(other or 0.25), "z": np.uint8(0)}
    first = ["x", "s", "z"] if other else ["x"]
    results = ["q"] if other else ["q", "s2", "z2"]
    after = ["q", "t", "z"] if other else ["q", "s2", "z2"]
    nodes = [
        onnx.helper.make_node(kind, first, results),
        onnx.helper.make_node("DequantizeLinear", after, ["y"]),
    ]
    path = write(
        tmp_path / "m.onnx",
        nodes,
        [("x", np.float32, [2])],
        [("y", np.float32, [2])],
        weights={name: np.array(value) for name, value in scales.items()},
    )
    with Session() as session, pytest.raises(UnsupportedCase, match="without the rounding of"):
        session.runner("onnxruntime").open(
            path, format="onnx", outputs=(), seconds=60, rounding="none"
        )
