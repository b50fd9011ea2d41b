"""The names of MegEngine, numpy and Python that a TracedModule may use; needs only the core.

`names.json` lists the functions, module classes, tensor methods and operators of MegEngine 1.13
that tracing records, without those that load native code or talk to other machines.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mgeconvert.frontends.traced.stubs import Name, Stub, Value

TRACED = "megengine.traced_module"
EXPR = f"{TRACED}.expr"
NODE = f"{TRACED}.node"
PYTREE = f"{TRACED}.pytree"

TREE_DEF = Name(PYTREE, "TreeDef")
LEAF_DEF = Name(PYTREE, "LeafDef")
TENSOR_NODE = Name(NODE, "TensorNode")
MODULE_NODE = Name(NODE, "ModuleNode")
GRAPH = Name(f"{TRACED}.traced_module", "InternalGraph")
NAME_SPACE = Name(f"{TRACED}.traced_module", "NameSpace")
TRACED_MODULE = Name(f"{TRACED}.traced_module", "TracedModule")
MODULE_STATE = Name(f"{TRACED}.serialization", "_ModuleState")
INPUT, GET_ATTR, CONSTANT, CALL_METHOD, CALL_FUNCTION, APPLY = (
    Name(EXPR, name)
    for name in ("Input", "GetAttr", "Constant", "CallMethod", "CallFunction", "Apply")
)
TENSOR = Name("megengine.tensor", "Tensor")
PARAMETER = Name("megengine.tensor", "Parameter")
COMP_NODE = Name("megengine.core._imperative_rt.common", "CompNode")
QPARAMS = Name("megengine.quantization.utils", "QParams")
LSQ_PARAMS = Name("megengine.quantization.utils", "LSQParams")
QUANT_MODE = Name("megengine.quantization.utils", "QuantMode")
QUANT_DTYPE = Name("megengine.core.tensor.dtype", "QuantDtypeMeta")
GROUP = Name("megengine.distributed.group", "Group")
ARG_SPEC = Name("inspect", "FullArgSpec")
ARGS_INDEX = Name(PYTREE, "ArgsIndex")
DTYPE = Name("numpy", "dtype")
NDARRAY = Name("numpy", "ndarray")
TYPE = Name("builtins", "type")
NONE_TYPE = Name("builtins", "NoneType")
ELLIPSIS_TYPE = Name("builtins", "ellipsis")
ELLIPSIS = Name("builtins", "Ellipsis")

EXPRESSIONS = (INPUT, GET_ATTR, CONSTANT, CALL_METHOD, CALL_FUNCTION, APPLY)

# numpy 1 and numpy 2 name the same functions differently.
RECONSTRUCT = tuple(Name(f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core"))
SCALAR = tuple(Name(f"numpy.{core}.multiarray", "scalar") for core in ("core", "_core"))
FROM_BUFFER = tuple(Name(f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core"))

NUMPY_TYPES = {
    Name("numpy", kind): kind if kind != "bool_" else "bool"
    for kind in (
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
        *("float16", "float32", "float64", "bool_", "bool"),
    )
}

LOW_BIT_TYPES = {
    Name("megengine.core._imperative_rt", "pybfloat16"): ("u2", "BFloat16"),
    **{
        Name("megengine.core._imperative_rt", f"pyintb{bits}"): ("u1", f"IntB{bits}")
        for bits in (1, 2, 4)
    },
}
"""MegEngine's own element types, which numpy lacks: as (numpy type, name)."""

DTYPE_CLASSES = {
    Name("numpy.dtypes", f"{kind}DType")
    for kind in (
        *(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)),
        *("Float16", "Float32", "Float64", "Bool"),
    )
}
"""The classes of numpy's element types, named where one is an argument."""

OBJECTS = {
    *(TREE_DEF, LEAF_DEF, ARGS_INDEX, TENSOR_NODE, MODULE_NODE, GRAPH, NAME_SPACE, TRACED_MODULE),
    *(MODULE_STATE, *EXPRESSIONS, COMP_NODE, QPARAMS, LSQ_PARAMS, GROUP),
}
"""Classes made without arguments, their state given afterwards; module classes come to them."""

PLAIN_NAMES = {
    *(Name("builtins", kind) for kind in ("bool", "dict", "float", "int", "list", "slice", "str")),
    *(Name("builtins", kind) for kind in ("tuple", "bytes", "bytearray", "complex")),
    *(Name("collections", "OrderedDict"), Name("collections", "defaultdict"), ELLIPSIS),
    *(Name("abc", "ABCMeta"), Name(NODE, "NodeMixin"), TYPE, NDARRAY, DTYPE),
    *(QUANT_MODE, QUANT_DTYPE, ARG_SPEC, TENSOR, PARAMETER),
}


@dataclass(frozen=True)
class Vocabulary:
    """The contents of names.json, as sets."""

    functions: frozenset[Name]
    classes: frozenset[Name]
    opdefs: frozenset[Name]
    methods: frozenset[str]

    def makes(self, kind: Name, args: tuple[Value, ...]) -> bool:
        """Return whether an object of class `kind` may be made with `args`."""
        if kind in OBJECTS or kind in self.classes:
            return not args
        sizes = {TENSOR: 3, PARAMETER: 3, QUANT_DTYPE: 6, ARG_SPEC: 7}
        return sizes.get(kind) == len(args)

    def knows(self, name: Name) -> bool:
        """Return whether the pickle may refer to `name` as a class or function."""
        return (
            name in OBJECTS
            or name in PLAIN_NAMES
            or name in NUMPY_TYPES
            or name in LOW_BIT_TYPES
            or name in DTYPE_CLASSES
            or name in self.classes
            or name in self.opdefs
            or name in (*RECONSTRUCT, *SCALAR, *FROM_BUFFER)
        )


def calls(function: Name, args: tuple[Value, ...]) -> bool:
    """Return whether `function` may be called with `args`, to become a Stub.

    These are the calls that numpy's arrays, scalars and element types and MegEngine's enumeration
    make of themselves; none allocates more than the file holds.
    """
    if function == DTYPE:
        return len(args) == 3 and args[1:] == (False, True)
    if function in RECONSTRUCT:
        return args == (NDARRAY, (0,), b"b")
    if function in SCALAR:
        return len(args) == 2 and _is_stub(args[0], DTYPE) and isinstance(args[1], memoryview)
    if function in FROM_BUFFER:
        return len(args) == 4 and isinstance(args[0], memoryview) and _is_stub(args[1], DTYPE)
    return function == QUANT_MODE and args in ((1,), (2,))


def _is_stub(value: Value, kind: Name) -> bool:
    return isinstance(value, Stub) and value.kind == kind


@cache
def vocabulary() -> Vocabulary:
    """Return MegEngine's names, read from names.json once."""
    data = json.loads(Path(__file__).with_name("names.json").read_text("utf-8"))

    def names(groups: dict[str, list[str]]) -> frozenset[Name]:
        return frozenset(Name(module, name) for module in groups for name in groups[module])

    return Vocabulary(
        functions=names(data["functions"]),
        classes=names(data["classes"]),
        opdefs=names({"megengine.core._imperative_rt.ops": data["opdefs"]}),
        methods=frozenset(data["methods"]),
    )
