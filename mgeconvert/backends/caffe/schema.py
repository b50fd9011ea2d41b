"""Caffe's messages, made at run time from caffe.proto beside this file."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from mgeconvert.errors import InternalError

Field = descriptor_pb2.FieldDescriptorProto
Message = Any  # of a class that is made at run time

SCALARS = {
    "bool": Field.TYPE_BOOL,
    "float": Field.TYPE_FLOAT,
    "int32": Field.TYPE_INT32,
    "int64": Field.TYPE_INT64,
    "string": Field.TYPE_STRING,
    "uint32": Field.TYPE_UINT32,
}
LABELS = {"optional": Field.LABEL_OPTIONAL, "repeated": Field.LABEL_REPEATED}
BLOCK = re.compile(r"(message|enum) (\w+) \{")
FIELD = re.compile(r"(optional|repeated) (\w+) (\w+) = (\d+)(?: \[(\w+) = (\S+)\])?;")
VALUE = re.compile(r"(\w+) = (\d+);")


def net_message() -> Message:
    """Return an empty NetParameter."""
    return message("NetParameter")


def message(name: str) -> Message:
    """Return an empty message of the type `name`."""
    return _classes()[f"{_file().package}.{name}"]()


@cache
def _classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_file())
    return dict(message_factory.GetMessageClassesForFiles([_file().name], pool))


@cache
def _file() -> descriptor_pb2.FileDescriptorProto:
    text = resources.files(__package__).joinpath("caffe.proto").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> descriptor_pb2.FileDescriptorProto:
    """Read a `.proto` file of one statement a line: what caffe.proto uses, and no more."""
    file = descriptor_pb2.FileDescriptorProto(name="mgeconvert/caffe.proto", syntax="proto2")
    open_: list[Any] = []  # the message and the enum that the current line is in
    for line in text.splitlines():
        line = line.partition("//")[0].strip()
        if found := BLOCK.fullmatch(line):
            open_.append(_begin(file, open_, found[1], found[2]))
        elif line == "}":
            open_.pop()
        elif found := FIELD.fullmatch(line):
            _add_field(open_[-1], found)
        elif (found := VALUE.fullmatch(line)) and open_:
            open_[-1].value.add(name=found[1], number=int(found[2]))
        elif line.startswith("package "):
            file.package = line.removeprefix("package ").rstrip(";")
        elif line and not line.startswith("syntax "):
            raise InternalError(f"caffe.proto: {line!r} is not understood")
    return file


def _begin(file: Any, open_: list[Any], kind: str, name: str) -> Any:
    if kind == "enum":
        return open_[-1].enum_type.add(name=name)
    return file.message_type.add(name=name)


def _add_field(owner: Any, found: re.Match[str]) -> None:
    label, type_, name, number, option, value = found.groups()
    field = owner.field.add(name=name, number=int(number), label=LABELS[label])
    if type_ in SCALARS:
        field.type = SCALARS[type_]
    elif any(enum.name == type_ for enum in owner.enum_type):
        field.type, field.type_name = Field.TYPE_ENUM, type_
    else:
        field.type, field.type_name = Field.TYPE_MESSAGE, type_
    if option == "packed":
        field.options.packed = value == "true"
    elif option == "default":
        field.default_value = value
