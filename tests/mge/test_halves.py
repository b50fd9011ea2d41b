"""Operators of dumps with ioc16, whose images are float16, keep the type for those that follow."""

import numpy as np
import pytest

from mgeconvert.errors import Location
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.layout import Packings
from mgeconvert.frontends.mge.records import MgeOperator, MgeParam
from mgeconvert.frontends.mge.rules import RULES
from mgeconvert.ir import DType, Graph, TensorType, evaluate

pytestmark = pytest.mark.core
SETTINGS = {"format": "NCHW", "imode": "LINEAR", "bmode": "CONSTANT", "border_val": 0.0}


@pytest.mark.parametrize("dtype", [DType.F16, DType.F32])
def test_a_warp_gives_the_type_of_its_image(dtype):
    graph = Graph()
    image = graph.input("x", TensorType(dtype, (1, 2, 4, 5)))
    matrix = graph.constant("matrix", np.eye(3, dtype=np.float32)[None])
    size = graph.constant("size", np.array([3, 4], np.int32))
    operator = MgeOperator(
        0, "WarpPerspective", "WarpPerspective", 2, param=MgeParam("WarpPerspective", SETTINGS)
    )
    call = Call(
        graph,
        Location("mge"),
        "y",
        operator=operator,
        packings=Packings(),
        stored={},
        readers={},
    )
    graph.output("y", RULES.find("WarpPerspective")(call, image, matrix, size))
    x = np.arange(40).reshape(1, 2, 4, 5).astype(dtype.numpy)
    got = evaluate(graph, {"x": x})["y"]
    assert got.dtype == dtype.numpy
    np.testing.assert_array_equal(got, x[:, :, :3, :4])
