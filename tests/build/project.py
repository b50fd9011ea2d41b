"""A folder with a manifest and fake sources, and ways to build it: in this process, or by doit."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from mgeconvert.build.engine import Seams
from mgeconvert.build.plan import Build, Options
from tests.build.fakes import LOG, source

ROOT = Path(__file__).resolve().parents[2]
SEAMS = Seams("tests.build.fakes:convert", "tests.build.fakes:Checker")

DODO = """
from pathlib import Path
from mgeconvert.build.dodo import configuration, open_build
from mgeconvert.build.tasks import tasks
from tests.build.project import SEAMS

BUILD = open_build(Path(__file__).parent / "models.toml", seams=SEAMS)
DOIT_CONFIG = configuration(BUILD)


def task_build():
    yield from tasks(BUILD)
"""

PLUGIN = '[tool.doit.plugins.command]\nrun = "mgeconvert.build.command:Run"\n'


class Project:
    def __init__(self, folder: Path, monkeypatch) -> None:
        self.folder = folder / "project"
        self.folder.mkdir(exist_ok=True)
        self.log_path = folder / "log"
        self.environment = monkeypatch
        monkeypatch.setenv(LOG, str(self.log_path))
        monkeypatch.delenv("MGECONVERT_STORE", raising=False)
        self.tables: dict[str, str] = {}
        self.outcomes = {}

    @property
    def manifest(self) -> Path:
        return self.folder / "models.toml"

    def model(self, name: str, data: str = "", *, keys: str = "", targets: str = "", **orders):
        """Add or replace a model; its source says what the fakes do."""
        self.write_source(name, data, **orders)
        targets = targets or f"[models.{name}.targets.onnx]\n"
        self.tables[name] = f'[models.{name}]\nsource = "{name}.tm"\n{keys}\n{targets}\n'
        self.write()

    def write_source(self, name: str, data: str = "", **orders) -> Path:
        path = self.folder / f"{name}.tm"
        path.write_bytes(source(data or name, **orders))
        return path

    def drop(self, name: str) -> None:
        del self.tables[name]
        self.write()

    def write(self, head: str = "") -> None:
        self.manifest.write_text("format = 1\n" + head + "\n" + "".join(self.tables.values()))

    def build(self, **options) -> Build:
        return Build(self.manifest, options=Options(**options), seams=SEAMS)

    def run(self, *names: str, **options) -> dict[str, str]:
        """Do what is not current; return what was done for each stage of a job."""
        build, done = self.build(**options), {}
        known = build.engine.known
        try:
            for job in build.select(names):
                if not known.is_converted(job):
                    done[f"convert {job.name}"] = build.engine.convert(job)
                    if not done[f"convert {job.name}"].ok:
                        continue
                if job.check.enabled and not known.is_checked(job):
                    done[f"check {job.name}"] = build.engine.check(job)
        finally:
            build.close()
        self.outcomes = done
        return {name: outcome.action for name, outcome in done.items()}

    def doit(self, *arguments: str, **options) -> subprocess.CompletedProcess:
        with self.start_doit(*arguments, **options) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def start_doit(self, *arguments: str, path: str = "") -> subprocess.Popen:
        (self.folder / "dodo.py").write_text(DODO)
        (self.folder / "pyproject.toml").write_text(PLUGIN)
        paths = os.pathsep.join(part for part in (path, str(ROOT)) if part)
        return subprocess.Popen(
            [sys.executable, "-m", "doit", *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": paths},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def log(self) -> Counter:
        """What the fakes have done since the last call: "convert a:onnx" and the like, counted."""
        if not self.log_path.exists():
            return Counter()
        lines = self.log_path.read_text().splitlines()
        os.unlink(self.log_path)
        return Counter(" ".join(line.split()[:2]) for line in lines if "closed" not in line)

    def artifact(self, model: str, target: str = "onnx") -> Path:
        """The final name of the main file, from the manifest."""
        name = f"{model}:{target}"
        (job,) = [job for job in self.build().jobs if job.name == name]
        return Path(job.file)

    def published(self) -> dict[str, bytes]:
        """The bytes of all files under final names, and of what else lies there but the report."""
        folder = self.folder / "build"
        names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
        return {
            name.as_posix(): (folder / name).read_bytes()
            for name in names
            if name.parts[0] != "report" and not any(part.startswith(".") for part in name.parts)
        }
