"""Damaged files: an error that says so or a valid graph, soon, and never anything else."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from mgeconvert.errors import ConversionFailed, ConvertError, UnreadableSource
from mgeconvert.frontends.onnx import read_graph
from mgeconvert.ir import verify

pytestmark = pytest.mark.slow

VARIANTS = 2000
SECONDS = 2.0  # a sound file of this size takes a few milliseconds


def sample() -> bytes:
    """Return a small model with weights of several kinds, shape arithmetic and attributes."""
    weights = np.linspace(-1, 1, 2 * 3 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 3)
    typed = helper.make_tensor("bias", TensorProto.FLOAT, [2], [0.5, -0.5])
    nodes = [
        helper.make_node("Conv", ["x", "w", "bias"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Clip", ["y", "", "six"], ["z"]),
        helper.make_node("AveragePool", ["z"], ["p"], kernel_shape=[2, 2], auto_pad="SAME_UPPER"),
        helper.make_node("Shape", ["p"], ["s"]),
        helper.make_node("Gather", ["s", "first"], ["n"], axis=0),
        helper.make_node("Concat", ["n", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["p", "target"], ["flat"]),
        helper.make_node("TopK", ["flat", "k"], ["best", "places"]),
        helper.make_node("Slice", ["flat", "first", "k", "one"], ["part"]),
    ]
    ints = {"first": [0], "rest": [-1], "k": [3], "one": [1]}
    graph = helper.make_graph(
        nodes,
        "sample",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 8, 8])],
        [
            helper.make_tensor_value_info("best", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("places", TensorProto.INT64, None),
            helper.make_tensor_value_info("part", TensorProto.FLOAT, None),
        ],
        [
            numpy_helper.from_array(weights, "w"),
            typed,
            numpy_helper.from_array(np.array(6, np.float32), "six"),
            *(numpy_helper.from_array(np.array(v, np.int64), name) for name, v in ints.items()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return model.SerializeToString()


def mutate(data: bytes, seed: int) -> bytes:
    """Return the bytes with one to eight random changes."""
    chance = random.Random(seed)
    damaged = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
        place = chance.randrange(len(damaged))
        kind = chance.randrange(6)
        if kind == 0:
            damaged[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            damaged[place] = chance.choice([0, 1, 4, 0x7F, 0x80, 0xFF])
        elif kind == 2:
            damaged[place] = chance.randrange(256)
        elif kind == 3 and len(damaged) > 64:
            del damaged[place : place + chance.randrange(1, 16)]
        elif kind == 4:
            damaged[place:place] = damaged[place : place + chance.randrange(1, 64)]
        elif len(damaged) > 64:
            del damaged[max(place, 64) :]
    return bytes(damaged)


def outcome(path: Path) -> str:
    """Read the file: a graph has to be valid, an error has to say what is wrong."""
    start = time.process_time()
    try:
        graph = read_graph(path, shapes={}, outputs=())
    except ConversionFailed as failed:
        assert failed.problems
        assert all(p.at is not None and str(p) for p in failed.problems)
        return "refused"
    except UnreadableSource as error:
        assert error.at is not None
        return "unreadable"
    except ConvertError:
        return "refused"
    finally:
        assert time.process_time() - start < SECONDS
    verify(graph)
    return "read"


@pytest.mark.parametrize("part", range(8))
def test_damaged_files(part: int, tmp_path: Path) -> None:
    data, path = sample(), tmp_path / "model.onnx"
    counts = {"read": 0, "refused": 0, "unreadable": 0}
    for seed in range(part, VARIANTS, 8):
        path.write_bytes(mutate(data, seed))
        counts[outcome(path)] += 1
    assert min(counts.values()) > 0, counts


def test_every_cut(tmp_path: Path) -> None:
    """A file that ends anywhere before its end is an error, but where a model may end."""
    data, path = sample(), tmp_path / "model.onnx"
    for end in range(0, len(data), 7):
        path.write_bytes(data[:end])
        assert outcome(path) != "read"


def test_the_sound_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(sample())
    assert outcome(path) == "read"
