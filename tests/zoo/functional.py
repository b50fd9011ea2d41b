"""Models that call functions on their own parameters instead of using modules."""

from __future__ import annotations

import megengine as mge
import megengine.functional as F
import megengine.module as M
import numpy as np
from megengine import Tensor


def parameter(*shape: int) -> mge.Parameter:
    """Return a parameter of zeros, to be filled."""
    return mge.Parameter(np.zeros(shape, np.float32))


class FunctionalNet(M.Module):
    """A classifier of images (N, 3, H, W) whose kernels are standardised when it runs."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.width = width
        self.kernel1 = parameter(width, 3, 3, 3)
        self.kernel2 = parameter(2, width // 2, width // 2, 3, 3)
        self.kernel3 = parameter(width, width, 2, 2)
        self.bias = parameter(1, width, 1, 1)
        self.scale, self.offset = parameter(width), parameter(width)
        self.slope = parameter(1)
        self.weight = parameter(classes, width)

    def standardise(self, kernel: Tensor) -> Tensor:
        """Return the kernel with mean 0 and standard deviation 1 for each output channel."""
        flat = F.reshape(kernel, (kernel.shape[0], -1))
        mean, spread = F.mean(flat, axis=1, keepdims=True), F.std(flat, axis=1, keepdims=True)
        return F.reshape(F.div(F.sub(flat, mean), spread + 1e-5), kernel.shape) * 0.3

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv2d(x, self.standardise(self.kernel1), self.bias, stride=2, padding=1)
        x = F.group_norm(x, 2, True, self.scale + 1, self.offset)
        x = F.max_pool2d(F.prelu(x, self.slope), 3, 2, padding=1)
        x = F.nn.conv2d(x, self.kernel2, None, padding=1, groups=2)
        x = F.local_response_norm(F.nn.relu(x))
        x = F.conv_transpose2d(x, self.kernel3, bias=self.bias, stride=(2, 2))
        x = F.layer_norm(F.transpose(x, (0, 2, 3, 1)), (self.width,), True, self.scale, self.offset)
        x = F.dropout(F.logaddexp(x, F.neg(x)), 0.3, training=False)
        x = F.prod(F.mean(x, axis=1) + 0.5, axis=1)
        return F.linear(x, self.weight)


class Calculator(M.Module):
    """Two batches of rows through arithmetic, comparisons and logic, in every spelling."""

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        total = F.add(F.mul(a, 2.0), F.pow(F.abs(b) + 0.1, 1.5)) - F.maximum(a, b)
        ratio = a / (abs(b) + 1.0) + 1.0 / (F.square(b) + 1) + 2 ** (-(b**2))
        trig = F.sin(a) * F.cos(b) + F.atan2(a, F.abs(b) + 1) + F.asin(F.clip(a, -0.9, 0.9))
        trig = trig + F.sinh(a) - F.cosh(b) + F.log1p(F.expm1(F.relu(b)))
        whole = F.floor(a * 3.3) + F.ceil(b * 2.7) + F.round(a * 5.1 + 0.07) - F.sign(b)
        steps = (a * 7.3) // 2 + F.mod(F.abs(b) * 5, 1.7)
        both = F.logical_and(a > 0, b <= 0.5)
        either = F.logical_or(F.logical_not(a >= b), F.equal(F.sign(a), F.sign(b)))
        mask = F.logical_xor(both, either).astype("float32")
        chosen = F.where(F.not_equal(mask, 0.0), total, ratio) * (1 - mask * 0.5)
        running = F.cumsum(trig, 1) + F.logsumexp(a, axis=1, keepdims=True)
        spread = F.var(b, axis=1, keepdims=True) + F.logsigmoid(a) - F.min(b, axis=1, keepdims=True)
        return chosen, running, whole + steps, F.minimum(spread, F.hsigmoid(b)).T


class Indexing(M.Module):
    """Rows (N, 6, 8) through indices and constants as numpy and Python have them."""

    def __init__(self) -> None:
        super().__init__()
        self.order = np.array([3, 1, 2, 0])
        self.window = np.hanning(8).astype(np.float32)
        self.table = mge.Tensor(np.arange(12, dtype=np.float32).reshape(3, 4))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        batch = x.shape[0]
        rows = x[:, [0, 2, 5]] * self.window + np.float32(0.5)
        picked = x[:, self.order][..., -1] - np.ones(4, np.float32)
        stretched = x[:, 1:5:2, None, ...] * F.ones((batch, 1, 2, 1))
        last = x[:, -2:, -3].reshape(-1, 2)
        corner = F.full((batch, 2), value=0.25) * last + F.arange(batch * 2).reshape(batch, 2)
        turned = F.matmul(x[..., :4], self.table.T) + F.eye(6, 3) + Tensor([1.0, -1.0, 0.5])
        kept = F.ones_like(turned) - turned.detach()
        y = F.abs(x)
        y[:, 0] = y[:, 1] * 2.0
        y[:, 2:4, ::4] = 0.0
        return rows, picked, F.flatten(stretched, 1, 2), corner, kept, F.concat([x, y], axis=-2)


class Parts(M.Module):
    """Takes and returns dictionaries and tuples, as multi-task models do inside."""

    def __init__(self, inside: int, classes: int) -> None:
        super().__init__()
        self.score = M.Linear(inside, classes)
        self.shift = M.Linear(inside, 2, bias=False)

    def forward(
        self, features: dict[str, Tensor], *, weight: float = 1.0, sizes: tuple[Tensor, ...] = ()
    ) -> dict[str, Tensor | tuple[Tensor, Tensor]]:
        low, high = features["low"], features["high"]
        score = self.score(high) * weight
        return {"score": score, "boxes": (self.shift(low) + sizes[0], sizes[1])}


class MultiTask(M.Module):
    """Rows (N, C) to a dictionary of three outputs, by way of nested dictionaries."""

    def __init__(self, inside: int, classes: int) -> None:
        super().__init__()
        self.stem = M.Sequential(M.Linear(inside, inside), M.ReLU())
        self.first = Parts(inside, classes)
        self.second = Parts(inside, classes)

    def forward(self, x: Tensor) -> dict[str, Tensor | tuple[Tensor, Tensor]]:
        y = self.stem(x)
        sizes = (y[:, :2] + x[:, 4:], y[:, 2:4] * 0.5 - x[:, :2])
        a = self.first({"low": x, "high": y}, sizes=sizes)
        b = self.second({"low": y, "high": x}, weight=0.3, sizes=a["boxes"])
        return {"score": a["score"] - b["score"], "boxes": b["boxes"]}
