"""Write down what our records hold, in the words of `tests.traced.models.view`."""

from mgeconvert.frontends.traced import records as r
from mgeconvert.frontends.traced.stubs import Name
from tests.traced.models import digest, graph_key, text


def view(model: r.TracedModel) -> dict:
    """Return the records as plain data, to compare with what MegEngine says."""
    graphs = {
        graph_key(graph.qualname, graph.inputs): {
            "name": graph.name,
            "expressions": [expression(e) for e in graph.expressions],
            "result": text(Seen.of(graph.result)),
        }
        for graph in model.graphs()
    }
    return {
        "graphs": graphs,
        "tensors": {name: digest(tensor.data) for name, tensor in model.module.tensors()},
    }


class Seen:
    """A node of ours with the attributes that MegEngine's nodes have, and no more."""

    def __init__(self, node: r.Node) -> None:
        self.name, self.qualname, self.qparams = node.name, node.qualname, node.qparams
        if not node.is_module:
            self.shape, self.dtype = node.shape, node.dtype

    @classmethod
    def of(cls, tree):
        if isinstance(tree, r.Node):
            return cls(tree)
        if isinstance(tree, Name):
            return Bare(tree)
        if isinstance(tree, (list, tuple)):
            return type(tree)(map(cls.of, tree))
        if isinstance(tree, dict):
            return {key: cls.of(value) for key, value in tree.items()}
        return tree


class Bare(str):
    """A text without its quotes."""

    __repr__ = str.__str__


def expression(expr: r.Expression) -> list[str]:
    if isinstance(expr, r.GetAttr):
        return ["GetAttr", expr.path, "", text(Seen(expr.output))]
    if isinstance(expr, r.Constant):
        return ["Constant", digest(expr.value.data), "", text(Seen(expr.output))]
    if isinstance(expr, r.Apply):
        inputs, outputs = (Seen.of(nodes) for nodes in (expr.inputs, list(expr.outputs)))
        return ["Apply", expr.opdef, text(inputs), text(outputs)]
    args, kind, what = expr.args, type(expr).__name__, ""
    if isinstance(expr, r.CallFunction):
        what = str(expr.function)
    elif isinstance(expr, r.CallMethod):
        args, what = (expr.object, *args), expr.method
    else:
        args, kind, what = (expr.object, *args), "CallMethod", "__call__"
    return [
        kind,
        what,
        text(Seen.of(args)) + text(Seen.of(expr.kwargs)),
        text(Seen.of(expr.result)),
    ]
