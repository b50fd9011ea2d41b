"""Residual networks: basic and bottleneck blocks, plain or grouped."""

from __future__ import annotations

import megengine.functional as F
import megengine.module as M
from megengine import Tensor


class BasicBlock(M.Module):
    expansion = 1

    def __init__(self, inside: int, width: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv1 = M.Conv2d(inside, width, 3, stride, padding=1, groups=groups, bias=False)
        self.bn1 = M.BatchNorm2d(width)
        self.conv2 = M.Conv2d(width, width, 3, 1, padding=1, groups=groups, bias=False)
        self.bn2 = M.BatchNorm2d(width)
        self.downsample = shortcut(inside, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        identity = self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        x += identity
        return F.relu(x)


class Bottleneck(M.Module):
    expansion = 4

    def __init__(self, inside: int, width: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        outside = width * self.expansion
        middle = width * (2 if groups > 1 else 1)
        self.conv1 = M.Conv2d(inside, middle, 1, bias=False)
        self.bn1 = M.BatchNorm2d(middle)
        self.conv2 = M.Conv2d(middle, middle, 3, stride, padding=1, groups=groups, bias=False)
        self.bn2 = M.BatchNorm2d(middle)
        self.conv3 = M.Conv2d(middle, outside, 1, bias=False)
        self.bn3 = M.BatchNorm2d(outside)
        self.downsample = shortcut(inside, outside, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(self.downsample(x) + y)


def shortcut(inside: int, outside: int, stride: int) -> M.Module:
    """Return the projection that makes a block's input fit its output."""
    if inside == outside and stride == 1:
        return M.Identity()
    return M.Sequential(
        M.Conv2d(inside, outside, 1, stride, bias=False),
        M.BatchNorm2d(outside),
    )


class ResNet(M.Module):
    """Stem, four stages and a classifier; images (N, 3, H, W) to logits (N, classes)."""

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: tuple[int, ...],
        width: int,
        classes: int,
        *,
        groups: int = 1,
        pool: int = 2,
    ) -> None:
        super().__init__()
        self.pool = pool
        self.conv1 = M.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = M.BatchNorm2d(width)
        self.maxpool = M.MaxPool2d(kernel_size=3, stride=2, padding=1)
        inside, stages = width, []
        for stage, depth in enumerate(depths):
            blocks = []
            for i in range(depth):
                stride = 2 if stage and i == 0 else 1
                blocks.append(block(inside, width << stage, stride, groups))
                inside = (width << stage) * block.expansion
            stages.append(M.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.fc = M.Linear(inside, classes)

    def extract_features(self, x: Tensor) -> dict[str, Tensor]:
        """Return the stages' outputs by name."""
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        outputs = {"stem": x}
        for i in range(1, 5):
            x = getattr(self, f"layer{i}")(x)
            outputs[f"res{i + 1}"] = x
        return outputs

    def forward(self, x: Tensor) -> Tensor:
        x = self.extract_features(x)["res5"]
        x = F.avg_pool2d(x, self.pool)
        x = F.flatten(x, 1)
        return self.fc(x)
