"""From the accepted tables of one model to its targets, judging keys together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mgeconvert.manifest.checks import CHECK_DEFAULTS, CheckSettings, check_defaults
from mgeconvert.manifest.context import Context
from mgeconvert.manifest.faults import KeyPath, suggest
from mgeconvert.manifest.job import rounds
from mgeconvert.manifest.merging import Raw, option_values, target_table
from mgeconvert.manifest.options import (
    ENDINGS,
    FORMATS,
    IMPOSSIBLE,
    WRITTEN,
    CaffeOptions,
    NoOptions,
    Options,
    QuantizationKeys,
)
from mgeconvert.manifest.paths import is_safe_name
from mgeconvert.manifest.schema import NAME, Target
from mgeconvert.manifest.tables import target_keys

NO_CHECK = CheckSettings(runs=1, enabled=False, reason="nothing is made")


def read_targets(context: Context, name: str, own: Raw, merged: Raw) -> tuple[Target, ...]:
    """Return the targets of the model `name`, their `output` and `stem` still empty."""
    targets = tuple(_targets(context, name, own, merged))
    if not merged["targets"] and not context.value(context.holder(name, "targets")):
        context.report(("models", name), "it has no target", "such as [models.NAME.targets.onnx]")
    used = any(_excused(target) for target in targets)
    if "reason" in own and targets and not used:
        context.report(("models", name, "reason"), "it has no effect", REASONS)
    if "error" in own and targets and not any(t.enabled and t.expect == "fail" for t in targets):
        context.report(("models", name, "error"), "it has no effect", ERRORS)
    return targets


def place(target: Target, *, model: str, output: str) -> Target:
    """Return the target with the folder and the file name of its artifacts."""
    return replace(target, output=f"{output}/{model}/{target.name}", stem=model)


REASONS = 'a reason belongs to enabled = false or expect = "fail"'


ERRORS = 'it belongs to expect = "fail"'


def _excused(target: Target) -> bool:
    return not target.enabled or target.expect == "fail"


def _targets(context: Context, name: str, own: Raw, merged: Raw) -> Iterator[Target]:
    for key, written in merged["targets"].items():
        at = context.holder(name, "targets", key)
        table = target_table(key, written, model=own, defaults=context.defaults)
        if not is_safe_name(key):
            context.report(at, f'"{key}" is no safe file name', f"expected {NAME.expected}")
        if table["format"] in FORMATS:
            target = _target(context, at, table, merged)
            _judge_format(context, at, target)
            _judge_reason(context, at, target)
            _judge_blobs(context, at, target)
            yield target
        elif not context.wrote(context.holder(name, "targets", key, "format")):
            _report_format(context, at)


def judge_default_targets(context: Context) -> None:
    """Report tables of `[defaults.targets]` that do not tell their format."""
    for name in context.defaults.get("targets", {}):
        at = ("defaults", "targets", name)
        if name not in FORMATS and not context.wrote((*at, "format")):
            _report_format(context, at)


def _report_format(context: Context, at: KeyPath) -> None:
    name = str(at[-1])
    hint = suggest(name, FORMATS) or f"the formats are {', '.join(FORMATS)}"
    context.report(at, f'"{name}" is no format, and the key "format" is missing', hint)


def _target(context: Context, at: KeyPath, table: Raw, model: Raw) -> Target:
    options = _options(table)
    return Target(
        name=str(at[-1]),
        format=table["format"],
        enabled=table.get("enabled", True),
        expect=table.get("expect", model.get("expect", "pass")),
        reason=table.get("reason", model.get("reason", "")),
        error=table.get("error", model.get("error", "")),
        options=options,
        check=_check(context, at, table, options=options, model=model),
        output="",
        stem="",
    )


def _options(table: Raw) -> Options:
    format = table["format"]
    if format not in WRITTEN:
        return NoOptions()
    return WRITTEN[format](**option_values(table, format))


def _check(
    context: Context, at: KeyPath, table: Raw, *, options: Options, model: Raw
) -> CheckSettings:
    format = table["format"]
    if format not in CHECK_DEFAULTS:
        return NO_CHECK
    keys = QuantizationKeys(**model.get("quantization", {}))
    idle = dict(_idle(options, keys, metric=model.get("metric")))
    written = context.keys((*at, "check"))
    for name in written & idle.keys():
        context.report((*at, "check", name), "it has no effect", idle[name])
    asked = {name: v for name, v in table.get("check", {}).items() if name not in idle}
    check = replace(check_defaults(format, rounds=rounds(options, keys)), **asked)
    if "lsb_share" in written and "lsb_share" not in idle and check.atol_lsb is None:
        context.report((*at, "check", "lsb_share"), 'it needs the key "atol_lsb"')
    if not check.enabled and not check.reason:
        context.report((*at, "check", "enabled"), "it needs a reason", 'add reason = "..."')
    if check.enabled and check.reason:
        context.report((*at, "check", "reason"), "it has no effect", REASONS)
    return check


def _idle(
    options: Options, keys: QuantizationKeys, *, metric: str | None
) -> Iterator[tuple[str, str]]:
    """Yield the keys of a check that have no effect for a target, and what would."""
    kind = rounds(options, keys)
    if kind != "float":
        hint = "rounded numbers are compared by atol_lsb and min_snr"
        yield from ((name, hint) for name in ("rtol", "atol", "rtol_max"))
    if not getattr(options, "quantize", False):
        hint = "steps belong to quantize = true"
        yield from ((name, hint) for name in ("atol_lsb", "lsb_share"))
    if metric is None:
        yield "min_top1", 'it needs the key "metric" of the model'


def _judge_format(context: Context, at: KeyPath, target: Target) -> None:
    """Report a format without effect yet, and keys that the target's format does not have.

    Where the table itself tells its format, its keys have been judged already.
    """
    if target.enabled and target.format not in ENDINGS:
        hint = f"formats now: {', '.join(ENDINGS)}; enabled = false with a reason is possible"
        context.report(at, f"the format {target.format} is not yet supported", hint)
    if target.name in FORMATS or context.wrote((*at, "format")):
        return
    for key in context.keys(at) & target_keys(None).keys() - target_keys(target.format).keys():
        reason = IMPOSSIBLE.get(target.format, {}).get(key, "")
        context.report((*at, key), f"targets of format {target.format} have no such key", reason)


def _judge_blobs(context: Context, at: KeyPath, target: Target) -> None:
    """Report a comparison that a net without weights cannot pass."""
    options = target.options
    if isinstance(options, CaffeOptions) and options.use_empty_blobs and target.check.enabled:
        hint = "a net without weights computes nothing"
        context.report((*at, "use_empty_blobs"), "it needs check.enabled = false", hint)


def _judge_reason(context: Context, at: KeyPath, target: Target) -> None:
    if _excused(target) and not target.reason and not context.wrote((*at, "reason")):
        key = "expect" if target.enabled else "enabled"
        context.report((*at, key), "it needs a reason", 'add reason = "..."')
    if not _excused(target) and context.wrote((*at, "reason")):
        context.report((*at, "reason"), "it has no effect", REASONS)
    if not (target.enabled and target.expect == "fail") and context.wrote((*at, "error")):
        context.report((*at, "error"), "it has no effect", ERRORS)
