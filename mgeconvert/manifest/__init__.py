"""models.toml: reading, checking, planning. Needs the standard library and tomli only."""

from mgeconvert.manifest.checks import CheckSettings, check_defaults
from mgeconvert.manifest.job import Job
from mgeconvert.manifest.loading import load
from mgeconvert.manifest.options import (
    CaffeOptions,
    NoOptions,
    OnnxOptions,
    Options,
    TfliteOptions,
)
from mgeconvert.manifest.planning import missing_files, plan, single_job
from mgeconvert.manifest.schema import (
    InputSpec,
    Limits,
    Manifest,
    Model,
    Target,
)

__all__ = [
    "CaffeOptions",
    "TfliteOptions",
    "CheckSettings",
    "InputSpec",
    "Job",
    "Limits",
    "Manifest",
    "Model",
    "NoOptions",
    "OnnxOptions",
    "Options",
    "Target",
    "check_defaults",
    "load",
    "missing_files",
    "plan",
    "single_job",
]
