"""The comparison of a graph with another system's tensors: what differs, and in how much memory."""

import tracemalloc

import numpy as np
import pytest

from mgeconvert.diagnose import tensors
from mgeconvert.diagnose.result import Diagnosis, Section
from mgeconvert.diagnose.tensors import Sweeper
from mgeconvert.diagnose.tolerance import Tolerance
from mgeconvert.errors import Location
from mgeconvert.ir import DType, Graph, Quant, TensorType, ops
from mgeconvert.ir.interpret import evaluate

AT = Location("test", "op", "name")
SIZE = 2**18  # elements, 1 MiB


def chain(length: int, size: int) -> Graph:
    graph = Graph()
    value = graph.input("x", TensorType(DType.F32, (size,)))
    for index in range(length):
        value = graph.add(ops.Neg(), value, name=f"v{index}", at=AT)
    graph.output("out", value)
    return graph


def keys(graph: Graph):
    return {v: (v.name,) for node in graph for v in node.outputs}


class Other:
    """Another system with the same numbers, but for those changed; counts what it holds."""

    def __init__(self, graph, feeds, **changed) -> None:
        self.graph, self.feeds, self.changed = graph, feeds, changed
        self.asked = []

    def __call__(self, names):
        self.asked.append(list(names))
        found = {}

        def observe(value, array):
            if value.name in names and self.changed.get(value.name, 0) is not None:
                found[value.name] = array + np.float32(self.changed.get(value.name, 0))

        evaluate(self.graph, self.feeds, observe)
        return found


def swept(graph, feeds, other, *, rtol=0.0, atol=0.0, **options):
    sweeper = Sweeper(keys(graph), other, tolerance=Tolerance(rtol, atol), wants="other")
    return sweeper.run(graph, feeds, **options)


def test_the_first_difference_ends_the_sweep():
    graph, feeds = chain(5, 3), {"x": np.ones(3, np.float32)}
    sweep = swept(graph, feeds, Other(graph, feeds, v2=1, v3=5))
    assert (sweep.compared, sweep.first.value, sweep.first.origin) == (2, "v2", AT)
    assert sweep.first.comparison.worst.want == sweep.first.comparison.worst.got + 1
    assert {v.name for v in sweep.good} == {"v0", "v1"}


def test_what_the_other_side_cannot_show_is_counted():
    graph, feeds = chain(5, 3), {"x": np.ones(3, np.float32)}
    sweep = swept(graph, feeds, Other(graph, feeds, v2=None))
    assert (sweep.compared, sweep.unmatched, sweep.first) == (4, 1, None)
    assert list(sweep.outputs) == ["out"]


def test_few_tensors_are_held_at_a_time(monkeypatch):
    monkeypatch.setattr(tensors, "CHUNK", 3 * 4 * SIZE)
    graph, feeds = chain(60, SIZE), {"x": np.ones(SIZE, np.float32)}
    other = Other(graph, feeds)
    swept(chain(2, SIZE), feeds, Other(chain(2, SIZE), feeds))  # loads what is loaded once
    tracemalloc.start()
    sweep = swept(graph, feeds, other)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sweep.compared == 60
    assert [len(asked) for asked in other.asked] == [3] * 20
    # 3 tensors of the other side twice while they are replaced, live ones, float64 copies
    assert peak < 24 * 2**20


def test_rounding_is_no_difference_while_the_outputs_agree():
    graph, feeds = chain(4, 3), {"x": np.array([1, 1, 1e-6], np.float32)}
    sweep = swept(graph, feeds, Other(graph, feeds, v1=1e-5), rtol=1e-4)
    assert sweep.first is None
    assert sweep.slight.value == "v1"
    assert sweep.compared == 4


def test_rounding_is_the_difference_where_an_output_differs_by_it_too():
    graph, feeds = chain(4, 3), {"x": np.array([1, 1, 1e-6], np.float32)}
    sweep = swept(graph, feeds, Other(graph, feeds, v1=1e-5, v3=1e-5), rtol=1e-4)
    assert sweep.first.value == "v1"


def test_a_larger_difference_comes_before_rounding():
    graph, feeds = chain(4, 3), {"x": np.array([1, 1, 1e-6], np.float32)}
    sweep = swept(graph, feeds, Other(graph, feeds, v1=1e-5, v2=1), rtol=1e-4)
    assert (sweep.first.value, sweep.slight.value) == ("v2", "v1")


def test_quantized_values_may_be_off_by_one_step():
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (3,)))
    value = graph.add(ops.Neg(), x, name="v0", at=AT)
    value.quant = Quant(DType.I8, -128, 127, (0.5,))
    graph.output("out", value)
    feeds = {"x": np.array([1, 2, 3], np.float32)}
    whole = {"v0": np.array([-2, -4, -5], np.int8)}  # -1, -2, -2.5 where it must be -3
    assert swept(graph, feeds, lambda names: whole, quantized=True).first is None
    whole["v0"][0] = 0
    assert swept(graph, feeds, lambda names: whole, quantized=True).first.value == "v0"


@pytest.mark.parametrize(
    ("got", "want", "same"),
    [
        (np.float32(3), np.array([3], np.float32), True),
        (np.array([[1], [2]], np.float32), np.array([1, 2], np.float32), True),
        (np.array([1, 2], np.int32), np.array([1, 2], np.int64), True),
        (np.array([1, 0], bool), np.array([1, 0], np.float32), True),
        (np.array([1, 2], np.float32), np.array([[1, 2], [1, 2]], np.float32), False),
        (np.array([1, 2], np.int32), np.array([1, 3], np.int64), False),
    ],
)
def test_shapes_and_types_may_differ_where_numbers_do_not(got, want, same):
    assert Tolerance(0.0, 0.0).compare("t", np.asarray(got), want).ok is same


def saturating(factor: float) -> Graph:
    graph = Graph()
    value = graph.input("x", TensorType(DType.F32, (3,)))
    weight = graph.constant("w", np.full(3, factor, np.float32))
    value = graph.add(ops.Mul(), value, weight, name="scaled", at=AT)
    value = graph.add(ops.Relu(), value, name="relu", at=AT)
    value = graph.add(ops.Neg(), value, name="end", at=AT)
    graph.output("out", value)
    return graph


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(
    ("factor", "told"),
    [(1e38, "'scaled' has NaN or infinity"), (-1.0, "'relu' is 0 all over"), (1.0, "")],
)
def test_inputs_that_saturate_the_model_are_told(factor, told):
    graph, feeds = saturating(factor), {"x": np.full(3, 100, np.float32)}
    sweep = swept(graph, feeds, Other(graph, feeds, end=1))
    assert sweep.saturated == told
    assert factor > 1 or sweep.first.value == "end"


def test_numbers_that_only_the_wrong_side_has_do_not_excuse_it():
    graph, feeds = saturating(1.0), {"x": np.ones(3, np.float32)}
    wrong = Sweeper(
        keys(graph), Other(graph, feeds, relu=np.inf), tolerance=Tolerance(0, 0), wants="graph"
    )
    sweep = wrong.run(graph, feeds)
    assert (sweep.first.value, sweep.saturated) == ("relu", "")


def test_a_verdict_on_saturated_inputs_asks_for_a_sample():
    graph, feeds = saturating(-1.0), {"x": np.ones(3, np.float32)}
    sweep = swept(graph, feeds, Other(graph, feeds, end=1))
    section = Section("backend", "a", "b", 1, 0, sweep.first)
    found = Diagnosis("m", "random 1", {}, (section,), saturated=sweep.saturated)
    assert found.summary().startswith("the random inputs do not suit the model ('relu' is 0")
    assert "give its inputs a sample or a range" in found.summary()
    assert Diagnosis.from_dict(found.as_dict()) == found
