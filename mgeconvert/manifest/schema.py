"""The manifest's keys: the one definition of names, types, defaults and meanings."""

from __future__ import annotations

from dataclasses import dataclass, field

from mgeconvert.manifest.checks import ERROR, REASON, CheckSettings
from mgeconvert.manifest.keys import Table, Tables, key, planned
from mgeconvert.manifest.kinds import (
    PATH,
    Choice,
    Either,
    Flag,
    Listing,
    Real,
    Size,
    Text,
    Whole,
)
from mgeconvert.manifest.options import FORMATS, Options, QuantizationKeys

VERSION = 1
NAME = Text(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", "letters, digits and . _ + - (100 at most)")
SYMBOL = Text(r"[A-Za-z_][A-Za-z0-9_]*", "a symbol")
FORMAT = Choice(FORMATS)


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """What the manifest says of one input of a model."""

    name: str
    shape: tuple[int | str, ...] | None = field(
        default=None,
        metadata=key(
            Listing(
                Either((Whole(1), SYMBOL)), "a list of sizes of at least 1 and symbols such as N"
            ),
            'Overrides the shape of the source; a name such as `"N"` is a symbolic dimension.',
            default="the source's",
        ),
    )
    sample: str | None = field(
        default=None,
        metadata=key(
            PATH,
            "What the check runs on: a `.npz` file with an array of the input's name, or a `.npy` "
            "file. Its first axis may hold any number of rows.",
            default="seeded random data",
        ),
    )
    range: tuple[float, float] | None = field(
        default=None,
        metadata=key(
            Listing(Real(), "two numbers, the lower one first", 2, 2),
            "Bounds of the random data, both included, the lower one first.",
            default="by the input's type",
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one child process of a job may use."""

    time: float = field(
        default=600.0, metadata=key(Real(above=0), "Seconds of wall time.", default="600")
    )
    memory: int = field(
        default=4 * 1024**3,
        metadata=key(Size(), 'Bytes of memory, or text such as `"512 MiB"`.', default='"4 GiB"'),
    )


@dataclass(frozen=True, kw_only=True)
class Target:
    """One artifact to make of a model; the fields without a kind are computed."""

    name: str
    options: Options
    output: str
    stem: str
    format: str = field(metadata=key(FORMAT, "The format to write.", default="the target's name"))
    enabled: bool = field(
        default=True, metadata=key(Flag(), "With false, the target is listed and not made.")
    )
    expect: str = field(
        default="pass",
        metadata=key(
            Choice(("pass", "fail")),
            "With `fail`, the job passes only if its conversion or its check fails.",
            default="the model's",
        ),
    )
    reason: str = field(
        default="",
        metadata=key(
            REASON,
            'Needed with `enabled = false` and `expect = "fail"`; the report lists it.',
            default="the model's",
        ),
    )
    error: str = field(
        default="",
        metadata=key(
            ERROR,
            'With `expect = "fail"`: text that one of the errors must contain, such as '
            '`"no rule for LSTM"` or `"[check-failed]"`. A job that fails otherwise has failed.',
            default="the model's",
        ),
    )
    check: CheckSettings = field(
        metadata=key(Table(CheckSettings), "How the artifact is compared with its source.")
    )


@dataclass(frozen=True, kw_only=True)
class Model:
    """One source file and what to make of it; the fields without a kind are computed."""

    name: str
    source: str = field(
        metadata=key(
            Either(
                (PATH, Listing(PATH, "a list of paths that is not empty", 1)),
            ),
            "The `.tm`, `.mge` or `.onnx` file; what it is, is decided by its content. A glob or "
            "a list needs `{stem}` in the model's name.",
            default="required",
        )
    )
    sha256: str | None = field(
        default=None,
        metadata=key(
            Text(r"[0-9a-fA-F]{64}", "64 hexadecimal digits"), "Refuse any other source file."
        ),
    )
    license: str = field(
        default="", metadata=key(Text(), "Carried into the artifact's metadata and the report.")
    )
    description: str = field(
        default="", metadata=key(Text(), "Carried into the artifact's metadata and the report.")
    )
    tags: tuple[str, ...] = field(
        default=(),
        metadata=key(
            Listing(Text(), "a list of words"),
            "Carried into the artifact's metadata and the report.",
        ),
    )
    outputs: tuple[str, ...] = field(
        default=(),
        metadata=key(
            Listing(Text(), "a list of names that is not empty", 1),
            "End points: the values that become the artifact's outputs.",
            default="the source's",
        ),
    )
    inputs: tuple[InputSpec, ...] = field(
        default=(), metadata=key(Tables(InputSpec, Text()), "A table for each input, by its name.")
    )
    seed: int = field(
        default=0, metadata=key(Whole(0, 2**32 - 1), "The seed of the check's random inputs.")
    )
    labels: str | None = field(
        default=None,
        metadata=key(
            PATH,
            "A `.npy` file, or a `.npz` file with an array `labels`: the right class for each row "
            "of the sample. Needs `metric`.",
        ),
    )
    metric: str | None = field(
        default=None,
        metadata=key(
            Choice(("top1",)),
            "How often source and artifact name the same class and, with `labels`, how often each "
            "of them is right.",
        ),
    )
    limits: Limits = field(
        default=Limits(), metadata=key(Table(Limits), "What a job's child process may use.")
    )
    expect: str = field(
        default="pass",
        metadata=key(
            Choice(("pass", "fail")), "What is expected of all targets that do not say otherwise."
        ),
    )
    reason: str = field(
        default="", metadata=key(REASON, "The reason for targets that give none of their own.")
    )
    error: str = field(
        default="", metadata=key(ERROR, "What the errors of targets must contain that do not say.")
    )
    allow_outside: bool = field(
        default=False,
        metadata=key(Flag(), "Let the model's paths leave the folder of the manifest."),
    )
    output: str = field(default="build", metadata=key(PATH, "The folder of the artifacts."))
    check: CheckSettings | None = field(
        default=None, metadata=key(Table(CheckSettings), "For the checks of all targets.")
    )
    targets: tuple[Target, ...] = field(
        default=(),
        metadata=key(
            Tables(Target, NAME), "A table for each artifact.", default="those of `[defaults]`"
        ),
    )
    plugin: str | None = field(
        default=None,
        metadata=planned("A Python file with more rules."),
    )
    quantization: QuantizationKeys = field(
        default=QuantizationKeys(),
        metadata=key(Table(QuantizationKeys), "How the model is quantized."),
    )


@dataclass(frozen=True)
class Defaults:
    """The keys of `[defaults]`: all those of a model, and all those of a target but `format`."""


MODEL_NAME = Text(
    r"(?:[A-Za-z0-9]|\{stem\})(?:[A-Za-z0-9._+-]|\{stem\})*", f"{NAME.words}, and {{stem}}"
)


@dataclass(frozen=True, kw_only=True)
class Document:
    """The keys of a manifest's top level."""

    format: int = field(
        metadata=key(
            Whole(VERSION, VERSION), "The version of the manifest's format.", default="required"
        )
    )
    include: tuple[str, ...] = field(
        default=(),
        metadata=key(
            Listing(PATH, "a list of paths"),
            "Further manifests. Each stands for itself: its paths are relative to its own folder, "
            "and its `[defaults]` hold for its own models alone.",
        ),
    )
    defaults: Defaults = field(
        default=Defaults(),
        metadata=key(
            Table(Defaults), "What holds for models and targets that do not say otherwise."
        ),
    )
    models: tuple[Model, ...] = field(
        default=(), metadata=key(Tables(Model, MODEL_NAME), "A table for each model, by its name.")
    )


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What the file at `path` and the files that it includes ask for."""

    path: str
    files: tuple[str, ...]
    models: tuple[Model, ...]
