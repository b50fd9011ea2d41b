"""QAT and quantized dumps, against what MegEngine computes from the same files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

import megengine.quantization as Q  # noqa: E402
import onnx  # noqa: E402

from mgeconvert import frontends  # noqa: E402
from mgeconvert.errors import ConversionFailed  # noqa: E402
from mgeconvert.ir import DType, ops  # noqa: E402
from tests.quant import configs, networks  # noqa: E402
from tests.quant.dumped import (  # noqa: E402
    KINDS,
    computed,
    dump,
    feeds,
    interpreted,
    last_step,
    read,
    steps_off,
)
from tests.quant.test_onnx import KERNELS, converted, session  # noqa: E402
from tests.quant.test_traced import UNABLE  # noqa: E402

FORMATS = ("v2", "v1")


def module(name: str, qconfig: str):
    made = configs.randomized(configs.MODULES[name]())
    return configs.trained(made, qconfig, *configs.inputs(name))


def nearly(off: np.ndarray, most: int = 1) -> None:
    """Hold to one step (or `most`) on one element in a thousand, or on one of a small result."""
    assert (off > 0).sum() <= max(1, 1e-3 * off.size)
    assert off.max() <= most


# The other ways of dumping for one configuration of each operator: FakeQuant, TQT and LSQ.
WAYS = [
    *((qconfig, "v2") for qconfig in configs.QCONFIGS),
    *(("ema", kind) for kind in ("v1", "plain")),
    *(
        pytest.param(qconfig, kind, marks=pytest.mark.full)
        for qconfig in ("tqt", "lsq")
        for kind in ("v1", "plain")
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", configs.MODULES)
@pytest.mark.parametrize(("qconfig", "kind"), WAYS)
def test_qat_modules(qconfig: str, name: str, kind: str, tmp_path: Path) -> None:
    arrays, path = configs.inputs(name), tmp_path / "m.mge"
    dump(module(name, qconfig), arrays, path, **KINDS[kind])
    graph, want = read(path), computed(path, arrays)
    got = interpreted(graph, arrays)
    assert any(v.quant for n in graph for v in n.outputs)
    off = np.abs(got - want) > 1e-5
    most = 0.1 if qconfig == "qint16" else 1e-3  # a step of 16 bits is near float32's own error
    assert off.sum() <= max(1, most * off.size)
    assert steps_off(got, want, last_step(graph)).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [n for n in configs.MODULES if n not in UNABLE])
@pytest.mark.parametrize("qconfig", ["min_max", "tqt"])
def test_quantized_modules(qconfig: str, name: str, kind: str, tmp_path: Path) -> None:
    arrays, path = configs.inputs(name), tmp_path / "m.mge"
    quantized = module(name, qconfig)
    Q.quantize(quantized)
    quantized.eval()
    dump(quantized, arrays, path, **KINDS[kind])
    graph = read(path)
    nearly(steps_off(interpreted(graph, arrays), computed(path, arrays), last_step(graph)))


WITHOUT_WEIGHTS = ("add", "mul", "fuse_add_relu", "concat")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conv_bn_relu", "transposed", "linear", "batch_mat_mul"])
@pytest.mark.parametrize("qconfig", ["ema", "quint8", "tqt", "lsq"])
def test_the_scale_of_rounded_weights_is_found_again(qconfig: str, name: str, tmp_path) -> None:
    """With optimization a dump has the rounded weights, without it their fake quantization."""
    arrays = configs.inputs(name)
    scales = []
    for kind in ("v2", "plain"):
        path = tmp_path / f"{kind}.mge"
        dump(module(name, qconfig), arrays, path, **KINDS[kind])
        weights = [v for v in read(path).constants() if v.quant and v.quant.qmax == 127]
        scales += [v.quant.scale[0] for v in weights if v.quant]
    assert len(scales) == 2
    np.testing.assert_allclose(scales[0], scales[1], rtol=1e-7)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("qconfig", ["ema", "quint8"])
def test_kernels_of_whole_numbers(qconfig: str, name: str, tmp_path: Path) -> None:
    arrays, path = configs.inputs(name), tmp_path / "m.mge"
    dump(module(name, qconfig), arrays, path)
    graph, want = read(path), computed(path, arrays)
    step, given = last_step(graph), feeds(graph, arrays)
    ran, kinds = session(converted(graph)["m.onnx"], tmp_path)
    assert KERNELS[name] in kinds
    nearly(steps_off(ran.run(None, given)[0], want, step))


@pytest.mark.parametrize("name", ["conv_bn_relu", "linear", "batch_mat_mul"])
def test_quantized_dumps_keep_their_whole_weights(name: str, tmp_path: Path) -> None:
    arrays, path = configs.inputs(name), tmp_path / "m.mge"
    quantized = module(name, "ema")
    Q.quantize(quantized)
    quantized.eval()
    dump(quantized, arrays, path)
    graph, want = read(path), computed(path, arrays)
    step, given = last_step(graph), feeds(graph, arrays)
    files = converted(graph)
    model = onnx.load_from_string(files["m.onnx"])
    assert any(t.data_type == onnx.TensorProto.INT8 and t.dims for t in model.graph.initializer)
    ran, _ = session(files["m.onnx"], tmp_path)
    nearly(steps_off(ran.run(None, given)[0], want, step))


@pytest.mark.slow
@pytest.mark.parametrize("name", configs.MODULES)
def test_a_float_model_and_its_parameters(name: str, tmp_path: Path) -> None:
    """The float model computes what MegEngine computes where activations are not rounded."""
    arrays, path = configs.inputs(name), tmp_path / "m.mge"
    qat = module(name, "ema")
    dump(qat, arrays, path, **KINDS["plain"])
    graph = read(path)
    given = feeds(graph, arrays)
    files = converted(graph, quantize=False)
    Q.disable_fake_quant(qat)
    want = qat(*map(mge.Tensor, arrays)).numpy()
    ran, kinds = session(files["m.onnx"], tmp_path)
    assert not any("Quant" in kind for kind in kinds)
    np.testing.assert_allclose(ran.run(None, given)[0], want, rtol=1e-4, atol=1e-5)
    entries = json.loads(files["m.quant_params.json"])
    model = onnx.load_from_string(files["m.onnx"]).graph
    known = {value for node in model.node for value in (*node.input, *node.output)}
    assert set(entries) <= known
    weights = sum(entry["is_weight"] for entry in entries.values())
    biased = "plain" not in name and name != "batch_mat_mul"
    assert weights == (0 if name in WITHOUT_WEIGHTS else 1 + biased)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize("name", networks.NETWORKS)
def test_networks(name: str, quantized: bool, form: str, tmp_path: Path) -> None:
    array, path = networks.inputs(name), tmp_path / "m.mge"
    made = networks.quantized(name) if quantized else networks.trained(name)
    dump(made, [array], path, **KINDS[form])
    graph, want = read(path), computed(path, [array])
    got = interpreted(graph, [array])
    nearly(steps_off(got, want, float(np.abs(want).max() / 127)), most=2)
    # Sums of products are exact: nothing says that they are rounded to 32 bits.
    assert not any(v.quant and v.quant.dtype is DType.I32 for n in graph for v in n.outputs)
    ran, kinds = session(converted(graph)["m.onnx"], tmp_path)
    assert "QLinearConv" in kinds or "QGemm" in kinds
    (run,) = ran.run(None, {ran.get_inputs()[0].name: array})
    noise = np.sum((run - want).astype(np.float64) ** 2)
    assert 10 * np.log10(np.sum(want.astype(np.float64) ** 2) / max(noise, 1e-12)) > 30
    assert (run.argmax(-1) == want.argmax(-1)).mean() >= 0.9


def test_a_scale_that_is_computed_is_refused(tmp_path: Path) -> None:
    from megengine.quantization.utils import QuantMode, create_qparams, fake_quant_tensor

    def rounded(x, scale):
        return fake_quant_tensor(x, create_qparams(QuantMode.SYMMERTIC, "qint8", scale=scale))

    arrays = (np.ones((2, 3), np.float32), np.full(1, 0.5, np.float32))
    dump(rounded, arrays, tmp_path / "m.mge")
    with pytest.raises(ConversionFailed, match="a scale that is computed at run time"):
        frontends.read(tmp_path / "m.mge", shapes={}, outputs=())


def test_a_value_that_is_also_used_as_it_is_stays(tmp_path: Path) -> None:
    from megengine.quantization.utils import QuantMode, create_qparams, fake_quant_tensor

    scale = mge.Tensor(np.full(1, 0.25, np.float32))

    def both(x):
        params = create_qparams(QuantMode.SYMMERTIC, "qint8", scale=scale)
        y = x * 3
        return fake_quant_tensor(y, params) + y

    array, path = np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 12), tmp_path / "m.mge"
    dump(both, [array], path)
    graph, want = read(path), computed(path, [array])
    np.testing.assert_allclose(interpreted(graph, [array]), want, atol=1e-6)
    assert sum(isinstance(n.op, ops.Identity) for n in graph) == 1
    ran, _ = session(converted(graph)["m.onnx"], tmp_path)
    np.testing.assert_allclose(ran.run(None, {"x0": array})[0], want, atol=0.26)
