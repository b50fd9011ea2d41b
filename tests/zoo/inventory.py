"""What the traced zoo uses: module classes, methods, functions and operators.

`python -m tests.zoo.inventory` prints the list that inventory.txt holds; with `--forms` it prints
the forms of the arguments of each, most frequent first.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import megengine
from megengine.module import Module
from megengine.traced_module import TracedModule
from megengine.traced_module.expr import Apply, CallFunction, CallMethod, Constant, Expr, GetAttr
from megengine.traced_module.node import Node, TensorNode

from tests.zoo.table import FAMILIES
from tests.zoo.tracing import trace_family

SIZES = (
    "in_channels",
    "out_channels",
    "in_features",
    "out_features",
    "num_features",
    "name",
    "quantize_disabled",
    "training",
)


def uses(traced: TracedModule) -> Iterator[tuple[str, str]]:
    """Yield (what, form of the arguments) for each expression of `traced` and its parts."""
    for path, part in traced.named_modules():
        if not isinstance(part, TracedModule):
            yield f"module {type(part).__module__}.{type(part).__name__}", module_form(part)
            continue
        for graph in part.argdef_graph_map.values():
            for expr in graph._exprs:
                yield from expression_use(expr, path)


def expression_use(expr: Expr, path: str) -> Iterator[tuple[str, str]]:
    """Yield what one expression uses; calls of modules count as uses of their classes."""
    if isinstance(expr, CallMethod) and expr.method != "__call__":
        yield f"method {expr.method}", call_form(expr)
    elif isinstance(expr, CallFunction):
        yield f"function {expr.func.__module__}.{expr.func.__name__}", call_form(expr)
    elif isinstance(expr, Apply):
        yield f"apply {type(expr.opdef).__name__}", f"{expr.opdef} on {len(expr.inputs)}"
    elif isinstance(expr, Constant):
        value = expr.value
        kind = "tensor" if isinstance(value, megengine.Tensor) else type(value).__name__
        yield f"constant {kind}", f"{value.dtype} {value.shape}" if kind == "tensor" else ""
    elif isinstance(expr, GetAttr) and isinstance(expr.outputs[0], TensorNode):
        yield "getattr tensor", expr.name


def call_form(expr: CallMethod | CallFunction) -> str:
    """Return the arguments of a call, tensors as their dtype and number of dimensions."""
    args, kwargs = expr.unflatten_args(expr.inputs)
    shown = [show(arg) for arg in args]
    shown += [f"{name}={show(arg)}" for name, arg in kwargs.items()]
    return f"({', '.join(shown)}) -> {', '.join(tensor_form(node) for node in expr.outputs)}"


def tensor_form(node: Node) -> str:
    dtype = getattr(node, "dtype", None)
    shape = getattr(node, "shape", None)
    if dtype is None:
        return type(node).__name__
    return f"<{dtype.__name__ if isinstance(dtype, type) else dtype} {shape and len(shape)}d>"


def show(arg: Any) -> str:
    if isinstance(arg, list):
        return "[" + ", ".join(show(x) for x in arg) + "]"
    if isinstance(arg, tuple):
        return "(" + ", ".join(show(x) for x in arg) + ("," if len(arg) == 1 else "") + ")"
    return tensor_form(arg) if isinstance(arg, Node) else repr(arg)


def module_form(part: Module) -> str:
    """Return the plain attributes of a module that stayed whole."""
    plain = (int, float, str, bool, tuple, type(None))
    fields = {
        name: value
        for name, value in sorted(vars(part).items())
        if isinstance(value, plain) and not name.startswith("_") and name not in SIZES
    }
    return " ".join(f"{name}={value!r}" for name, value in fields.items())


def collect() -> dict[str, Counter[str]]:
    """Return, for everything that the zoo uses, how often each form of arguments occurs."""
    found: dict[str, Counter[str]] = {}
    for family in FAMILIES.values():
        for what, form in uses(trace_family(family)):
            found.setdefault(what, Counter())[form] += 1
    return {what: found[what] for what in sorted(found)}


def main() -> None:
    """Print the inventory."""
    for what, forms in collect().items():
        print(what)
        if "--forms" in sys.argv:
            for form, count in forms.most_common():
                print(f"    {count:4} x {form}")


if __name__ == "__main__":
    main()
