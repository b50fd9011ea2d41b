"""Runtimes that show tensors inside a model, and run it afterwards as if they had not."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mgeconvert.diagnose.targets import write
from mgeconvert.errors import CheckFailed
from mgeconvert.frontends import unwatched
from mgeconvert.frontends.mge.outputs import with_outputs
from mgeconvert.frontends.mge.read import read
from mgeconvert.frontends.mge.records import CONSTANTS, INPUT
from tests.diagnose.diagnosing import DIGITS, DUMPS, job, subject

pytestmark = pytest.mark.slow

IMAGE = np.linspace(0, 16, 128, dtype=np.float32).reshape(2, 1, 8, 8)


@pytest.fixture
def small(tmp_path):
    """relu(x + w), -relu(x + w), with w in a file of its own."""
    nodes = [
        helper.make_node("Add", ["x", "w"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["relu"]),
        helper.make_node("Neg", ["relu"], ["out"]),
    ]
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [300]) for n in ("x", "out")]
    w = numpy_helper.from_array(np.arange(-150, 150, dtype=np.float32), "w")
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], [w])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "small.onnx"
    onnx.save(model, path, save_as_external_data=True, location="small.data", size_threshold=0)
    return path


@pytest.mark.parametrize("module", ["onnxruntime", "onnx_reference"])
def test_onnx_with_external_data(session, small, module):
    runner = session.runner(module)
    runner.open(str(small), format="onnx", outputs=(), seconds=60)
    feeds = {"x": np.ones(300, np.float32)}
    before = runner.run(feeds, seconds=60)
    found = runner.inner(feeds, ["relu", "missing", "sum", "w"], seconds=60)
    assert list(found) == ["relu", "sum"]
    assert np.array_equal(found["sum"], np.arange(-149, 151, dtype=np.float32))
    assert np.array_equal(found["relu"], np.maximum(found["sum"], 0))
    assert runner.inner(feeds, ["missing"], seconds=60) == {}
    assert np.array_equal(runner.run(feeds, seconds=60)["out"], before["out"])


def test_a_net_of_caffe_is_not_folded_while_it_is_looked_at(session, tmp_path):
    made = subject(job(DIGITS, "caffe"))
    graph = made.read(unwatched)
    artifact = made.lower(graph, lambda name, graph: None)
    path = write(artifact, tmp_path)
    runner = session.runner("opencv")
    runner.open(str(path), format="caffe", outputs=(), seconds=60)
    before = runner.run({"data": IMAGE}, seconds=60)
    names = [artifact.tensors["stem_out"], artifact.tensors["stem_bn_out"], "missing"]
    found = runner.inner({"data": IMAGE}, names, seconds=60)
    assert list(found) == names[:2]
    assert not np.allclose(*found.values())
    after = runner.run({"data": IMAGE}, seconds=60)
    assert np.array_equal(before["fc_out"], after["fc_out"])


def test_a_traced_module_shows_each_computation_of_a_node(session, sources):
    runner = session.runner("megengine", side="source")
    ports = runner.open(str(sources / "shared.tm"), format="traced", outputs=(), seconds=60)
    feeds = {ports.inputs[0].name: np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 6)}
    before = runner.run(feeds, seconds=60)
    made = subject(job(sources / "shared.tm"))
    keys = []
    made.read(lambda key, value: keys.append(key))
    (tanh,) = {key for key in keys if key.endswith(":tanh_out")}
    assert keys.count(tanh) == 3
    names = [f"{tanh}#{count}" for count in range(4)]
    found = runner.inner(feeds, [*names, "99:nothing#0"], seconds=60)
    assert list(found) == names[:3]
    assert not np.array_equal(found[names[0]], found[names[1]])
    after = runner.run(feeds, seconds=60)
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("name", ["residual.v1-bare", "residual.v2-bare", "residual.v2-named"])
def test_a_dump_shows_its_variables_by_index(session, tmp_path, name):
    model = read(DUMPS / f"{name}.mge")
    skipped = (*CONSTANTS, INPUT)
    ids = [i for o in model.operators if o.type not in skipped for i in o.outputs]
    path = tmp_path / "outputs.mge"
    path.write_bytes(b"".join(with_outputs(DUMPS / f"{name}.mge", ids[::-1])))
    assert [output.id for output in read(path).outputs] == ids[::-1]
    runner = session.runner("megengine", side="source")
    runner.open(str(path), format="mge", outputs=(), seconds=60)
    feeds = {"x0": np.linspace(-1, 1, 192, dtype=np.float32).reshape(1, 3, 8, 8)}
    every = runner.inner(feeds, [str(i) for i in range(len(ids))], seconds=60)
    assert len(every) == len(ids)
    assert {array.dtype.kind for array in every.values()} == {"f", "i"}  # sizes are whole
    some = runner.inner(feeds, ["2", "0", str(len(ids))], seconds=60)
    assert list(some) == ["2", "0"]
    assert np.array_equal(some["2"], every["2"])
    runner.open(str(DUMPS / f"{name}.mge"), format="mge", outputs=(), seconds=60)
    (output,) = runner.run(feeds, seconds=60).values()
    assert np.array_equal(output, every["0"])


def test_nothing_is_shown_of_no_model(session):
    runner = session.runner("megengine", side="source")
    with pytest.raises(CheckFailed):
        runner.open("/nowhere.mge", format="mge", outputs=(), seconds=60)
    runner.close()
    with pytest.raises(CheckFailed, match="no model is open"):
        runner.inner({}, ["0"], seconds=60)
