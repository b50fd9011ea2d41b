"""Make small TracedModules with MegEngine, and write down what MegEngine itself says they hold.

python -m tests.traced.models tests/traced/data

MegEngine changes the floating point mode of its process, so that tests run this as a child.
"""

import hashlib
import json
import sys
from pathlib import Path


def build() -> dict:
    """Return the models by name, each with what it is traced with."""
    import megengine as mge
    import megengine.functional as F
    import megengine.module as M
    import megengine.quantization as Q
    import numpy as np
    from megengine.traced_module import trace_module

    class Block(M.Module):
        def __init__(self):
            super().__init__()
            self.conv = M.Conv2d(4, 4, 1, bias=False)
            self.bn = M.BatchNorm2d(4)

        def forward(self, x, y):
            return F.relu(self.bn(self.conv(x))) + y

    class Float(M.Module):
        def __init__(self):
            super().__init__()
            self.stem = M.Sequential(M.Conv2d(3, 4, 3, padding=1))
            self.block = Block()
            self.parts = [M.Sigmoid(), M.Identity()]
            self.gain = mge.Parameter(np.full((1, 4, 1, 1), 2, np.float32))
            self.fc = M.Linear(4, 3)

        def forward(self, x, extra, *, factor=2.0):
            x = self.stem(x)
            for part in self.parts:
                x = part(x)
            x = self.block(self.block(x, extra["bias"]), y=x) * self.gain * factor
            left, right = F.split(x, 2, axis=1)
            y = F.concat([left, right], axis=1)[:, 1:3, ..., None]
            z = F.full((2, 4), np.float32(3), dtype=x.dtype)
            z = z + mge.Tensor(np.arange(4, dtype=np.float32))
            z[0, 1] = 1.5
            z = F.where(z > 1, z, mge.Tensor(z)).astype(np.float16).astype("float32")
            pooled = F.avg_pool2d(x, 4).reshape(x.shape[0], -1)
            return {"logits": self.fc(pooled), "rest": (y, [z.detach(), x.mean((2, 3))])}

    class Small(M.Module):
        def __init__(self):
            super().__init__()
            self.quant, self.dequant = M.QuantStub(), M.DequantStub()
            self.conv, self.add = M.ConvBnRelu2d(3, 4, 3, padding=1), M.Elemwise("add")
            self.point, self.fc = M.ConvBn2d(4, 4, 1), M.Linear(4, 3)

        def forward(self, x):
            x = self.conv(self.quant(x))
            x = F.avg_pool2d(self.add(x, self.point(x)), 4).reshape(x.shape[0], -1)
            return self.dequant(self.fc(x))

    mge.random.seed(7)
    random = np.random.RandomState(7)
    image = mge.Tensor(random.rand(2, 3, 4, 4).astype(np.float32))
    extra = {"bias": mge.Tensor(random.rand(1, 4, 1, 1).astype(np.float32))}
    plain = Float()
    plain.eval()
    models = {"float": trace_module(plain, image, extra)}
    qat = Q.quantize_qat(Small(), qconfig=Q.ema_fakequant_qconfig)
    qat(image)
    qat.eval()
    models["qat"] = trace_module(qat, image)
    Q.quantize(qat)
    qat.eval()
    models["quantized"] = trace_module(qat, image)
    return models


def view(path: Path) -> dict:
    """Return what MegEngine says about the model at `path`, as plain data."""
    import megengine as mge
    from megengine.traced_module import TracedModule

    model = mge.load(str(path))
    graphs = {}
    for _, module in model.named_modules():
        if isinstance(module, TracedModule):
            for arguments, graph in module.argdef_graph_map.items():
                graphs[graph_key(graph.qualname, graph.inputs[1:])] = {
                    "name": graph.name,
                    "expressions": [expression(e) for e in graph._exprs],
                    "result": text(module.argdef_outdef_map[arguments].unflatten(graph.outputs)),
                }
    return {
        "graphs": graphs,
        "tensors": {name: digest(tensor.numpy()) for name, tensor in model.named_tensors()},
        "full_names": sorted({f"{n:p}" for n in model.graph.nodes() if hasattr(n, "shape")}),
    }


def graph_key(qualname: str, inputs) -> str:
    return f"{qualname}({', '.join(node.name for node in inputs)})"


def expression(expr) -> list[str]:
    """Return an expression of MegEngine: its kind, what it names, its arguments and results."""
    kind = type(expr).__name__
    if kind == "GetAttr":
        return [kind, expr.name, "", text(expr.outputs[0])]
    if kind == "Constant":
        return [kind, digest(expr.value.numpy()), "", text(expr.outputs[0])]
    if kind == "Apply":
        return [kind, type(expr.opdef).__name__, text(tuple(expr.inputs)), text(expr.outputs)]
    if kind == "CallFunction":
        what = f"{expr.func.__module__}.{expr.func.__qualname__}"
    else:
        what = expr.method
    return [kind, what, text(expr.args) + text(expr.kwargs), text(expr.return_val)]


def text(tree) -> str:
    """Return a structure of nodes and constants as text; nodes of both worlds look the same."""
    import numpy as np

    if isinstance(tree, (list, tuple)):
        return f"{type(tree).__name__}[{', '.join(map(text, tree))}]"
    if isinstance(tree, dict):
        return f"{{{', '.join(f'{key}: {text(value)}' for key, value in tree.items())}}}"
    if isinstance(tree, slice):
        return f"slice[{text(tree.start)}, {text(tree.stop)}, {text(tree.step)}]"
    if isinstance(tree, np.generic):
        return f"{tree.dtype} {tree.item()}"
    if isinstance(tree, np.dtype):
        return f"dtype {tree.name}"
    if isinstance(tree, type):
        is_number = issubclass(tree, np.generic)
        return f"dtype {tree.__name__}" if is_number else f"{tree.__module__}.{tree.__qualname__}"
    if hasattr(tree, "qualname"):
        return node_text(tree)
    return repr(tree)


def node_text(node) -> str:
    if not hasattr(node, "shape"):
        return f"{node.name} = {node.qualname}"
    scale = "" if node.qparams is None else f" scale {digest(node.qparams.scale)}"
    return f"{node.name} = {node.qualname} {node.shape} {node.dtype}{scale}"


def digest(array) -> str:
    """Return element type, shape and content of an array or tensor."""
    import numpy as np

    array = np.asarray(array.numpy() if hasattr(array, "numpy") else array)
    quantized = (array.dtype.metadata or {}).get("mgb_dtype", "")
    content = hashlib.sha256(array.tobytes()).hexdigest()[:16]
    return f"{array.dtype.name} {quantized} {array.shape} {content}"


def main(folder: Path, protocols: list[str]) -> None:
    import megengine as mge

    for name, model in build().items():
        path = folder / f"{name}.tm"
        mge.save(model, str(path))
        (folder / f"{name}.json").write_text(json.dumps(view(path), indent=1) + "\n")
        for protocol in protocols:
            other = folder / f"{name}.protocol{protocol}.tm"
            mge.save(model, str(other), pickle_protocol=int(protocol))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
