"""Every family of the zoo in LiteRT, against what MegEngine computes."""

from __future__ import annotations

import pytest

from tests.tflite_backend.running import Options, codes, export, run
from tests.zoo import FAMILIES, feeds
from tests.zoo.test_convert import compare, graph, own_batch

pytestmark = pytest.mark.slow

# How many TRANSPOSE are left between operators; the families that are not here have none.
TRANSPOSES = {
    "bert": 8,  # heads of attention, which BATCH_MATMUL wants apart
    "mixer": 4,  # tokens and channels change places, twice in a block
    "shuffle": 3,  # what channel shuffle is
    "super-resolution": 4,  # the order of channels in pixel shuffle
    "swin": 16,  # windows and heads
    "two-towers": 1,  # one matrix is multiplied by the other's transpose
    "vit": 8,  # heads of attention
}


@pytest.mark.parametrize("symbolic", [False, True], ids=["fixed", "symbolic"])
@pytest.mark.parametrize("name", FAMILIES)
def test_family(name: str, symbolic: bool) -> None:
    model = export(graph(name, symbolic=symbolic))
    batches = FAMILIES[name].batches if symbolic else (own_batch(name),)
    for batch in batches:
        compare(name, [*run(model, feeds(name, batch)).values()], batch)
    assert codes(model).count("TRANSPOSE") <= TRANSPOSES.get(name, 0) + PORTS.get(name, 0)


# What is left where images come in or go out in an order of axes that no operator computes in.
PORTS = {"calculator": 1, "keypoints": 1, "wavenet": 1}


@pytest.mark.parametrize("name", ["residual-basic", "unet", "shuffle", "yolo"])
def test_images_can_stay_as_they_are(name: str) -> None:
    model = export(graph(name, symbolic=False), Options(disable_nhwc=True))
    compare(name, [*run(model, feeds(name, own_batch(name))).values()], own_batch(name))
