"""The report's files beside the manifest: collected from the build, written whole."""

from __future__ import annotations

from typing import TextIO

from mgeconvert.build.plan import Build


def write_reports(build: Build) -> None:
    """Write report.json and its renderings."""


def summarize(build: Build, stream: TextIO) -> None:
    """Print the table of the jobs."""
