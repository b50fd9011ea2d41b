"""A folder with a manifest and fake sources, and ways to build it in this process."""

import os
from pathlib import Path

from mgeconvert.build.engine import Seams
from mgeconvert.build.plan import Build, Options
from tests.build.fakes import LOG, source

SEAMS = Seams("tests.build.fakes:convert", "tests.build.fakes:Checker")


class Project:
    def __init__(self, folder: Path, monkeypatch) -> None:
        self.folder = folder / "project"
        self.folder.mkdir(exist_ok=True)
        self.log_path = folder / "log"
        monkeypatch.setenv(LOG, str(self.log_path))
        monkeypatch.delenv("MGECONVERT_STORE", raising=False)
        self.tables: dict[str, str] = {}

    def model(self, name: str, data: str = "", *, keys: str = "", targets: str = "", **orders):
        """Add a model; its source says what the fakes do."""
        (self.folder / f"{name}.tm").write_bytes(source(data or name, **orders))
        targets = targets or f"[models.{name}.targets.onnx]\n"
        self.tables[name] = f'[models.{name}]\nsource = "{name}.tm"\n{keys}\n{targets}\n'
        self.write()

    def write(self, head: str = "") -> None:
        self.manifest.write_text("format = 1\n" + head + "\n" + "".join(self.tables.values()))

    @property
    def manifest(self) -> Path:
        return self.folder / "models.toml"

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

    def log(self) -> list[str]:
        """What the fakes have done since the last call."""
        if not self.log_path.exists():
            return []
        lines = self.log_path.read_text().splitlines()
        os.unlink(self.log_path)
        return [" ".join(line.split()[:2]) for line in lines if line.startswith(("con", "check "))]

    def artifact(self, name: str, target: str = "") -> Path:
        stem = f"{name}" if not target else f"{name}-{target}"
        found = sorted(self.folder.glob(f"build/**/{stem}*.onnx"))
        return found[0] if found else self.folder / "build" / f"{stem}.onnx"
