"""Operators of dumps on quantized types, each against what MegEngine computes from the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

import megengine.functional as F  # noqa: E402
from megengine.core._imperative_rt.core2 import apply  # noqa: E402
from megengine.core.ops import builtin  # noqa: E402
from megengine.core.tensor import dtype as types  # noqa: E402

from mgeconvert import frontends  # noqa: E402
from mgeconvert.errors import ConversionFailed  # noqa: E402
from tests.quant.dumped import computed, dump, interpreted, read, steps_off  # noqa: E402

SCALE, GIVEN = 0.0217, 0.0131
TYPES: dict[str, Callable[[float], Any]] = {
    "qint8": types.qint8,
    "quint8": lambda scale: types.quint8(scale, 100),
    "qint32": types.qint32,
}
ONE = (
    *("RELU", "ABS", "ACOS", "ASIN", "CEIL", "COS", "EXP", "EXPM1", "FLOOR", "LOG", "LOG1P"),
    *("NEGATE", "SIGMOID", "SIN", "TANH", "FAST_TANH", "ROUND", "ERF", "ERFC", "H_SWISH"),
)
TWO = (
    *("ADD", "SUB", "MUL", "MAX", "MIN", "TRUE_DIV", "FLOOR_DIV", "POW", "MOD", "ATAN2"),
    *("LT", "LEQ", "EQ", "LOG_SUM_EXP", "SWITCH_GT0", "FUSE_ADD_RELU", "FUSE_ADD_SIGMOID"),
    *("FUSE_ADD_TANH", "FUSE_ADD_H_SWISH"),
)
THREE = ("FUSE_MUL_ADD3", "COND_LEQ_MOV", "COND_LT_MOV")
MODES = {**dict.fromkeys(ONE, 1), **dict.fromkeys(TWO, 2), **dict.fromkeys(THREE, 3)}


def images(count: int = 1, *, low: float = 0.1) -> tuple[np.ndarray, ...]:
    """Return seeded arrays from `low` to 1, where the arguments of all functions are valid."""
    random = np.random.RandomState(5)
    return tuple(random.uniform(low, 1, (2, 4, 6, 6)).astype(np.float32) for _ in range(count))


def agree(
    function: Callable[..., Any],
    arrays: tuple[np.ndarray, ...],
    path: Path,
    *,
    ties: float = 1e-3,
) -> None:
    """Hold a function to MegEngine's result of its dump: the same step, but a share of `ties`."""
    dump(function, arrays, path / "m.mge", optimize_for_inference=False)
    want = computed(path / "m.mge", arrays)
    off = steps_off(interpreted(read(path / "m.mge"), arrays), want, SCALE)
    assert (off > 0).sum() <= max(1, ties * off.size)
    assert off.max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", TYPES)
def test_elemwise_multi_type(kind: str, mode: str, tmp_path: Path) -> None:
    scales = (GIVEN, 0.0171, 0.0127)

    def function(*xs: Any) -> Any:
        given = [x.astype(TYPES[kind](scale)) for x, scale in zip(xs, scales)]
        operator = builtin.ElemwiseMultiType(mode=f"Q{mode}", dtype=TYPES[kind](SCALE))
        return apply(operator, *given)[0].astype("float32")

    agree(function, images(MODES[mode]), tmp_path)


MEANS = ("average", "average_inside", "adaptive", "linear")
"""Means of whole numbers, often half of one: MegEngine computes them by whole numbers too."""

SAME = {
    "max_pool": lambda q: F.max_pool2d(q, 2),
    "average": lambda q: F.avg_pool2d(q, 3, 2, 1, mode="average"),
    "average_inside": lambda q: F.avg_pool2d(q, 3, 2, 1, mode="average_count_exclude_padding"),
    "adaptive": lambda q: F.adaptive_avg_pool2d(q, 3),
    "greatest": lambda q: F.max(q, 1),
    "least": lambda q: F.min(q, 1, keepdims=True),
    "reshape": lambda q: F.reshape(q, (2, -1)),
    "transpose": lambda q: F.transpose(q, (0, 2, 3, 1)),
    "index": lambda q: q[:, 1],
    "flip": lambda q: q[:, ::-1],
    "concat": lambda q: F.concat([q, q], 1),
    "split": lambda q: F.split(q, 2, 1)[0],
    "expand": lambda q: F.broadcast_to(q[:1], (2, 4, 6, 6)),
    "tile": lambda q: F.tile(q, (1, 2, 1, 1)),
    "repeat": lambda q: F.repeat(q, 2, 1),
    "roll": lambda q: F.roll(q, 1, 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("kind", TYPES)
def test_operators_keep_the_type(kind: str, name: str, tmp_path: Path) -> None:
    agree(
        lambda x: SAME[name](x.astype(TYPES[kind](SCALE))).astype("float32"),
        images(low=-1),
        tmp_path,
        ties=0.15 if name in MEANS else 1e-3,
    )


EIGHT_BITS = {
    "linear": lambda q: F.nn.interpolate(q, scale_factor=2.0, mode="bilinear"),
    "nearest": lambda q: F.nn.interpolate(q, scale_factor=2, mode="nearest"),
    "warp": lambda q: F.vision.warp_perspective(q, mge.Tensor(MATRICES), (6, 6)),
}
MATRICES = np.array([[[1, 0, 0.53], [0, 1, 0.27], [0, 0, 1]]] * 2, np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("name", EIGHT_BITS)
@pytest.mark.parametrize("kind", ["qint8", "quint8"])
def test_operators_of_eight_bits(kind: str, name: str, tmp_path: Path) -> None:
    agree(
        lambda x: EIGHT_BITS[name](x.astype(TYPES[kind](SCALE))).astype("float32"),
        images(low=-0.3),
        tmp_path,
        ties=0.15 if name in MEANS else 1e-3,
    )


@pytest.mark.parametrize("kind", TYPES)
def test_the_border_is_a_stored_number(kind: str, tmp_path: Path) -> None:
    def padded(x: Any) -> Any:
        return F.nn.pad(
            x.astype(TYPES[kind](SCALE)), ((0, 0), (0, 0), (1, 0), (0, 2)), "CONSTANT", 7
        )

    agree(lambda x: padded(x).astype("float32"), images(), tmp_path)


CONVERSIONS = [
    ("qint8", "qint32"),
    ("qint32", "quint8"),
    ("quint8", "qint8"),
    ("qint8", "int32"),
    ("quint8", "uint8"),
    ("qint32", "float16"),
    ("qint8", "bool"),
]


@pytest.mark.parametrize(("source", "target"), CONVERSIONS)
def test_conversions(source: str, target: str, tmp_path: Path) -> None:
    def function(x: Any) -> Any:
        y = x.astype(TYPES[source](GIVEN))
        return y.astype(TYPES[target](SCALE) if target in TYPES else target).astype("float32")

    agree(function, tuple(2 * x for x in images(low=0)), tmp_path)


@pytest.mark.parametrize("mode", ["RELU", "NEGATE", "ADD", "SUB", "MAX", "MIN"])
@pytest.mark.parametrize("kind", ["qint8", "qint32"])
def test_elemwise(kind: str, mode: str, tmp_path: Path) -> None:
    count = 1 if mode in ("RELU", "NEGATE") else 2

    def function(*xs: Any) -> Any:
        given = [x.astype(TYPES[kind](SCALE)) for x in xs]
        return apply(builtin.Elemwise(mode=mode), *given)[0].astype("float32")

    arrays = images(count, low=-1)
    if kind == "qint8" and mode in ("NEGATE", "ADD", "SUB"):
        dump(function, arrays, tmp_path / "m.mge", optimize_for_inference=False)
        with pytest.raises(ConversionFailed, match=f"the mode {mode} of a quantized type"):
            read(tmp_path / "m.mge")
    else:
        agree(function, arrays, tmp_path)


@pytest.mark.parametrize("last", [4, 5])
@pytest.mark.parametrize("kind", ["qint4", "quint4", "qint1"])
def test_constants_of_less_than_a_byte(kind: str, last: int, tmp_path: Path) -> None:
    """A row of 4 bits begins with a byte of its own, whatever its length; 1 bit has a byte."""
    given = {"qint4": types.qint4(0.3), "quint4": types.quint4(0.3, 7), "qint1": types.qint1(0.5)}
    constant = np.random.RandomState(3).uniform(-2, 2, (3, last)).astype(np.float32)
    held = mge.Tensor(constant).astype(given[kind])
    array = np.zeros((3, last), np.float32)

    def function(x: Any) -> Any:
        return F.concat([held, x.astype(given[kind])], 0).astype("float32")

    dump(function, [array], tmp_path / "m.mge", optimize_for_inference=False)
    graph, want = read(tmp_path / "m.mge"), computed(tmp_path / "m.mge", [array])
    np.testing.assert_array_equal(interpreted(graph, [array]), want)
    assert any(v.quant is not None for v in graph.constants())
    assert len(np.unique(want)) > 1


def test_results_of_a_quantized_type_are_the_numbers_meant(tmp_path: Path) -> None:
    (array,) = images(low=-1)
    dump(lambda x: x.astype(types.quint8(0.02, 120)), [array], tmp_path / "m.mge")
    stored = computed(tmp_path / "m.mge", [array])
    assert stored.dtype == np.uint8
    meant = (stored.astype(np.float32) - 120) * np.float32(0.02)
    np.testing.assert_array_equal(interpreted(read(tmp_path / "m.mge"), [array]), meant)


def test_other_operators_are_refused(tmp_path: Path) -> None:
    """What MegEngine gives here is the contents of memory that nobody has written."""

    def function(x: Any) -> Any:
        return F.argmax(x.astype(types.qint32(0.02)), 1).astype("float32")

    dump(function, images(), tmp_path / "m.mge", optimize_for_inference=False)
    with pytest.raises(ConversionFailed, match="Argmax of a quantized type"):
        frontends.read(tmp_path / "m.mge", shapes={}, outputs=())
