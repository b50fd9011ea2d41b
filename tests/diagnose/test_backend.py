"""Wrong rules of backends and damaged artifacts: the operator is named."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from mgeconvert.backends.caffe.rules import RULES as CAFFE
from mgeconvert.backends.onnx.rules import RULES as ONNX
from mgeconvert.diagnose.targets import write
from mgeconvert.frontends import unwatched
from mgeconvert.ir import ops
from tests.diagnose.diagnosing import DIGITS, DUMPS, diagnosed, job, make_wrong, subject

pytestmark = pytest.mark.slow


def negated(rule):
    return lambda e, node: e.emit("Neg", rule(e, node))


def backend_of(found):
    return found.sections[-1]


@pytest.mark.parametrize(
    ("source", "path", "shape"),
    [(DIGITS, "pool", (2, 48, 2, 2)), (DUMPS / "residual.v1-bare.mge", "", (1, 8, 4, 4))],
)
def test_a_wrong_rule_is_named(session, tmp_path, monkeypatch, source, path, shape):
    make_wrong(monkeypatch, ONNX, ops.MaxPool, negated)
    found, _ = diagnosed(job(source), session, tmp_path)
    assert found.first is backend_of(found)
    first = found.first.first
    assert first.op.startswith("MaxPool(")
    assert first.origin.path == path
    assert first.comparison.want_shape == first.comparison.got_shape == shape
    assert not any(s.differs for s in found.sections[:2])
    assert found.first.got == "onnxruntime"


def test_a_wrong_rule_for_caffe_is_named(session, tmp_path, monkeypatch):
    def twice(rule):
        def wrong(e, node):
            blob = rule(e, node)
            return e.layer("Power", [blob], blob.shape, scale=2.0)

        return wrong

    make_wrong(monkeypatch, CAFFE, ops.MaxPool, twice)
    found, _ = diagnosed(job(DIGITS, "caffe"), session, tmp_path)
    assert found.first is backend_of(found)
    assert found.first.got == "OpenCV"
    assert found.first.first.origin.name == "pool_out"
    assert found.first.first.op.startswith("MaxPool(")


@pytest.mark.parametrize("format", ["onnx", "caffe", "tflite"])
def test_each_runtime_shows_its_tensors(session, tmp_path, format):
    found, _ = diagnosed(job(DIGITS, format), session, tmp_path)
    assert found.first is None
    assert backend_of(found).compared > 12


def test_a_damaged_artifact_is_named_by_its_operator(session, tmp_path):
    asked = job(DIGITS)
    made = subject(asked)
    folder = tmp_path / "made"
    folder.mkdir()
    path = write(made.lower(made.read(unwatched), lambda name, graph: None), folder)
    model = onnx.load(path)
    (weight,) = [t for t in model.graph.initializer if t.name.startswith("down.conv.weight")]
    array = numpy_helper.to_array(weight).copy()
    array[7] *= -1
    weight.CopyFrom(numpy_helper.from_array(array, weight.name))
    onnx.save(model, path)
    work = tmp_path / "work"
    work.mkdir()
    found, _ = diagnosed(subject(asked, artifact=str(path)), session, work)
    assert backend_of(found) is found.first
    assert found.first.first.op.startswith("Conv(")
    assert found.first.first.origin.path == "down.conv"
    assert found.first.first.comparison.worst.index[1] == 7
    assert found.notes == ("a conversion now makes other files than those looked at: x.onnx",)


def test_what_only_the_whole_artifact_computes_is_found(session, tmp_path, monkeypatch):
    """A runtime that is right as long as one looks: its own optimizations are at fault."""
    runner = session.runner

    class Wrong:
        def __init__(self, inner):
            self._inner = inner

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def run(self, feeds, *, seconds):
            outputs = self._inner.run(feeds, seconds=seconds)
            return {name: array + np.float32(1) for name, array in outputs.items()}

    def wrong(module, *, memory, side):
        found = runner(module, memory=memory, side=side)
        return Wrong(found) if side == "artifact" else found

    monkeypatch.setattr(session, "runner", wrong)
    found, _ = diagnosed(job(DIGITS), session, tmp_path)
    assert found.first is backend_of(found)
    assert found.first.first.origin.name == "fc_out"
    assert "the runtime's own optimizations" in found.first.note


def test_a_target_that_cannot_be_made_leaves_the_source(session, tmp_path, monkeypatch):
    monkeypatch.delitem(ONNX._rules, ops.MaxPool)
    found, _ = diagnosed(job(DIGITS), session, tmp_path)
    assert not found.sections[0].differs
    assert found.sections[0].compared > 10
    assert "no rule for MaxPool" in backend_of(found).problem
    assert not found.finished
