"""The commands about manifests: convert, plan, report, clean."""

from __future__ import annotations

import argparse
from pathlib import Path

from mgeconvert.cli.options import (
    FAILED,
    OK,
    Commands,
    command,
)


def _manifest_command(commands: Commands, name: str, text: str) -> argparse.ArgumentParser:
    parser = command(commands, name, text)
    parser.add_argument(
        "-f",
        "--manifest",
        type=Path,
        default=Path("models.toml"),
        metavar="FILE",
        help="the manifest (default: %(default)s)",
    )
    return parser


def convert_command(commands: Commands) -> None:
    parser = _manifest_command(
        commands, "convert", "Convert, check and publish what is not current."
    )
    parser.add_argument("jobs", nargs="*", metavar="MODEL[:TARGET]", help="only these; * and ?")
    parser.add_argument("-n", "--process", type=int, default=0, help="jobs at the same time")
    parser.add_argument("--rehash", action="store_true", help="hash every file again")
    parser.add_argument(
        "--check-passes",
        action="store_true",
        help="evaluate the model after each pass, and name the first that changes numbers",
    )
    parser.set_defaults(run=_convert)


def _convert(options: argparse.Namespace) -> int:
    from mgeconvert.build.command import run_build
    from mgeconvert.build.plan import Build

    build = Build(options.manifest)
    build.select(options.jobs)  # a wrong name is an error of usage
    flags = ["--rehash"] * options.rehash + ["--check-passes"] * options.check_passes
    return run_build(build, ["-n", str(options.process), *flags, "convert", *options.jobs])


def plan_command(commands: Commands) -> None:
    parser = _manifest_command(commands, "plan", "List the jobs, what each needs, and orphans.")
    parser.set_defaults(run=_plan)


def _plan(options: argparse.Namespace) -> int:
    from mgeconvert.build.plan import Build
    from mgeconvert.build.reports import plan_lines

    for line in plan_lines(Build(options.manifest)):
        print(line)
    return OK


def report_command(commands: Commands) -> None:
    parser = _manifest_command(commands, "report", "Write the report of what has been built.")
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    from mgeconvert.build.plan import Build
    from mgeconvert.build.reports import report_folder, write_reports

    build = Build(options.manifest)
    write_reports(build)
    print(report_folder(build) / "report.html")
    return OK


def clean_command(commands: Commands) -> None:
    parser = _manifest_command(
        commands, "clean", "Remove published files whose job has left the manifest."
    )
    parser.add_argument(
        "jobs", nargs="*", metavar="MODEL[:TARGET]", help="the files of these jobs instead"
    )
    parser.add_argument(
        "--force", action="store_true", help="also files that were changed after publishing"
    )
    parser.set_defaults(run=_clean)


def _clean(options: argparse.Namespace) -> int:
    from mgeconvert.build.plan import Build

    cleaned = Build(options.manifest).clean(options.jobs, force=options.force)
    for path in cleaned.removed:
        print(f"removed {path}")
    for path in cleaned.changed:
        print(f"left, since it was changed: {path}")
    return FAILED if cleaned.changed else OK


def gc_command(commands: Commands) -> None:
    parser = _manifest_command(
        commands, "gc", "Remove results from the store that no build has used for long."
    )
    parser.add_argument(
        "--days", type=_days, default=30.0, help="unused for how many, 1 at least (default: 30)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say how much there is")
    parser.set_defaults(run=_gc)


def _days(text: str) -> float:
    days = float(text)
    if not days >= 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return days


def _gc(options: argparse.Namespace) -> int:
    from mgeconvert.build.plan import Build

    store = Build(options.manifest).engine.store
    found = store.collect(days=options.days, remove=not options.dry_run)
    verb = "would remove" if options.dry_run else "removed"
    print(f"{verb} {found.records} results and {found.objects} files, {found.size / 1e6:.1f} MB")
    return OK
