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
    "unet": Family("unet:UNet", image(32), ((8, 12, 16), 2), seed=11),
    "pyramid-pooling": Family("unet:PyramidPooling", image(24), (8, (1, 2, 3), 4), seed=12),
    "retinanet": Family(
        "detection:RetinaNet",
        (Input("image", (2, 3, 64, 64), range=(0.0, 255.0)),),
        ((8, 12, 16, 16), 12, 3),
        seed=13,
    ),
    "fcos": Family("detection:Fcos", image(64), ((8, 12, 16, 16), 12, 3), seed=14),
    "yolo": Family("yolo:Yolo", image(32), (8, 4, 32), seed=15),
    "generator": Family("deconv:Generator", (Input("noise", (2, 10)),), (10, 4), seed=16),
    "discriminator": Family("deconv:Discriminator", image(32), (8,), seed=17),
    "fully-convolutional": Family(
        "deconv:FullyConvolutional", image(32, name="image"), (8, 3), seed=18
    ),
    "vit": Family(
        "vit:VisionTransformer",
        image(32),
        (32, 8),
        {"channels": 24, "depth": 2, "heads": 3, "classes": 10},
        seed=19,
    ),
    "mixer": Family(
        "vit:Mixer", image(32), (32, 8), {"channels": 24, "depth": 2, "classes": 10}, seed=20
    ),
    "swin": Family("swin:Swin", image(32), (32, 4, 4, 16, 10), seed=21),
    "bert": Family(
        "bert:Bert",
        (
            Input("ids", (2, 12), "int32", (0, 40)),
            Input("mask", (2, 12), "int32", (0, 2)),
            Input("kinds", (2, 12), "int32", (0, 2)),
        ),
        (40, 16, 24, 2, 3),
        seed=22,
    ),
    "gru-loop": Family(
        "recurrent:HandWritten", (Input("steps", (2, 6, 8)),), (8, 12, 6, 5), seed=23
    ),
    "lstm": Family("recurrent:LstmTagger", (Input("steps", (2, 6, 8)),), (8, 12, 5), seed=24),
    "rnn": Family(
        "recurrent:RnnReader", (Input("steps", (6, 2, 8)),), (8, 12), seed=25, batch_axis=1
    ),
    "cells": Family(
        "recurrent:CellDecoder",
        (Input("x", (2, 8)), Input("h", (2, 12)), Input("c", (2, 12))),
        (8, 12, 3),
        seed=26,
    ),
    "convnext": Family("convnext:ConvNext", image(32), ((8, 16), (1, 2), 10), seed=27),
    "style": Family(
        "style:StyleNet", (Input("image", (2, 3, 32, 32), range=(0.0, 255.0)),), (8,), seed=28
    ),
    "super-resolution": Family("style:SuperResolution", image(16), (8,), seed=29),
    "text-cnn": Family(
        "sequence:TextCnn",
        (Input("ids", (2, 14), "int32", (0, 30)),),
        (30, 8, (2, 3, 5), 4),
        seed=30,
    ),
    "wavenet": Family(
        "sequence:WaveNet", (Input("samples", (2, 1, 24)),), (8, (1, 2, 4), 6), seed=31
    ),
    "clip": Family("sequence:ClipNet", (Input("clip", (2, 3, 4, 16, 16)),), (6, 5), seed=32),
    "two-towers": Family(
        "matching:TwoTowers",
        (Input("left", (4, 3, 16, 16)), Input("right", (4, 3, 16, 16))),
        (8, 12),
        seed=33,
        batches=(3, 5),
    ),
    "keypoints": Family("matching:Keypoints", image(24), (8, 4, 24), seed=34),
    "memory": Family("matching:Memory", (Input("query", (2, 6)),), (8, 6), seed=35),
    "functional": Family("functional:FunctionalNet", image(32), (8, 10), seed=36),
    "calculator": Family(
        "functional:Calculator",
        (Input("a", (2, 6), range=(-2.0, 2.0)), Input("b", (2, 6), range=(-2.0, 2.0))),
        seed=37,
    ),
    "indexing": Family("functional:Indexing", (Input("x", (2, 6, 8)),), seed=38),
    "multi-task": Family("functional:MultiTask", (Input("x", (2, 6)),), (6, 3), seed=39),
}
