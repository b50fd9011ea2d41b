"""Models of real sizes, for the examples and the benchmarks; imports nothing of MegEngine."""

from __future__ import annotations

from tests.zoo.family import Family, Input
from tests.zoo.table import image


def mobilenet_v2_plan() -> tuple[tuple[int, int, int, str, bool], ...]:
    """Return the blocks of MobileNetV2 as (outside, stride, expand, activation, gate)."""
    stages = (
        (16, 1, 1, 1),
        (24, 2, 2, 6),
        (32, 3, 2, 6),
        (64, 4, 2, 6),
        (96, 3, 1, 6),
        (160, 3, 2, 6),
        (320, 1, 1, 6),
    )
    return tuple(
        (outside, stride if i == 0 else 1, expand, "relu6", False)
        for outside, count, stride, expand in stages
        for i in range(count)
    )


LARGE: dict[str, Family] = {
    "resnet18": Family(
        "residual:ResNet",
        image(128),
        ("@BasicBlock", (2, 2, 2, 2), 32, 100),
        {"pool": 4},
        seed=101,
        gain=0.8,
    ),
    "shufflenet": Family(
        "shuffle:ShuffleNet",
        image(128),
        ((24, 116, 232, 464, 1024), (3, 7, 3), 100),
        seed=102,
        gain=0.85,
    ),
    "mobilenetv2": Family(
        "mobile:MobileNet", image(128), (32, mobilenet_v2_plan(), 1280, 100), seed=103
    ),
    "unet": Family("unet:UNet", image(96, name="image"), ((16, 32, 64, 128), 3), seed=104),
    "vit": Family(
        "vit:VisionTransformer",
        image(64),
        (64, 8),
        {"channels": 128, "depth": 6, "heads": 4, "classes": 100},
        seed=105,
    ),
    "fcos": Family(
        "detection:Fcos",
        (Input("image", (1, 3, 128, 128), range=(0.0, 1.0)),),
        ((16, 24, 32, 48), 32, 8),
        seed=106,
    ),
    "bert": Family(
        "bert:Bert",
        (
            Input("ids", (2, 24), "int32", (0, 1000)),
            Input("mask", (2, 24), "int32", (0, 2)),
            Input("kinds", (2, 24), "int32", (0, 2)),
        ),
        (1000, 64, 96, 4, 6),
        seed=107,
    ),
    "resnet50": Family(
        "residual:ResNet",
        image(224, batch=1),
        ("@Bottleneck", (3, 4, 6, 3), 64, 1000),
        {"pool": 7},
        seed=108,
        gain=0.7,
    ),
}
"""By name, as the manifest of the examples names them; resnet50 is for benchmarks only (102 MB)."""
