"""Wrong rules of frontends: the operator is named as the user's model knows it."""

from functools import wraps

import pytest

from mgeconvert.frontends.mge.rules import RULES as MGE
from mgeconvert.frontends.traced.rules import RULES as TRACED
from mgeconvert.ir import ops
from tests.diagnose.diagnosing import DIGITS, DUMPS, diagnosed, job, make_wrong

pytestmark = pytest.mark.slow


def shifted(rule):
    """A rule whose result is off by a tenth."""

    @wraps(rule)
    def wrong(call, *args, **kwargs):
        value = rule(call, *args, **kwargs)
        return call.emit(ops.Add(), value, call.scalar(0.1, value.type.dtype))

    return wrong


def sections(found):
    return {section.stage: section for section in found.sections}


@pytest.mark.parametrize("source", [DIGITS, DUMPS / "residual.v2-bare.mge"])
def test_nothing_is_wrong_with_what_is_right(session, tmp_path, source):
    found, files = diagnosed(job(source), session, tmp_path, wanted=True)
    assert found.first is None
    assert found.finished
    assert not files
    assert min(section.compared for section in found.sections) > 5
    assert found.summary() == "no stage changes a tensor by more than the tolerances"


def test_a_wrong_module_is_named_by_its_path(session, tmp_path, monkeypatch):
    make_wrong(monkeypatch, TRACED, "module:MaxPool2d", shifted)
    found, _ = diagnosed(job(DIGITS), session, tmp_path)
    frontend = sections(found)["frontend"]
    assert found.first is frontend
    assert (frontend.first.origin.op, frontend.first.origin.name) == ("MaxPool2d", "pool_out")
    assert frontend.first.origin.path == "pool"
    assert frontend.first.comparison.got_shape == (2, 48, 2, 2)
    assert frontend.first.comparison.got_dtype == "float32"
    assert frontend.first.comparison.max_abs == pytest.approx(0.1, rel=1e-2)
    worst = frontend.first.comparison.worst
    assert worst.got - worst.want == pytest.approx(0.1, rel=1e-2)
    assert not sections(found)["passes"].differs
    assert not sections(found)["backend"].differs


def test_an_operator_that_is_lost_is_named_though_it_has_no_node(session, tmp_path, monkeypatch):
    make_wrong(monkeypatch, TRACED, "function:nn.relu", lambda rule: lambda call, x: x)
    found, _ = diagnosed(job(DIGITS), session, tmp_path)
    first = sections(found)["frontend"].first
    assert first.tensor.partition(":")[2] == "relu_out#0"
    assert first.comparison.worst.got < 0 == first.comparison.worst.want


def test_the_call_of_a_shared_module_is_told(session, tmp_path, sources, monkeypatch):
    calls = []

    def third_wrong(rule):
        def wrong(call, *args, **kwargs):
            calls.append(call)
            return (shifted(rule) if len(calls) % 3 == 0 else rule)(call, *args, **kwargs)

        return wrong

    make_wrong(monkeypatch, TRACED, "function:elemwise.tanh", third_wrong)
    found, _ = diagnosed(job(sources / "shared.tm"), session, tmp_path)
    first = sections(found)["frontend"].first
    assert first.tensor.endswith("tanh_out#2")
    assert first.origin.path == "block"


def test_each_result_of_an_operator_is_compared(session, tmp_path, sources, monkeypatch):
    def second_wrong(rule):
        def wrong(call, *args, **kwargs):
            left, right = rule(call, *args, **kwargs)
            return left, call.emit(ops.Neg(), right)

        return wrong

    make_wrong(monkeypatch, TRACED, "function:tensor.split", second_wrong)
    found, _ = diagnosed(job(sources / "shared.tm"), session, tmp_path)
    first = sections(found)["frontend"].first
    assert first.origin.op == "tensor.split"
    assert first.tensor.partition(":")[2] == "split_out_1#0"


@pytest.mark.parametrize("name", ["residual.v1-bare", "residual.v2-bare", "residual.v2-named"])
def test_a_wrong_operator_of_a_dump_is_named(session, tmp_path, monkeypatch, name):
    make_wrong(monkeypatch, MGE, "Pooling", shifted)
    found, _ = diagnosed(job(DUMPS / f"{name}.mge"), session, tmp_path)
    first = sections(found)["frontend"].first
    assert first.origin.op.startswith("Pooling")
    assert first.op.startswith("Add")  # the last node of the operator's
    assert first.comparison.want_shape == (1, 8, 4, 4)


@pytest.mark.parametrize("name", ["branches.v1.mge", "branches.v2.mge"])
def test_branches_of_a_dump_without_names_are_not_mistaken(session, tmp_path, sources, name):
    found, _ = diagnosed(job(sources / name), session, tmp_path)
    assert found.first is None
    assert sections(found)["frontend"].compared >= 7


def test_a_source_that_does_not_run_leaves_the_other_stages(session, tmp_path):
    """MegEngine cannot run this layout here."""
    found, _ = diagnosed(job(DUMPS / "residual.v2-hwcd4.mge"), session, tmp_path)
    assert "MegEngine" in sections(found)["frontend"].problem
    assert sections(found)["passes"].compared == 6
    assert sections(found)["backend"].compared > 5
    assert not found.finished
    assert "not all was compared" in found.summary()


CLEAN = (
    "half.v2",
    "lstm.v1-bare",
    "merged_constants.v1",
    "merged_constants.v2",
    "residual.v1",
    "residual.v2",
    "residual.v2-fuse_conv_bias_nonlinearity",
    "residual.v2-named",
    "several_outputs.v2-all",
    "split_sections.v1-bare",
    "topk.v1-bare",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLEAN)
def test_no_dump_is_accused(session, tmp_path, name):
    """Half precision has an error of 2^-11 at each step."""
    rtol, atol = (2e-2, 2e-3) if name == "half.v2" else (1e-3, 1e-4)
    found, _ = diagnosed(job(DUMPS / f"{name}.mge", rtol=rtol, atol=atol), session, tmp_path)
    assert found.first is None
    assert found.finished
    assert sections(found)["frontend"].compared >= 2
