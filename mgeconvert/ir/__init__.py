"""The intermediate representation; depends on numpy only."""

from mgeconvert.ir.dims import Dim, Shape, Sym
from mgeconvert.ir.graph import Graph, Node, Port, Value
from mgeconvert.ir.interpret import evaluate
from mgeconvert.ir.op import CATALOGUE, Array, Layout, Op, op
from mgeconvert.ir.types import DType, Quant, TensorType
from mgeconvert.ir.verify import verify

__all__ = [
    "CATALOGUE",
    "Array",
    "DType",
    "Dim",
    "Graph",
    "Layout",
    "Node",
    "Op",
    "Port",
    "Quant",
    "Shape",
    "Sym",
    "TensorType",
    "Value",
    "evaluate",
    "op",
    "verify",
]
