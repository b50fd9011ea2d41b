"""The end of a run on the terminal: a table by rich where one is watching, plain lines in a log."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from mgeconvert.report.document import Report
from mgeconvert.report.table import HEADINGS, lines, orphans, row, shown
from mgeconvert.report.words import summary_of

COLOURS = {"passed": "green", "unchecked": "green", "failed": "red", "missing": "yellow"}


def show(report: Report, folder: Path | None, stream: TextIO) -> None:
    """Print what the run did, and where the report is; None where it could not be written."""
    if stream.isatty():
        _show_table(report, stream)
    else:
        stream.write("\n".join(lines(report)) + "\n")
    if folder is not None:
        stream.write(f"report: {folder / 'report.html'}\n")
    stream.flush()


def _show_table(report: Report, stream: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream, emoji=False, markup=False)
    jobs = shown(report)
    if jobs:
        table = Table(*HEADINGS)
        for job in jobs:
            name, state, *rest = row(job)
            coloured = Text(state, style=COLOURS.get(job.state, ""))
            table.add_row(Text(name), coloured, *map(Text, rest))
        console.print(table)
    for line in [*orphans(report), summary_of(report)]:
        console.print(Text(line))
