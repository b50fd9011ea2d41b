"""The cost of the engine itself: a build with nothing to do, and a job that does almost nothing.

python -m benchmarks.noop [JOBS]
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from mgeconvert.build.entry import resolve
from mgeconvert.build.plan import Build
from mgeconvert.build.worker import Reply
from tests.build.fakes import source
from tests.build.project import DODO, PLUGIN, ROOT, SEAMS

REPEATS = 5
WORKED_JOBS = 10
BARE = """
from pathlib import Path

def task_file():
    for path in sorted(Path("sources").iterdir()):
        yield {"name": path.name, "file_dep": [path], "actions": [(lambda: None,)]}
"""


class InThisProcess:
    """A worker that is none, so that filling a store with many results takes no long time."""

    def call(self, function, payload, *, seconds, memory):
        called = resolve(function)
        value = called()(payload) if isinstance(called, type) else called(payload)
        return Reply(value, (), True, 0.0, 0, "")

    def kill(self):
        pass

    close = kill


def make_project(folder: Path, jobs: int) -> None:
    (folder / "sources").mkdir()
    tables = ["format = 1\n"]
    for n in range(jobs):
        (folder / "sources" / f"m{n}.tm").write_bytes(source(f"model {n}"))
        tables.append(f'[models.m{n}]\nsource = "sources/m{n}.tm"\ntargets.onnx = {{}}\n')
    (folder / "models.toml").write_text("".join(tables))
    (folder / "dodo.py").write_text(DODO)
    (folder / "pyproject.toml").write_text(PLUGIN)


def fill(folder: Path) -> None:
    build = Build(folder / "models.toml", seams=SEAMS)
    build.engine.__dict__.update(_converter=InThisProcess(), _checker=InThisProcess())
    for job in build.enabled:
        assert build.engine.convert(job).ok
        assert build.engine.check(job).ok


def best(folder: Path, *arguments: str) -> float:
    """Return the shortest wall time of a doit command, in seconds."""
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "doit", *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        times.append(time.perf_counter() - begun)
    return min(times)


@contextmanager
def a_folder():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def bare(jobs: int) -> float:
    with a_folder() as folder:
        make_project(folder, jobs)
        (folder / "dodo.py").write_text(BARE)
        (folder / "pyproject.toml").unlink()
        best(folder)
        return best(folder)


def noop(jobs: int) -> tuple[float, float]:
    """Return the time of `doit list --all` and of `doit convert` with nothing to do."""
    with a_folder() as folder:
        make_project(folder, jobs)
        fill(folder)
        time.sleep(2.1)  # until the files count as old
        best(folder, "convert")
        return best(folder, "list", "--all"), best(folder, "convert")


def per_job() -> float:
    """Return the seconds that one job takes whose converter and checker do nothing."""
    with a_folder() as folder:
        make_project(folder, WORKED_JOBS)
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "doit", "convert"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return (time.perf_counter() - begun) / WORKED_JOBS


def main(jobs: int = 1000) -> None:
    listed, nothing = noop(jobs)
    print(f"doit alone, {jobs} tasks with a file each, nothing to do  {bare(jobs):.2f} s")
    print(f"doit list --all, {jobs} jobs                              {listed:.2f} s")
    print(f"doit convert, {jobs} jobs, nothing to do                  {nothing:.2f} s")
    print(f"one job whose converter and checker do nothing          {per_job():.2f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
