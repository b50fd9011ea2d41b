"""The families of the zoo, one row each."""

from __future__ import annotations

from tests.zoo.family import Family, Input

MOBILE_V2 = (
    (8, 1, 1, "relu6", False),
    (8, 1, 4, "relu6", False),
    (12, 2, 4, "clip", False),
    (12, 1, 4, "clip", False),
)
MOBILE_V3 = (
    (8, 1, 1, "relu6", True),
    (12, 2, 4, "relu6", False),
    (12, 1, 3, "hswish", True),
)


def image(side: int, *, batch: int = 2, name: str = "data") -> tuple[Input, ...]:
    """Return one square image input."""
    return (Input(name, (batch, 3, side, side)),)


FAMILIES: dict[str, Family] = {
    "residual-basic": Family(
        "residual:ResNet", image(64), ("@BasicBlock", (1, 2, 1, 1), 8, 10), seed=1
    ),
    "residual-bottleneck": Family(
        "residual:ResNet", image(64), ("@Bottleneck", (1, 1, 1, 2), 8, 10), seed=2
    ),
    "residual-grouped": Family(
        "residual:ResNet", image(64), ("@Bottleneck", (2, 1, 1, 1), 8, 10), {"groups": 4}, seed=3
    ),
    "depthwise": Family("mobile:DepthwiseNet", image(32), ((8, 12, 16, 16), 10), seed=4),
    "inverted-relu6": Family("mobile:MobileNet", image(32), (8, MOBILE_V2, 24, 10), seed=5),
    "inverted-hswish": Family("mobile:MobileNet", image(32), (8, MOBILE_V3, 24, 10), seed=6),
    "shuffle": Family("shuffle:ShuffleNet", image(64), ((8, 16, 24, 32), (2, 2), 10), seed=7),
    "excite": Family("excite:ExciteNet", image(32), (16, 10), seed=8),
    "reparameterised": Family("repvgg:RepVGG", image(32), ((8, 16, 16), (2, 3, 1), 10), seed=9),
    "high-resolution": Family("highres:HighResolution", image(32), ((8, 12, 16), 5), seed=10),
}
