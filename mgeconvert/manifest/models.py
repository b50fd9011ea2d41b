"""From the accepted tables of one file to its models, judging keys together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mgeconvert.manifest.context import OUTSIDE, Context
from mgeconvert.manifest.faults import KeyPath, describe
from mgeconvert.manifest.merging import Raw, model_table
from mgeconvert.manifest.options import QuantizationKeys
from mgeconvert.manifest.paths import is_glob, is_safe_name, stem
from mgeconvert.manifest.schema import NAME, InputSpec, Limits, Model
from mgeconvert.manifest.targets import judge_default_targets, place, read_targets

PLAIN = ("license", "description", "tags", "outputs", "seed", "metric", "allow_outside")
PLACE = "{stem}"


def read_models(context: Context) -> Iterator[tuple[KeyPath, Model]]:
    """Yield the models with their key paths, in the file's order, those of a glob by file name."""
    judge_default_targets(context)
    for name, own in context.read.get("models", {}).items():
        table = model_table(own, context.defaults)
        values = _shared(context, name, table)
        targets = read_targets(context, name, own, table)
        at = context.holder(name, "output")
        output = _inside(context, table, at, table.get("output", Model.output))
        for full, source in _sources(context, name, table):
            made = tuple(place(item, model=full, output=output or "") for item in targets)
            yield ("models", name), Model(name=full, source=source, targets=made, **values)


def _inside(context: Context, table: Raw, at: KeyPath, path: str) -> str | None:
    """Return a path of the model resolved, or report that it leaves the folder."""
    return context.inside(at, path, outside=table.get("allow_outside", False))


def _sources(context: Context, name: str, table: Raw) -> Iterator[tuple[str, str]]:
    """Yield the name and the absolute path of each source, and report the unusable ones."""
    at = context.holder(name, "source")
    written = _written_sources(context, name, table)
    if len(written) > 1 and "sha256" in table:
        context.report(context.holder(name, "sha256"), "one hash cannot fit several files")
    for source in written:
        full = name.replace(PLACE, stem(source))
        path = _inside(context, table, at, source)
        if not (NAME.accepts(full) and is_safe_name(full)):
            problem = f'"{full}" is no safe file name'
            context.report(("models", name), problem, f"expected {NAME.expected}")
        elif path is not None:
            yield full, path


def _written_sources(context: Context, name: str, table: Raw) -> list[str]:
    """Return the source files as the manifest spells them; globs are replaced by matches."""
    at = context.holder(name, "source")
    written = table.get("source")
    if written is None:
        if not context.wrote(at):
            context.report(("models", name), 'the key "source" is missing')
        return []
    listed = (written,) if isinstance(written, str) else written
    several = not isinstance(written, str) or is_glob(written)
    if several and PLACE not in name:
        context.report(at, f"a glob or a list needs {PLACE} in the model's name")
        return []
    found: list[str] = []
    for path in listed:
        found += _matches(context, at, path, table) if is_glob(path) else [path]
    return list(dict.fromkeys(found))


def _matches(context: Context, at: KeyPath, pattern: str, table: Raw) -> list[str]:
    found = context.folder.matches(pattern, outside=table.get("allow_outside", False))
    if found is None:
        context.report(at, f"{describe(pattern)} leaves the manifest's folder", OUTSIDE)
    elif not found:
        context.report(at, f"no file matches {describe(pattern)}")
    return found or []


def _shared(context: Context, name: str, table: Raw) -> dict[str, Any]:
    """Return the values that all models of one table share."""
    values = {key: table[key] for key in PLAIN if key in table}
    if "sha256" in table:
        values["sha256"] = table["sha256"].lower()
    if "labels" in table:
        at = context.holder(name, "labels")
        values["labels"] = _inside(context, table, at, table["labels"])
    values["inputs"] = tuple(_inputs(context, name, table))
    values["quantization"] = _quantization(context, name, table)
    values["limits"] = Limits(**table.get("limits", {}))
    _judge_labels(context, name, table)
    return values


def _inputs(context: Context, name: str, model: Raw) -> Iterator[InputSpec]:
    for key, table in model.get("inputs", {}).items():
        sample, bounds = table.get("sample"), table.get("range")
        at = context.holder(name, "inputs", key, "range")
        if bounds and bounds[0] >= bounds[1]:
            context.report(at, "expected the lower number first")
        if sample and bounds:
            context.report(at, "a range has no effect beside a sample")
        if sample:
            held = context.holder(name, "inputs", key, "sample")
            sample = _inside(context, model, held, sample)
        yield InputSpec(name=key, shape=table.get("shape"), sample=sample, range=bounds)


def _quantization(context: Context, name: str, table: Raw) -> QuantizationKeys:
    keys = QuantizationKeys(**table.get("quantization", {}))
    _judge_quantization(context, name, keys)
    if keys.params is not None:
        at = context.holder(name, "quantization", "params")
        keys = replace(keys, params=_inside(context, table, at, keys.params))
    return replace(keys, calibration_files=_samples(context, name, table, keys.calibration))


def _samples(context: Context, name: str, table: Raw, pattern: str | None) -> tuple[str, ...]:
    """Return the files of sample data to calibrate with, resolved and in order."""
    if pattern is None:
        return ()
    at = context.holder(name, "quantization", "calibration")
    found = _matches(context, at, pattern, table) if is_glob(pattern) else [pattern]
    return tuple(path for file in found if (path := _inside(context, table, at, file)) is not None)


def _judge_quantization(context: Context, name: str, keys: QuantizationKeys) -> None:
    """Report input parameters that do not belong together."""
    at = context.holder(name, "quantization")
    if keys.calibration is not None and keys.params is not None:
        context.report(at, "calibration and params exclude each other")
    scales, zeros = keys.input_scales, keys.input_zero_points
    if bool(keys.input_data_type) != bool(scales):
        context.report(at, "input_data_type and input_scales need each other")
    elif zeros and len(zeros) != len(scales):
        context.report(at, f"{len(zeros)} input_zero_points for {len(scales)} input_scales")


def _judge_labels(context: Context, name: str, table: Raw) -> None:
    if "labels" not in table:
        return
    at = context.holder(name, "labels")
    if not context.wrote(context.holder(name, "metric")):
        context.report(at, 'it needs the key "metric"', 'such as metric = "top1"')
    if not any("sample" in spec for spec in table.get("inputs", {}).values()):
        context.report(at, "it needs an input with a sample")
