"""A manifest with its folders and its engine: what doit's tasks and the command line build from."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from mgeconvert.build.engine import OUR_SEAMS, Engine, Seams
from mgeconvert.build.publish import Cleaned
from mgeconvert.build.state import FOLDER, State, default_store
from mgeconvert.errors import ConversionFailed, Location, ManifestError
from mgeconvert.manifest import Job, load, plan

CHECK_PASSES = "check-passes"


@dataclass(frozen=True)
class Options:
    """What one run asks for beyond the manifest."""

    rehash: bool = False
    check_passes: bool = False


PLAIN = Options()


class Build:
    """The jobs of the manifest at `path`, and on first use all that builds them.

    Raises ConversionFailed with everything that is wrong with the manifest.
    """

    def __init__(
        self, path: str | Path, *, options: Options = PLAIN, seams: Seams = OUR_SEAMS
    ) -> None:
        self.path = Path(path).absolute()
        self.jobs = plan(load(path))
        self.options = options
        self._seams = seams

    @property
    def enabled(self) -> tuple[Job, ...]:
        """The jobs that are to be done."""
        return tuple(job for job in self.jobs if job.enabled)

    def set_options(self, options: Options) -> None:
        """Replace the options; call it before anything is built."""
        self.options = options
        self.__dict__.pop("engine", None)

    @cached_property
    def engine(self) -> Engine:
        """The engine, with the folder `.mgeconvert` beside the manifest."""
        folder = self.path.parent / FOLDER
        state = State(folder, self.path.stem, rehash=self.options.rehash)
        modes = [CHECK_PASSES] if self.options.check_passes else []
        run = f"{time.time_ns():x}"
        return Engine(state, default_store(folder), seams=self._seams, modes=modes, run=run)

    def select(self, names: Iterable[str]) -> tuple[Job, ...]:
        """Return the enabled jobs that the names mean: `model:target`, `model`, or patterns.

        All of them for no names; ConversionFailed for a name that means none.
        """
        names = list(names)
        wrong = [name for name in names if not any(_means(name, job) for job in self.jobs)]
        if wrong:
            raise ConversionFailed([self._unknown(name) for name in wrong])
        return tuple(j for j in self.enabled if not names or any(_means(n, j) for n in names))

    def clean(self, names: Sequence[str] = (), *, force: bool = False) -> Cleaned:
        """Remove the orphans, or the published files of the jobs that `names` mean.

        Files that someone changed stay, unless `force`.
        """
        publisher = self.engine.publisher
        files = publisher.orphans(self.jobs)
        if names:
            chosen = {job.name for job in self.select(names)}
            files = tuple(file for file in publisher.published() if file.job in chosen)
        return publisher.clean(files, force=force)

    def clean_job(self, job: Job, dryrun: bool) -> None:
        """Remove the published files of `job`; with `dryrun` only say which."""
        publisher = self.engine.publisher
        files = [file for file in publisher.published() if file.job == job.name]
        if dryrun:
            for file in files:
                print(f"{job.name} - would remove {file.path}")
            return
        cleaned = publisher.clean(files)
        for path in cleaned.removed:
            print(f"{job.name} - removed {path}")
        for path in cleaned.changed:
            print(f"{job.name} - left, since it was changed: {path}")

    def close(self) -> None:
        """End the workers."""
        if "engine" in self.__dict__:
            self.engine.close()
            self.engine.store.sweep()

    def _unknown(self, name: str) -> ManifestError:
        close = [job.name for job in self.jobs if name.split(":")[0] in job.name]
        hint = f"there are: {', '.join(close or [job.name for job in self.jobs])}"
        return ManifestError(
            f"{name!r} is no job of this manifest",
            at=Location("manifest", path=str(self.path)),
            hint=hint,
        )


def unchecked(job: Job) -> Job:
    """Return the job with its check turned off."""
    return replace(job, check=replace(job.check, enabled=False))


def _means(name: str, job: Job) -> bool:
    return fnmatch.fnmatchcase(job.name, name) or fnmatch.fnmatchcase(job.model, name)
