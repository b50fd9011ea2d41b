"""report.html: one file that needs no other; standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

from mgeconvert.report import plots
from mgeconvert.report.document import JobRow, Report
from mgeconvert.report.markdown import outputs_of
from mgeconvert.report.table import HEADINGS, row
from mgeconvert.report.words import bytes_of, number_of, problem_of, seconds_of, summary_of

# Smaller errors than this (about a float32's relative step squared) are drawn as none.
ERROR_FLOOR = 1e-9

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
  color: #1b1f24; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-top: 1px solid #d8dee4;
  padding-top: 1rem }
table { border-collapse: collapse; margin: .8rem 0 }
th, td { text-align: left; padding: .25rem .7rem;
  border-bottom: 1px solid #e6eaee; vertical-align: top } th { font-weight: 600 }
.state { border-radius: .6rem; padding: .05rem .55rem; font-size: .85rem; background: #e6eaee }
.passed { background: #d3f0da } .failed { background: #ffd7d5 } .missing { background: #fff1c2 }
code, .mono { font: 12px ui-monospace, monospace; overflow-wrap: anywhere }
details { margin: .4rem 0 } summary { cursor: pointer } dt { font-weight: 600; margin-top: .4rem }
pre { background: #f4f6f8; padding: .6rem; overflow-x: auto; font-size: 12px }
figure { display: inline-block; margin: .5rem 1rem .5rem 0 } figcaption { font-weight: 600 }
svg text { font: 12px system-ui, sans-serif; fill: currentColor } svg rect { fill: #4f7cac }
@media (prefers-color-scheme: dark) { body { color: #e6eaee; background: #15181c }
  .state { color: #1b1f24 } pre { background: #22272d } th, td, h2 { border-color: #333a42 } }
"""


def to_html(report: Report) -> str:
    """Return the report as one HTML page without scripts and without references to other files."""
    return "\n".join(_page(report)) + "\n"


def _page(report: Report) -> Iterator[str]:
    title = escape(report.manifest)
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{STYLE}</style></head><body>"
    yield f"<h1>{title}</h1><p>{escape(summary_of(report))}</p>"
    yield from _plots(report)
    for name, jobs in report.models.items():
        yield from _model(name, jobs)
    if report.orphans:
        yield "<h2>Orphans</h2><p>Published files whose job has left the manifest.</p>"
        cells = ((o.path, o.job, bytes_of(o.size), "yes" * o.changed) for o in report.orphans)
        yield from _table(("file", "job", "size", "changed"), (map(escape, c) for c in cells))
    yield f"<p>Converter: {escape(report.converter)}</p></body></html>"


def _plots(report: Report) -> Iterator[str]:
    made = [job for job in report.jobs if job.files]
    if made:
        sizes = [(job.name, float(job.size), bytes_of(job.size)) for job in made]
        yield plots.bars("Size", sizes)
        spent = [(j.name, j.conversion.seconds, seconds_of(j.conversion.seconds)) for j in made]
        yield plots.bars("Time of the conversion", spent)
    errors = [(j.name, j.max_abs, number_of(j.max_abs)) for j in made if j.max_abs is not None]
    if errors:
        yield plots.log_bars("Largest absolute error (log scale)", errors, floor=ERROR_FLOOR)


def _model(name: str, jobs: tuple[JobRow, ...]) -> Iterator[str]:
    first = jobs[0]
    yield f"<h2>{escape(name)}</h2>"
    about = " · ".join(part for part in (first.description, first.license, *first.tags) if part)
    yield f"<p>{escape(about)}</p>" if about else ""
    yield from _table(HEADINGS, (_cells(job) for job in jobs))
    headings, numbers = outputs_of(jobs)
    if numbers:
        yield from _table(headings, (map(escape, cells) for cells in numbers))
    for job in jobs:
        yield from (f"<p>{escape(f'{job.name}: {problem_of(p)}')}</p>" for p in job.problems)
        yield from _details(job)


def _cells(job: JobRow) -> Iterator[str]:
    name, state, *rest = map(escape, row(job))
    yield name
    yield f'<span class="state {state}">{state}</span>'
    yield from rest


def _details(job: JobRow) -> Iterator[str]:
    yield f"<details><summary>{escape(job.name)}: everything</summary><dl>"
    pairs: list[tuple[str, Any]] = [
        ("notes", job.notes),
        ("source", f"{job.source} {job.made_from.get('source', '')}"),
        ("files", [f"{f.path} {f.sha256} {bytes_of(f.size)}" for f in job.files]),
        ("settings", _pairs(job.settings)),
        ("check", _pairs(job.check_settings)),
        ("limits", _pairs(job.limits)),
        ("made with", _pairs(job.made_from.get("libraries", {}))),
        ("checked with", _pairs(job.check.get("versions", {}))),
        ("keys", [job.conversion.key, job.checking.key]),
        ("peak memory", _memory(job)),
        ("removed", job.withdrawn),
        ("left, since it was changed", job.left),
    ]
    for term, value in pairs:
        values = [value] if isinstance(value, str) else [str(item) for item in value if item]
        if values:
            yield f"<dt>{escape(term)}</dt>"
            yield from (f'<dd class="mono">{escape(text)}</dd>' for text in values)
    yield "</dl>"
    output = job.conversion.output + job.checking.output
    yield f"<pre>{escape(output)}</pre></details>" if output else "</details>"


def _pairs(values: Any) -> list[str]:
    return [f"{key} = {value}" for key, value in sorted(values.items()) if value not in (None, "")]


def _memory(job: JobRow) -> list[str]:
    works = (("conversion", job.conversion), ("check", job.checking))
    return [f"{stage} {bytes_of(w.peak_memory)}" for stage, w in works if w.peak_memory]


def _table(headings: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{heading}</th>" for heading in headings) + "</tr>"
    for cells in rows:
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</table>"
