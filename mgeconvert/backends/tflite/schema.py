"""The names of the public TFLite schema, from the package that ships its generated classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from mgeconvert.ir import DType, Quant

__all__ = [
    "in_second_union",
    "options",
    "options_fields",
    "options_number",
    "schema",
    "tensor_type",
    "type_number",
]

TYPES = {
    DType.BOOL: "BOOL",
    DType.I8: "INT8",
    DType.U8: "UINT8",
    DType.I16: "INT16",
    DType.U16: "UINT16",
    DType.I32: "INT32",
    DType.U32: "UINT32",
    DType.I64: "INT64",
    DType.U64: "UINT64",
    DType.F16: "FLOAT16",
    DType.F32: "FLOAT32",
    DType.F64: "FLOAT64",
}


def tensor_type(dtype: DType, quant: Quant | None) -> str:
    """Return the name of a tensor's type; quantized ones have that of their whole numbers."""
    return TYPES[dtype if quant is None else quant.dtype]


def type_number(dtype: DType) -> int:
    """Return the number of an element type in the schema."""
    return getattr(schema.TensorType, TYPES[dtype])


def options(name: str, **fields: Any) -> Any:
    """Return the schema's options object `name`, such as "Conv2DOptions", with `fields` set."""
    made = getattr(schema, f"{name}T")()
    for field, value in fields.items():
        if not hasattr(made, field):
            raise AttributeError(f"{name} has no field {field}")
        setattr(made, field, value)
    return made


def options_fields(options: Any) -> Mapping[str, Any]:
    """Return the fields of an options object by name."""
    return {} if options is None else vars(options)


def options_number(options: Any) -> int:
    """Return the member of the union BuiltinOptions that `options` is."""
    return getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))


def in_second_union(options: Any) -> bool:
    """Return whether `options` belongs to BuiltinOptions2."""
    name = type(options).__name__.removesuffix("T")
    return not hasattr(schema.BuiltinOptions, name) and hasattr(schema.BuiltinOptions2, name)
