"""Depthwise separable networks: MobileNetV1-like stacks and inverted bottlenecks with gates."""

from __future__ import annotations

import itertools

import megengine.functional as F
import megengine.module as M
from megengine import Tensor


class DepthwiseNet(M.Module):
    """MobileNetV1-like: depthwise 3x3 and pointwise 1x1 in one Sequential."""

    def __init__(self, widths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        layers: list[M.Module] = [M.ConvBnRelu2d(3, widths[0], 3, stride=2, padding=1)]
        for i, (inside, outside) in enumerate(itertools.pairwise(widths)):
            layers += [
                M.Conv2d(inside, inside, 3, 1 + i % 2, padding=1, groups=inside, bias=False),
                M.BatchNorm2d(inside, eps=1e-3),
                M.ReLU(),
                M.Conv2d(inside, outside, 1, bias=False),
                M.BatchNorm2d(outside, eps=1e-3),
                M.ReLU(),
            ]
        self.features = M.Sequential(*layers)
        self.dropout = M.Dropout(0.2)
        self.classifier = M.Conv2d(widths[-1], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = self.classifier(self.dropout(x))
        return F.softmax(F.squeeze(x, axis=(2, 3)), axis=1)


def activate(x: Tensor, kind: str) -> Tensor:
    """Apply the activation that a block names."""
    if kind == "hswish":
        return F.hswish(x)
    if kind == "clip":
        return F.minimum(F.maximum(x, 0), 6)
    return F.relu6(x)


class Gate(M.Module):
    """Squeeze and excite with a hard sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool = M.AdaptiveAvgPool2d((1, 1))
        self.reduce = M.Conv2d(channels, channels // 4, 1)
        self.expand = M.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        scale = F.relu(self.reduce(self.pool(x)))
        return x * F.hsigmoid(self.expand(scale))


class InvertedResidual(M.Module):
    def __init__(
        self, inside: int, outside: int, *, stride: int, expand: int, kind: str, gate: bool
    ) -> None:
        super().__init__()
        hidden = inside * expand
        self.kind = kind
        self.use_shortcut = stride == 1 and inside == outside
        if expand != 1:
            self.expand_conv = M.Conv2d(inside, hidden, 1, bias=False)
            self.expand_bn = M.BatchNorm2d(hidden)
        else:
            self.expand_conv = None
        self.depth_conv = M.Conv2d(hidden, hidden, 3, stride, padding=1, groups=hidden, bias=False)
        self.depth_bn = M.BatchNorm2d(hidden)
        self.gate = Gate(hidden) if gate else M.Identity()
        self.project = M.ConvBn2d(hidden, outside, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        if self.expand_conv is not None:
            y = activate(self.expand_bn(self.expand_conv(y)), self.kind)
        y = activate(self.depth_bn(self.depth_conv(y)), self.kind)
        y = self.project(self.gate(y))
        return x + y if self.use_shortcut else y


class MobileNet(M.Module):
    """MobileNetV2/V3-like; `plan` rows are (outside, stride, expand, activation, gate)."""

    def __init__(
        self, stem: int, plan: tuple[tuple[int, int, int, str, bool], ...], head: int, classes: int
    ) -> None:
        super().__init__()
        self.stem = M.Conv2d(3, stem, 3, stride=2, padding=1, bias=False)
        self.stem_bn = M.BatchNorm2d(stem)
        self.blocks, inside = [], stem
        for outside, stride, expand, kind, gate in plan:
            self.blocks.append(
                InvertedResidual(
                    inside, outside, stride=stride, expand=expand, kind=kind, gate=gate
                )
            )
            inside = outside
        self.head = M.ConvBn2d(inside, head, 1, bias=False)
        self.last_kind = plan[-1][3]
        self.classifier = M.Sequential(M.Dropout(0.2), M.Linear(head, classes))

    def forward(self, x: Tensor) -> Tensor:
        x = activate(self.stem_bn(self.stem(x)), self.last_kind)
        for block in self.blocks:
            x = block(x)
        x = activate(self.head(x), self.last_kind)
        return self.classifier(x.mean(axis=[2, 3]))
