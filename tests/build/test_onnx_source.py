"""A manifest with ONNX sources: converted, checked in onnxruntime against the source, and kept."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.build.test_real import RealProject

TABLES = """
[models.net]
source = "net.onnx"
[models.net.targets.onnx]
opset = 13
[models.net.targets.caffe]
[models.net.targets.caffe.check]
runs = 3
"""


def network(seed=0):
    """Return a small classifier of images."""
    random = np.random.RandomState(seed)
    shapes = {"w": (8, 3, 3, 3), "b": (8,), "f": (8, 10)}
    weights = [
        numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["q"]),
        helper.make_node("MatMul", ["q", "f"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16, 16])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])
    graph = helper.make_graph(nodes, "g", [x], [y], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def real(tmp_path, monkeypatch):
    project = RealProject(tmp_path, monkeypatch)
    project.tables["net"] = TABLES
    project.write()
    return project


def save(project, seed=0):
    path = project.folder / "net.onnx"
    (project.folder / "net.bin").unlink(missing_ok=True)
    onnx.save(network(seed), path, save_as_external_data=True, location="net.bin", size_threshold=0)
    return path.read_bytes()


def test_data_outside_of_the_model_is_part_of_the_source(real):
    first = save(real)
    assert set(real.run().values()) == {"made"}
    before = real.published()
    assert sorted(name.rsplit("/", 1)[-1] for name in before) == [
        "net.caffemodel",
        "net.onnx",
        "net.prototxt",
    ]
    assert real.run() == {}
    assert save(real, seed=1) == first  # only the other file has changed
    assert set(real.run().values()) == {"made"}
    after = real.published()
    changed = {name.rsplit("/", 1)[-1] for name in before if after[name] != before[name]}
    assert changed == {"net.caffemodel", "net.onnx"}
    save(real)
    assert set(real.run().values()) == {"restored"}
    assert real.published() == before


def test_without_its_data_a_model_fails_until_they_are_there(real):
    save(real)
    data = (real.folder / "net.bin").read_bytes()
    (real.folder / "net.bin").unlink()
    assert set(real.run().values()) == {"failed"}
    assert real.published() == {}
    (real.folder / "net.bin").write_bytes(data)
    assert set(real.run().values()) == {"made"}
