"""Random small networks in MegEngine: a program of steps, each on values made before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

import megengine as mge
import megengine.functional as F
import megengine.module as M
import numpy as np

Shape = tuple[int, ...]
Step = Callable[..., mge.Tensor]
LARGEST = 4000  # elements of a value


def named(path: str) -> Step:
    """Return a function of MegEngine, looked up when it is called: tracing puts others there."""

    def call(*xs: mge.Tensor, **keywords: object) -> mge.Tensor:
        return reduce(getattr, path.split("."), F)(*xs, **keywords)

    return call


def several(names: str) -> tuple[Step, ...]:
    return tuple(map(named, names.split()))


UNARY: tuple[Step, ...] = (
    *several(
        "relu relu6 sigmoid tanh abs neg hsigmoid hswish silu gelu softplus logsigmoid square"
    ),
    lambda x: F.leaky_relu(x, 0.1),
    lambda x: F.exp(x * 0.3),
    lambda x: F.log(F.abs(x) + 0.5),
    lambda x: F.sqrt(F.abs(x) + 0.1),
    lambda x: F.clip(x, -0.7, 1.3),
    lambda x: F.maximum(x, 0.2),
    lambda x: 1.5 - x,
    lambda x: 2.0 / (F.abs(x) + 1),
)
BINARY: tuple[Step, ...] = (
    *several("add sub mul maximum minimum"),
    lambda a, b: a / (F.abs(b) + 1),
)
REDUCE = several("mean sum max min")
STEPS: tuple[Step, ...] = (  # edges lie where results hardly do
    lambda x: F.floor(x * 2 + 0.3137),
    lambda x: F.ceil(x * 3 - 0.2173),
    lambda x: F.round(x * 2 + 0.1379),
    lambda x: F.sign(x - 0.1137),
    lambda x: (x * 3 + 0.0973).astype("int32").astype("float32"),
    lambda x: (x * 20 + 0.0973).astype("int32") // 3 * 0.1,
    lambda x: F.where(x > 0.1731, x, x * 2 - 1),
    lambda x: x * (x < 0.2719),
    lambda x: ((x > -0.5719) & (x <= 0.5391)).astype("float32"),
    lambda x: F.floor_div(x, 0.7391),
    lambda x: F.equal((x * 4).astype("int32") % 3, 1).astype("float32") + x,
)


class Program(M.Module):
    """Runs the steps; each gets the module, for its parameters, and its operands."""

    def __init__(self, steps: list[tuple[Step, list[int]]], parts: list[object]) -> None:
        super().__init__()
        self.steps, self.outputs = steps, ()
        for i, part in enumerate(parts):
            setattr(self, f"part{i}", part)

    def forward(self, *inputs: mge.Tensor) -> tuple[mge.Tensor, ...]:
        values = list(inputs)
        for step, operands in self.steps:
            values.append(step(self, *(values[i] for i in operands)))
        return tuple(values[i] for i in self.outputs)


@dataclass
class Maker:
    """Draws steps that fit the values so far, and computes them to know their shapes."""

    random: np.random.RandomState
    arrays: list[np.ndarray] = field(default_factory=list)
    steps: list[tuple[Step, list[int]]] = field(default_factory=list)
    parts: list[object] = field(default_factory=list)
    stepped: bool = False

    def draw(self) -> None:
        """Try one step; it counts where its result is finite and of a fair size."""
        last = len(self.arrays) - 1
        at = last if self.random.rand() < 0.6 else self.random.randint(len(self.arrays))
        shape = self.arrays[at].shape
        table = [
            *ANY,
            *STEPPED * self.stepped,
            *{2: ROWS, 3: SEQUENCES, 4: IMAGES}.get(len(shape), ()),
        ]
        made = table[self.random.randint(len(table))](self, shape)
        if made is None:
            return
        step, others = made
        operands = [at, *others]
        module = Program([], self.parts)
        result = step(module, *(mge.Tensor(self.arrays[i]) for i in operands)).numpy()
        fair = result.ndim and 0 < result.size <= LARGEST and np.isfinite(result).all()
        if fair and np.abs(result).max() < 1e4:
            self.steps.append((step, operands))
            self.arrays.append(result)

    def part(self, part: object) -> str:
        """Keep a module or parameter, its numbers drawn, and return its name."""
        if isinstance(part, M.Module):
            for name, tensor in sorted([*part.named_parameters(), *part.named_buffers()]):
                if "var" in name:
                    tensor[...] = self.random.uniform(0.5, 1.5, tensor.shape).astype(np.float32)
                elif "num_batches" not in name:
                    tensor[...] = self.random.randn(*tensor.shape).astype(np.float32) / 2
            part.eval()
        self.parts.append(part)
        return f"part{len(self.parts) - 1}"

    def below(self, *ends: int) -> Shape:
        return tuple(int(self.random.randint(end)) for end in ends)

    def axis(self, shape: Shape) -> int:
        return int(self.random.randint(len(shape)))


Made = tuple[Step, list[int]] | None


def plain(function: Step, **keywords: object) -> Made:
    return (lambda module, *xs: function(*xs, **keywords)), []


def module(maker: Maker, part: M.Module) -> Made:
    name = maker.part(part)
    return (lambda net, x: getattr(net, name)(x)), []


def pick(maker: Maker, functions: tuple[Step, ...]) -> Step:
    return functions[maker.random.randint(len(functions))]


def unary(maker: Maker, shape: Shape) -> Made:
    return plain(pick(maker, UNARY))


def stepped(maker: Maker, shape: Shape) -> Made:
    return plain(pick(maker, STEPS))


def compared(maker: Maker, shape: Shape) -> Made:
    same = [i for i, array in enumerate(maker.arrays) if array.shape == shape]
    other = int(maker.random.choice(same))
    return (lambda net, a, b: F.where(a > b + 0.0731, a, b * 0.5)), [other]


def placed(maker: Maker, shape: Shape) -> Made:
    function = pick(maker, several("argmax argmin"))
    axis, keep = maker.axis(shape), len(shape) == 1 or maker.random.rand() < 0.5
    return (lambda net, x: function(x, axis=axis, keepdims=keep).astype("float32") * 0.3), []


def ordered(maker: Maker, shape: Shape) -> Made:
    if len(shape) != 2:
        return None
    k, down = 1 + maker.below(shape[1])[0], bool(maker.random.rand() < 0.5)

    def step(net: M.Module, x: mge.Tensor) -> mge.Tensor:
        values, places = F.topk(x, k, descending=down)
        return values + places.astype("float32")

    return step, []


def looked_up(maker: Maker, shape: Shape) -> Made:
    name = maker.part(mge.Parameter(maker.random.randn(5, 3).astype(np.float32)))

    def step(net: M.Module, x: mge.Tensor) -> mge.Tensor:
        places = F.clip(x * 2 + 2.1379, 0, 4.5).astype("int32")
        return F.nn.embedding(places, getattr(net, name))

    return step, []


def binary(maker: Maker, shape: Shape) -> Made:
    same = [i for i, array in enumerate(maker.arrays) if array.shape == shape]
    function = pick(maker, BINARY)
    return (lambda net, a, b: function(a, b)), [int(maker.random.choice(same))]


def with_constant(maker: Maker, shape: Shape) -> Made:
    sizes = tuple(n if maker.random.rand() < 0.6 else 1 for n in shape)
    name = maker.part(mge.Parameter(maker.random.randn(*sizes).astype(np.float32)))
    function = pick(maker, BINARY)
    return (lambda net, x: function(x, getattr(net, name))), []


def with_means(maker: Maker, shape: Shape) -> Made:
    axis, function = maker.axis(shape), pick(maker, BINARY)
    return (lambda net, x: function(x, F.mean(x, axis=axis, keepdims=True))), []


def reduced(maker: Maker, shape: Shape) -> Made:
    keep = len(shape) == 1 or maker.random.rand() < 0.6
    return plain(pick(maker, REDUCE), axis=maker.axis(shape), keepdims=keep)


def transposed(maker: Maker, shape: Shape) -> Made:
    return plain(named("transpose"), pattern=tuple(map(int, maker.random.permutation(len(shape)))))


def sliced(maker: Maker, shape: Shape) -> Made:
    starts = maker.below(*shape)
    steps = maker.random.choice([1, 1, 2], len(shape))
    index = tuple(slice(a, None, int(s)) for a, s in zip(starts, steps))
    return (lambda net, x: x[index]), []


def joined(maker: Maker, shape: Shape) -> Made:
    axis = maker.axis(shape)
    return (lambda net, x: F.concat([x, x * 2, x], axis=axis)), []


def softmax(maker: Maker, shape: Shape) -> Made:
    return plain(pick(maker, several("softmax logsoftmax")), axis=maker.axis(shape))


def reshaped(maker: Maker, shape: Shape) -> Made:
    axis = maker.axis(shape)
    return plain(named("reshape"), target_shape=(*shape[:axis], -1))


def linear(maker: Maker, shape: Shape) -> Made:
    return module(maker, M.Linear(shape[-1], 1 + maker.below(8)[0]))


def normalized(maker: Maker, shape: Shape) -> Made:
    kinds = {2: M.BatchNorm1d, 3: M.BatchNorm1d, 4: M.BatchNorm2d}
    return module(maker, kinds[len(shape)](shape[1]))


def layer_norm(maker: Maker, shape: Shape) -> Made:
    return module(maker, M.LayerNorm(shape[-1]))


def attention(maker: Maker, shape: Shape) -> Made:
    def step(net: M.Module, x: mge.Tensor) -> mge.Tensor:
        x = x * 1.0  # MegEngine wants its own memory
        return F.matmul(F.softmax(F.matmul(x, F.transpose(x, (0, 2, 1))), axis=-1), x)

    return step, []


def divisor(maker: Maker, number: int) -> int:
    return int(maker.random.choice([n for n in range(1, number + 1) if number % n == 0]))


def convolved(maker: Maker, shape: Shape) -> Made:
    channels, groups = shape[1], divisor(maker, shape[1])
    kernel, stride, padding, dilation = (
        tuple(n + a for n in maker.below(b, b)) for a, b in ((1, 3), (1, 2), (0, 3), (1, 2))
    )
    sizes = zip(shape[2:], padding, dilation, kernel)
    if any(n + 2 * p < d * (k - 1) + 1 for n, p, d, k in sizes):
        return None
    outputs = groups * (1 + maker.below(3)[0])
    part = M.Conv2d(channels, outputs, kernel, stride, padding, dilation, groups)
    return module(maker, part)


def deconvolved(maker: Maker, shape: Shape) -> Made:
    groups = divisor(maker, shape[1])
    kernel, stride, dilation = (tuple(n + 1 for n in maker.below(b, b)) for b in (4, 3, 2))
    part = M.ConvTranspose2d(shape[1], groups * 2, kernel, stride, dilation=dilation, groups=groups)
    name = maker.part(part)
    return (lambda net, x: getattr(net, name)(x * 1.0)), []  # MegEngine wants its own memory


def depthwise(maker: Maker, shape: Shape) -> Made:
    return module(maker, M.Conv2d(shape[1], shape[1], 3, padding=1, groups=shape[1]))


def pooled(maker: Maker, shape: Shape) -> Made:
    kernel, stride = (tuple(n + 1 for n in maker.below(3, 3)) for _ in range(2))
    padding = tuple(int(maker.random.randint(k // 2 + 1)) for k in kernel)
    if any(n + 2 * p < k for n, p, k in zip(shape[2:], padding, kernel)):
        return None
    window = {"kernel_size": kernel, "stride": stride, "padding": padding}
    pool = pick(maker, several("max_pool2d avg_pool2d"))
    return (lambda net, x: pool(x * 1.0, **window)), []  # MegEngine wants its own memory


def resized(maker: Maker, shape: Shape) -> Made:
    size, corners = tuple(n + 1 for n in maker.below(14, 14)), bool(maker.random.rand() < 0.5)
    if corners and 1 in size:
        return None  # MegEngine divides by size - 1
    return plain(named("vision.interpolate"), size=size, align_corners=corners)


def padded(maker: Maker, shape: Shape) -> Made:
    edges = ((0, 0), (0, 0), maker.below(3, 3), maker.below(3, 3))
    value = float(maker.random.choice([0.0, 1.5]))
    return plain(named("nn.pad"), pad_width=edges, constant_value=value)


def group_norm(maker: Maker, shape: Shape) -> Made:
    return module(maker, M.GroupNorm(divisor(maker, shape[1]), shape[1]))


ANY = (
    *(unary, unary, binary, binary, with_constant, with_means, reduced),
    *(transposed, sliced, joined, softmax, reshaped),
)
STEPPED = (stepped, stepped, stepped, compared, placed, ordered, looked_up)
ROWS = (linear, linear, normalized, layer_norm)
SEQUENCES = (linear, normalized, layer_norm, attention)
IMAGES = (
    *(convolved, convolved, deconvolved, depthwise, pooled, pooled),
    *(normalized, normalized, resized, padded, group_norm),
)


def network(
    seed: int, *, stepped: bool = False
) -> tuple[Program, list[np.ndarray], list[np.ndarray]]:
    """Return a network, its inputs and what it computes from them.

    A stepped one has comparisons, rounding, indices and whole numbers as well.
    """
    maker = Maker(np.random.RandomState(seed), stepped=stepped)
    shapes = ((1, 4, 8, 7), (2, 6, 5, 9), (1, 8, 1, 9), (3, 7), (2, 5, 6))
    maker.arrays.append(maker.random.randn(*shapes[seed % len(shapes)]).astype(np.float32))
    for _ in range(40):
        maker.draw()
        if len(maker.steps) >= 4 + seed % 5:
            break
    made = Program(maker.steps, maker.parts)
    read = {i for _, operands in maker.steps for i in operands}
    made.outputs = tuple(i for i in range(1, len(maker.arrays)) if i not in read)
    made.eval()
    return made, maker.arrays[:1], [maker.arrays[i] for i in made.outputs]
