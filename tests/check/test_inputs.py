"""Cases: what the inputs are filled with, the same bytes on every machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from mgeconvert.check.inputs import Case, cases, digest
from mgeconvert.check.random_data import random_array
from mgeconvert.check.request import CheckRequest, InputRequest
from mgeconvert.check.runners.protocol import Port
from mgeconvert.errors import ConvertError

pytestmark = pytest.mark.core


def make(ports: list[Port], *inputs: InputRequest, **changes: object) -> tuple[Case, ...]:
    base = CheckRequest("m", "a", "onnx", "s", "traced", "00", rtol=0.0, atol=0.0, inputs=inputs)
    request = CheckRequest(**{**base.__dict__, **changes})
    return cases(ports, [Port("x", "float32", (1, 3, 4, 6))], request)


def shapes(case: Case, name: str = "x") -> list[tuple[int, ...]]:
    return [batch.feeds[name].shape for batch in case.batches()]


@pytest.mark.parametrize(
    ("dtype", "bounds", "sha256"),
    [
        ("float32", None, "b12e08515e36688d"),
        ("float32", (-2.0, 3.0), "b0018199194fc8be"),
        ("int32", None, "ebecad4950a91feb"),
        ("uint8", None, "a9c9b6a537c13e5d"),
        ("bool", None, "ff209dbb0c5f996d"),
    ],
)
def test_the_bytes_are_the_same_everywhere(
    dtype: str, bounds: tuple[float, float] | None, sha256: str
) -> None:
    array = random_array((5, 7), np.dtype(dtype), range=bounds, seed=3, key=("model", "x"))
    assert hashlib.sha256(array.tobytes()).hexdigest()[:16] == sha256


def test_distributions() -> None:
    def draw(dtype: str, bounds: tuple[float, float] | None = None) -> np.ndarray:
        return random_array((20000,), np.dtype(dtype), range=bounds, seed=0, key=("k",))

    normal = draw("float32")
    assert abs(normal.mean()) < 0.03
    assert abs(normal.std() - 1) < 0.03
    assert abs(np.mean(np.abs(normal) < 1) - 0.6827) < 0.02
    uniform = draw("float32", (10.0, 20.0))
    assert 10 <= uniform.min() < 10.1
    assert 19.9 < uniform.max() <= 20
    assert set(draw("int64")) == set(range(10))
    assert set(draw("int64", (-1.5, 2.0))) == {-1, 0, 1, 2}
    assert set(draw("int8")) == set(range(-128, 128))
    assert set(draw("bool")) == {False, True}


def test_seed_model_and_name_each_change_the_data() -> None:
    ports = [Port("x", "float32", (2, 2)), Port("z", "float32", (2, 2))]
    base = make(ports)[0]
    first = next(base.batches()).feeds
    assert np.any(first["x"] != first["z"])
    again = next(base.batches()).feeds
    assert np.array_equal(first["x"], again["x"])
    for change in ({"seed": 1}, {"model": "other"}):
        other = next(make(ports, **change)[0].batches()).feeds
        assert np.any(first["x"] != other["x"])
    two = make(ports, runs=2)
    assert [case.name for case in two] == ["random 1", "random 2"]
    assert len({digest(next(case.batches())) for case in two}) == 2


def test_a_symbolic_batch_is_checked_at_1_and_5() -> None:
    found = make([Port("x", "float32", ("N", 3))])
    assert [case.name for case in found] == ["random 1, N=1", "random 1, N=5"]
    assert [shapes(case) for case in found] == [[(1, 3)], [(5, 3)]]


def test_other_symbols_take_the_size_of_the_source_and_its_double() -> None:
    found = make([Port("x", "float32", ("N", 3, "H", "W"))])
    assert [shapes(case) for case in found] == [[(1, 3, 4, 6)], [(5, 3, 8, 12)]]
    bound = make([Port("x", "float32", ("N", 3, 2, "W"))], bindings=({"N": 2, "W": 7},))
    assert [shapes(case) for case in bound] == [[(2, 3, 2, 7)]]
    with pytest.raises(ConvertError, match=r"'W'.*no size"):
        make([Port("x", "float32", ("N", 3, 2, "W"))], bindings=({"N": 2},))


def test_the_request_gives_sizes_to_symbols() -> None:
    found = make([Port("x", "float32", ("N", 3))], InputRequest("x", shape=(4, 3)))
    assert [shapes(case) for case in found] == [[(4, 3)]]


@pytest.mark.parametrize(
    ("port", "asked", "match"),
    [
        (Port("x", "float32", (1,)), InputRequest("y"), "no such input; it has x"),
        (Port("x", "float32", (1,)), InputRequest("x", shape=(1, 2)), "shape"),
        (Port("x", "float32", None), InputRequest("x"), "shape is unknown"),
        (Port("x", "", (1,)), InputRequest("x"), "element type"),
    ],
)
def test_requests_that_do_not_fit(port: Port, asked: InputRequest, match: str) -> None:
    with pytest.raises(ConvertError, match=match):
        make([port], asked)


def test_samples_run_whole_in_batches_of_the_model(tmp_path: Path) -> None:
    data = np.arange(14, dtype=np.uint8).reshape(7, 2)
    np.save(tmp_path / "x.npy", data)
    asked = InputRequest("x", sample=str(tmp_path / "x.npy"))
    (case,) = make([Port("x", "float32", (3, 2))], asked)
    batches = list(case.batches())
    assert [batch.rows for batch in batches] == [3, 3, 1]
    fed = np.concatenate([batch.feeds["x"][: batch.rows] for batch in batches])
    assert fed.dtype == np.float32
    assert np.array_equal(fed, data)
    assert batches[-1].feeds["x"].shape == (3, 2)


def test_samples_of_a_symbolic_batch(tmp_path: Path) -> None:
    data = np.arange(260, dtype=np.float32).reshape(130, 2)
    np.savez(tmp_path / "x.npz", x=data, labels=np.zeros(130, np.int64))
    asked = InputRequest("x", sample=str(tmp_path / "x.npz"))
    one, five, all_rows = make([Port("x", "float32", ("N", 2))], asked)
    assert (shapes(one), shapes(five)) == ([(1, 2)], [(5, 2)])
    assert shapes(all_rows) == [(64, 2), (64, 2), (2, 2)]
    assert [case.complete for case in (one, five, all_rows)] == [False, False, True]
    assert np.array_equal(np.concatenate([b.feeds["x"] for b in all_rows.batches()]), data)


def test_few_samples_are_repeated_for_a_larger_batch(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1, 2], [3, 4]], np.float32))
    asked = InputRequest("x", sample=str(tmp_path / "x.npy"))
    found = make([Port("x", "float32", ("N", 2))], asked)
    fed = next(found[1].batches()).feeds["x"]
    assert fed[:, 0].tolist() == [1, 3, 1, 3, 1]


def test_a_whole_sample_stays_while_the_others_move(tmp_path: Path) -> None:
    x, y = np.ones((4, 2), np.float32), np.ones((3,), np.float32)
    np.savez(tmp_path / "s.npz", x=x, y=y)
    asked = [InputRequest(name, sample=str(tmp_path / "s.npz")) for name in "xy"]
    (case,) = make([Port("x", "float32", (1, 2)), Port("y", "float32", (3,))], *asked)
    assert shapes(case) == [(1, 2)] * 4
    assert shapes(case, "y") == [(3,)] * 4


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"y": np.ones((1, 2))}, "no array named 'x'; there are: y"),
        ({"x": np.ones((1, 3))}, "shape"),
        ({"x": np.ones((0, 2))}, "shape"),
        ({"x": np.ones((1, 2), complex)}, "complex128 for an input of float32"),
        ({"x": np.array([[None, 1]])}, "cannot be read"),
    ],
)
def test_samples_that_do_not_fit(tmp_path: Path, arrays: dict[str, np.ndarray], match: str) -> None:
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(ConvertError, match=match):
        make([Port("x", "float32", (1, 2))], InputRequest("x", sample=str(tmp_path / "s.npz")))


def test_float_samples_are_no_data_for_integer_inputs(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((1, 2)))
    with pytest.raises(ConvertError, match="float64 for an input of int32"):
        make([Port("x", "int32", (1, 2))], InputRequest("x", sample=str(tmp_path / "x.npy")))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04rubbish", b"\x93NUMPY\x01\x00"])
def test_damaged_samples(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(ConvertError, match="cannot be read"):
        make([Port("x", "float32", (1, 2))], InputRequest("x", sample=str(path)))
