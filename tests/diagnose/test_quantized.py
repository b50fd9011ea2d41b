"""Quantized jobs, whose checks count steps: inside of them rounding is no difference."""

import numpy as np
import pytest

from mgeconvert.backends.onnx.rules import RULES as ONNX
from mgeconvert.build.plan import Build
from mgeconvert.diagnose.tolerance import Tolerance, tolerance_of
from mgeconvert.frontends.traced.rules import RULES as TRACED
from mgeconvert.ir import ops
from tests.diagnose.diagnosing import ROOT, diagnosed, make_wrong, subject
from tests.diagnose.test_backend import negated

pytestmark = pytest.mark.slow

JOBS = ("digits-int8:onnx-int8-13", "digits-qat:onnx-int8-21", "digits-qat:onnx")


def example(name):
    (job,) = Build(ROOT / "examples" / "models.toml").select([name])
    return job


@pytest.mark.parametrize("name", JOBS)
def test_nothing_is_wrong_with_what_is_right(session, tmp_path, name):
    found, _ = diagnosed(example(name), session, tmp_path)
    assert found.first is None
    assert found.finished
    assert found.sections[0].compared > 12
    assert found.sections[2].compared > 18


@pytest.mark.parametrize("name", JOBS)
def test_a_wrong_rule_of_a_frontend_is_named(session, tmp_path, monkeypatch, name):
    def opposite(rule):
        return lambda call, *args: call.emit(ops.Neg(), rule(call, *args))

    make_wrong(monkeypatch, TRACED, "module:MaxPool2d", opposite)
    found, _ = diagnosed(example(name), session, tmp_path)
    assert found.first is found.sections[0]
    assert found.first.first.origin.path == "pool"


@pytest.mark.parametrize("name", JOBS)
def test_a_wrong_rule_of_a_backend_is_named(session, tmp_path, monkeypatch, name):
    make_wrong(monkeypatch, ONNX, ops.MaxPool, negated)
    found, _ = diagnosed(example(name), session, tmp_path)
    assert found.first is found.sections[2]
    assert found.first.first.op.startswith("MaxPool(")
    assert not found.first.slight


def test_a_check_without_tolerances_leaves_those_of_the_format():
    asked = subject(example(JOBS[0])).check
    assert (asked.rtol, asked.atol) == (None, None)
    assert tolerance_of(asked) == Tolerance(1e-3, 1e-4)
    assert tolerance_of(asked, quantized=True).rounded_snr == asked.mixed_snr > 0


def test_a_float_file_is_explained_by_a_source_that_does_not_round(session, tmp_path, monkeypatch):
    """What is wrong by less than a step of the model is rounded away where the source rounds."""

    def larger(rule):
        def wrong(call, *args):
            value = rule(call, *args)
            more = call.constant(np.full((), 1.003, np.float32), "more")
            return call.emit(ops.Mul(), value, more)

        return wrong

    asked = example("digits-qat:onnx")
    assert asked.rounding == "none"
    make_wrong(monkeypatch, TRACED, "module:MaxPool2d", larger)
    found, _ = diagnosed(asked, session, tmp_path)
    assert found.first is found.sections[0]
    assert found.first.first.origin.path == "pool"
