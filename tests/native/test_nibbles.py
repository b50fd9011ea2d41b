"""Four-bit numbers: the twins, and onnx's own packing."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mgeconvert.native import (
    pack_nibbles,
    pack_nibbles_native,
    pack_nibbles_numpy,
    unpack_nibbles,
    unpack_nibbles_native,
    unpack_nibbles_numpy,
)
from tests.native.grids import SEEDS, SHAPES, laid_out

pytestmark = pytest.mark.core

KINDS = {"int8": (-8, 7, onnx.TensorProto.INT4), "uint8": (0, 15, onnx.TensorProto.UINT4)}
DTYPES = pytest.mark.parametrize("dtype", KINDS)


@st.composite
def arrays(draw, dtype):
    low, high, _ = KINDS[dtype]
    shape, random = draw(SHAPES), draw(SEEDS)
    return laid_out(draw, random.integers(low, high, shape, endpoint=True, dtype=dtype))


@DTYPES
@given(data=st.data())
def test_packing_is_its_twin_and_comes_back(data, dtype):
    x = data.draw(arrays(dtype))
    packed = pack_nibbles_native(x)
    np.testing.assert_array_equal(packed, pack_nibbles_numpy(x))
    for run in (unpack_nibbles_native, unpack_nibbles_numpy):
        back = run(packed, size=x.size, dtype=x.dtype)
        assert back.dtype == x.dtype
        np.testing.assert_array_equal(back, x.reshape(-1))


@DTYPES
@given(data=st.data())
def test_unpacking_is_its_twin_for_all_bytes(data, dtype):
    packed = data.draw(npst.arrays("uint8", st.integers(1, 40)))
    size = 2 * packed.size - data.draw(st.integers(0, 1))
    got = unpack_nibbles_native(packed, size=size, dtype=np.dtype(dtype))
    np.testing.assert_array_equal(
        got, unpack_nibbles_numpy(packed, size=size, dtype=np.dtype(dtype))
    )


@DTYPES
@given(data=st.data())
def test_the_order_is_onnx_s(data, dtype):
    x = data.draw(arrays(dtype))
    tensor = onnx.helper.make_tensor("x", KINDS[dtype][2], x.shape, x.reshape(-1).tolist())
    stored = onnx.TensorProto()
    stored.CopyFrom(tensor)
    stored.ClearField("int32_data")
    stored.raw_data = pack_nibbles(x).tobytes()
    read = onnx.numpy_helper.to_array(stored).astype(dtype)
    np.testing.assert_array_equal(read, x)
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(tensor).astype(dtype), x)


@pytest.mark.parametrize("run", [pack_nibbles, pack_nibbles_native, pack_nibbles_numpy])
@pytest.mark.parametrize("x", [np.int8(8), np.int8(-9), np.int8(-128), np.uint8(16)])
@pytest.mark.parametrize("size", [1, 64, 65])
def test_numbers_that_do_not_fit(run, x, size):
    for place in {0, size // 2, size - 1}:
        array = np.zeros(size, x.dtype)
        array[place] = x
        with pytest.raises(ValueError, match="do not fit four bits"):
            run(array)


@pytest.mark.parametrize("run", [unpack_nibbles, unpack_nibbles_native, unpack_nibbles_numpy])
def test_wrong_arguments(run):
    with pytest.raises(ValueError, match="2 of uint8 are not the bytes of 5 numbers"):
        run(np.zeros(2, np.uint8), size=5, dtype=np.dtype(np.int8))
    with pytest.raises(ValueError, match="not int16"):
        run(np.zeros(2, np.uint8), size=4, dtype=np.dtype(np.int16))
    with pytest.raises(ValueError, match="not int32"):
        pack_nibbles(np.zeros(2, np.int32))
