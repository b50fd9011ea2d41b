"""What is known of jobs: their keys, and the results and verdicts that the store has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mgeconvert.build.failed import as_expected
from mgeconvert.build.keys import check_key, conversion_key
from mgeconvert.build.publish import Publisher
from mgeconvert.build.records import Result, Verdict, result_from, verdict_from
from mgeconvert.build.source import Source, Sources
from mgeconvert.build.state import State
from mgeconvert.build.store import Store
from mgeconvert.build.toolchain import CALIBRATION, Toolchain, Toolchains
from mgeconvert.errors import ConvertError, Location, UnreadableSource, UnsafeSource
from mgeconvert.manifest.job import Job

OF_SOURCE = (UnreadableSource.code, UnsafeSource.code)
"""The codes of problems with the bytes of a source."""


class Known:
    """Looks results up by content; every record is read once."""

    def __init__(
        self, state: State, store: Store, publisher: Publisher, *, modes: Iterable[str] = ()
    ) -> None:
        self._state, self._store, self._publisher = state, store, publisher
        self._sources, self._toolchains = Sources(state.hashes), Toolchains(state.hashes)
        self._modes = tuple(modes)
        self._keys: dict[tuple[str, ...], str] = {}
        self._results: dict[str, Result] = {}
        self._verdicts: dict[str, Verdict] = {}

    def source(self, job: Job) -> Source:
        """Return the job's source; raises ConvertError as `Sources.of` does."""
        return self._sources.of(job)

    def toolchain(self, job: Job) -> Toolchain:
        """Return what converts the job."""
        also = CALIBRATION if job.quantization.calibration_files else ()
        return self._toolchains.conversion(self.source(job).form, job.format, also=also)

    def conversion_key(self, job: Job) -> str:
        """Return the key of the job's artifact; raises ConvertError for a bad source."""
        source = self.source(job)
        paths = job.conversion_files()
        files = {name: self._hash(path, "conversion") for name, path in paths.items()}
        files |= {f"source/{name}": sha256 for name, sha256 in source.files.items()}
        known = (job.name, source.sha256, "files", *files.values())
        if known not in self._keys:
            self._keys[known] = conversion_key(
                job, self.toolchain(job), source=source.sha256, files=files, modes=self._modes
            )
        return self._keys[known]

    def check_key(self, job: Job, result: Result) -> str:
        """Return the key of the verdict on `result`; raises ConvertError for a missing file."""
        source = self.source(job)
        files = tuple(self._hash(path, "check") for path in job.check_files())
        known = (job.name, source.content, *files, *(file.sha256 for file in result.files))
        if known not in self._keys:
            self._keys[known] = check_key(
                job,
                self._toolchains.check(source.form, job.format),
                source=source.content,
                files=files,
                artifact=result.artifact,
            )
        return self._keys[known]

    def result(self, job: Job) -> Result | None:
        """Return the stored result of the job as it is now, None where it must be made."""
        key = self.conversion_key(job)
        found = self._results.get(key) or result_from(self._store.record(key))
        if found is None:
            return None
        if not all(self._store.has(file.sha256, file.size) for file in found.files):
            self.forget(found)
            return None
        named = tuple(_named(problem, job.source) for problem in found.problems)
        self._results[key] = replace(found, problems=named)
        return self._results[key]

    def made(self, job: Job) -> Result | None:
        """Return the result that this process has found or made, whether or not it is stored."""
        return self._results.get(self.conversion_key(job))

    def verdict(self, job: Job, result: Result) -> Verdict | None:
        """Return the stored verdict on `result`, None where it must be checked."""
        key = self.check_key(job, result)
        found = self._verdicts.get(key) or verdict_from(self._store.record(key))
        if found is not None:
            self._verdicts[key] = found
        return found

    def keep_result(self, result: Result) -> None:
        """Put a lasting result into the store, where a child of this process has put its files."""
        for file in result.files:
            self._store.trust(file.sha256)
        self._store.put_record(result.key, result.as_dict())
        self._results[result.key] = result

    def keep_verdict(self, verdict: Verdict) -> None:
        """Put a lasting verdict into the store."""
        self._store.put_record(verdict.key, verdict.as_dict())
        self._verdicts[verdict.key] = verdict

    def forget(self, result: Result) -> None:
        """Drop a result whose files are not all there."""
        self._store.drop_record(result.key)
        self._results.pop(result.key, None)

    def is_converted(self, job: Job) -> bool:
        """Say whether the conversion has nothing to do."""
        try:
            result = self.result(job)
        except ConvertError:
            return False
        if result is None:
            return False
        if not result.ok:
            return as_expected(job, result.problems) and not self._publisher.has_files(job)
        if job.check.enabled:
            return True
        return job.expect == "pass" and self._publisher.is_published(job, result)

    def is_checked(self, job: Job) -> bool:
        """Say whether the check and the publishing have nothing to do."""
        try:
            result = self.result(job)
            if result is None:
                return False
            verdict = self.verdict(job, result) if result.ok else None
        except ConvertError:
            return False
        if job.expect == "fail":
            problems = (*result.problems, *(verdict.problems if verdict else ()))
            return as_expected(job, problems) and not self._publisher.has_files(job)
        return verdict is not None and verdict.ok and self._publisher.is_published(job, result)

    def _hash(self, path: str, stage: str) -> str:
        try:
            return self._state.hashes.of(path)
        except OSError as error:
            problem = f"a file that the {stage} needs cannot be read: {error.strerror}"
            hint = "put the file there, or name another one in the manifest"
            raise UnreadableSource(problem, at=Location(stage, path=path), hint=hint) from error


def _named(problem: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return a stored problem with the source's present name: the same bytes had another one."""
    at = problem["at"]
    if problem["code"] not in OF_SOURCE or not at or not os.path.isabs(at["path"]):
        return dict(problem)
    return {**problem, "at": {**at, "path": source}}
