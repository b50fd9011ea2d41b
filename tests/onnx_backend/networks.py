"""A small network of several operators, with names to find again."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import Location
from mgeconvert.ir import Dim, DType, Graph, TensorType, ops

AT = Location("test", "net")


def network(batch: Dim = 2) -> Graph:
    """Conv, BatchNorm, Relu, pooling, flatten, Linear: input "image", outputs "scores", "same"."""
    random = np.random.default_rng(7)
    graph = Graph()

    def weight(name: str, *shape: int) -> object:
        array = random.uniform(0.1, 1.0, shape) / (256 if name == "head.w" else 1)
        return graph.constant(name, array.astype(np.float32))

    x = graph.input("image", TensorType(DType.F32, (batch, 3, 8, 8)))
    conv = ops.Conv(stride=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1))
    y = graph.add(conv, x, weight("stem.w", 16, 3, 3, 3), weight("stem.b", 16), name="stem", at=AT)
    statistics = [weight(f"bn.{part}", 16) for part in ("scale", "bias", "mean", "var")]
    y = graph.add(ops.BatchNorm(epsilon=1e-5), y, *statistics, name="bn", at=AT)
    y = graph.add(ops.Relu(), y, name="relu", at=AT)
    pool = ops.AvgPool(kernel=(2, 2), stride=(2, 2), padding=((0, 0), (0, 0)))
    y = graph.add(pool, y, name="pool", at=AT)
    y = graph.add(ops.Reshape(shape=(batch, 256)), y, name="flat", at=AT)
    head = weight("head.w", 10, 256), weight("head.b", 10)
    y = graph.add(ops.Linear(), y, *head, name="head", at=AT)
    y = graph.add(ops.Softmax(axis=1), y, name="probabilities", at=AT)
    graph.output("scores", y)
    graph.output("same", y)
    return graph
