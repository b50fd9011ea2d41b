"""Reading a manifest and the files that it includes; needs tomli and the standard library only."""

from __future__ import annotations

import codecs
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import tomli

from mgeconvert.manifest.context import Context
from mgeconvert.manifest.faults import Fault, Faults, KeyPath, spell
from mgeconvert.manifest.lines import Position
from mgeconvert.manifest.models import read_models
from mgeconvert.manifest.options import ENDINGS
from mgeconvert.manifest.paths import Folder
from mgeconvert.manifest.schema import VERSION, Document, Manifest, Model
from mgeconvert.manifest.tables import read_table, table_keys


@dataclass(frozen=True)
class _Include:
    """The place that asks for a file; no key for the manifest itself."""

    file: str
    path: KeyPath = ()


@dataclass
class _Reading:
    """What has been read so far: files by their resolved paths, and models with their places."""

    faults: Faults = field(default_factory=Faults)
    files: dict[str, str] = field(default_factory=dict)
    models: list[tuple[str, KeyPath, Model]] = field(default_factory=list)


def load(path: str | os.PathLike[str]) -> Manifest:
    """Return the manifest at `path`; ConversionFailed carries everything that is wrong with it.

    Files that it names must lie inside its folder, but need not exist yet: a source, a sample or
    labels may be made by another task. Only a glob without a match is wrong here.
    """
    shown = os.fspath(path)
    reading = _Reading()
    _read_file(reading, shown, chain=(), asked=_Include(shown))
    _judge_names(reading)
    _judge_files(reading)
    reading.faults.raise_any()
    models = tuple(model for _, _, model in reading.models)
    return Manifest(path=os.path.abspath(shown), files=tuple(reading.files), models=models)


def _read_file(reading: _Reading, shown: str, *, chain: tuple[str, ...], asked: _Include) -> None:
    real = os.path.realpath(shown)
    if real in chain:
        problem = f'"{shown}" includes itself'
        reading.faults.add(Fault(asked.file, asked.path, problem))
        return
    if real in reading.files:
        return
    reading.files[real] = shown
    raw = _parse(reading, shown, asked)
    if raw is None:
        return
    context = _context(reading, shown, raw)
    if context is None:
        return
    reading.models += [(shown, path, model) for path, model in read_models(context)]
    for index, path in _includes(context):
        _read_file(reading, path, chain=(*chain, real), asked=_Include(shown, ("include", index)))


def _parse(reading: _Reading, shown: str, asked: _Include) -> dict[str, Any] | None:
    """Return the file's tables, or report why it has none."""
    try:
        if os.path.exists(shown) and not (os.path.isfile(shown) or os.path.isdir(shown)):
            raise OSError(errno.EINVAL, "it is no regular file")
        with open(shown, "rb") as stream:
            content = stream.read()
    except OSError as error:
        problem = f'"{shown}" cannot be read: {error.strerror}'
        reading.faults.add(Fault(asked.file, asked.path, problem))
        return None
    content = content.removeprefix(codecs.BOM_UTF8)  # some editors on Windows write it
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _after(content[: error.start].decode("utf-8"))
        reading.faults.add(Fault(shown, (), "the file is not UTF-8", "", place))
        return None
    try:
        raw = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        place = Position(error.lineno, error.colno)
        reading.faults.add(Fault(shown, (), f"no valid TOML: {error.msg}", "", place))
        return None
    except (RecursionError, ValueError) as error:  # lists nested 400 deep; a number of 5,000 digits
        reading.faults.add(Fault(shown, (), f"no usable TOML: {error}"))
        return None
    reading.faults.texts[shown] = text
    return raw


def _after(before: str) -> Position:
    """Return the position that follows the text `before`."""
    return Position(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _context(reading: _Reading, shown: str, raw: dict[str, Any]) -> Context | None:
    """Return the file's accepted tables, None if the file is of another version."""
    faults = reading.faults

    def report(path: KeyPath, problem: str, hint: str) -> None:
        faults.add(Fault(shown, path, problem, hint))

    version = raw.get("format")
    if version is None:
        report((), 'the key "format" is missing', f"add format = {VERSION} at the top")
    elif isinstance(version, int) and not isinstance(version, bool) and version != VERSION:
        report(("format",), f"expected {VERSION}, found {version}", "another version wrote it")
        return None
    read = read_table(raw, table_keys(Document), at=(), report=report)
    folder = os.path.dirname(os.path.realpath(shown))
    return Context(shown, Folder(folder), raw, read, faults)


def _includes(context: Context) -> Iterator[tuple[int, str]]:
    """Yield the index and the path of each included file, as messages will show it."""
    outside = context.defaults.get("allow_outside", False)
    for index, path in enumerate(context.read.get("include", ())):
        if context.inside(("include", index), path, outside=outside) is not None:
            yield index, os.path.join(os.path.dirname(context.file), path)


def _judge_names(reading: _Reading) -> None:
    """Report models that share a name, also where only upper and lower case tell them apart."""
    first: dict[str, tuple[str, KeyPath, Model]] = {}
    for shown, path, model in reading.models:
        other = first.setdefault(model.name.casefold(), (shown, path, model))
        if other[2] is not model:
            where = f"{spell(other[1])} of {other[0]}"
            problem = f'a second model is named "{model.name}"'
            hint = f'the first is "{other[2].name}", from {where}; case does not tell them apart'
            reading.faults.add(Fault(shown, path, problem, hint))


def _judge_files(reading: _Reading) -> None:
    """Report artifacts that would be written over each other or over a source.

    A folder per model and target keeps all others apart.
    """
    sources = {model.source for _, _, model in reading.models}
    for shown, path, model in reading.models:
        taken: dict[str, str] = {}
        for target in model.targets:
            name = f"{model.name}:{target.name}"
            file = f"{target.output}/{target.stem}{ENDINGS.get(target.format, '')}"
            at = (*path, "targets", target.name)
            owner = taken.setdefault(file.casefold(), name)
            if owner != name:
                problem = f"{name} writes the same file as {owner}"
                reading.faults.add(Fault(shown, at, problem, file))
            if file in sources:
                problem = f"{name} would write over a source"
                reading.faults.add(Fault(shown, at, problem, file))
