"""Wrong passes: the first that changes numbers is named, and the first tensor that it changes."""

import numpy as np
import pytest

from mgeconvert.backends.onnx import backend
from mgeconvert.diagnose.passes import PassWatch, section
from mgeconvert.diagnose.tolerance import Tolerance
from mgeconvert.ir import Graph, ops
from mgeconvert.ir.passes import fold_batch_norm, graph_pass, run_passes
from mgeconvert.ir.text import parse
from tests.diagnose.diagnosing import DIGITS, DUMPS, diagnosed, job


@graph_pass()
def forget_relu(graph: Graph) -> bool:
    """Take out the third relu."""
    third = [node for node in graph if isinstance(node.op, ops.Relu)][2]
    graph.replace_node(third, third.inputs[0])
    return True


@graph_pass()
def rename_and_scale(graph: Graph) -> bool:
    """Make the last product twice as large."""
    node = [node for node in graph if isinstance(node.op, ops.Linear)][-1]
    x, w, *bias = node.inputs
    twice = graph.constant("twice", w.const * 2)
    graph.set_inputs(node, (x, twice, *bias))
    return True


def passes_of(found):
    (section,) = [section for section in found.sections if section.stage == "passes"]
    return section


@pytest.mark.parametrize("source", [DIGITS, DUMPS / "residual.v2.mge"])
def test_a_wrong_pass_is_named(session, tmp_path, monkeypatch, source):
    pipeline = (*backend.PIPELINE, rename_and_scale)
    monkeypatch.setattr(backend, "PIPELINE", pipeline)
    found, _ = diagnosed(job(source), session, tmp_path)
    assert found.first is passes_of(found)
    assert found.first.culprit == "rename_and_scale"
    assert found.first.compared == 6
    assert found.first.first.op.startswith("Linear")
    assert "the first pass that changes numbers is rename_and_scale" in found.summary()
    assert not any(s.differs for s in found.sections if s.stage != "passes")


def test_the_first_of_two_is_named_with_the_tensor_that_it_changes(session, tmp_path, monkeypatch):
    pipeline = (forget_relu, rename_and_scale, *backend.PIPELINE)
    monkeypatch.setattr(backend, "PIPELINE", pipeline)
    found, _ = diagnosed(job(DIGITS), session, tmp_path)
    assert passes_of(found).culprit == "forget_relu"
    assert passes_of(found).compared == 0
    # The relu itself is gone: what reads it is the first value with a counterpart that is wrong.
    assert passes_of(found).first.op.startswith("Conv")
    assert passes_of(found).first.origin.path == "down.conv"


TEXT = """
input x = %x: float32[N, 3]
%y: float32[N, 3] = Relu()(%x)
%z: float32[N, 3] = Neg()(%y)
output out = %z
"""


def watched(*pipeline, feeds):
    watch = PassWatch(feeds, Tolerance(0.0, 0.0))

    def lower(graph, observe):
        run_passes(graph, pipeline, observe)

    lower(parse(TEXT), watch)
    return watch, section(watch, lambda: parse(TEXT), lower)


def test_a_pass_that_changes_nothing_is_not_evaluated(monkeypatch):
    counted = []
    evaluate = PassWatch.__call__.__globals__["evaluate"]

    def counting(*args, **kwargs):
        counted.append(1)
        return evaluate(*args, **kwargs)

    monkeypatch.setitem(PassWatch.__call__.__globals__, "evaluate", counting)
    feeds = {"x": np.ones((2, 3), np.float32)}
    _, found = watched(fold_batch_norm, fold_batch_norm, feeds=feeds)
    assert (found.compared, found.differs, len(counted)) == (2, False, 1)


def test_an_output_is_named_where_no_value_keeps_its_name():
    @graph_pass()
    def rewrite(graph: Graph) -> bool:
        """Write all anew, wrongly."""
        (first, second) = graph
        value = graph.add(ops.Relu(), first.inputs[0], name="new", at=first.origin, before=first)
        graph.replace(second.output, value)
        graph.remove(second)
        graph.remove(first)
        return True

    _, found = watched(rewrite, feeds={"x": np.ones((2, 3), np.float32)})
    assert found.culprit == "rewrite"
    assert found.first.value == "out"
    assert found.first.comparison.max_abs == 2
