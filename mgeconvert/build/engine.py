"""The build of one job: converted, checked and published where that is not done yet."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mgeconvert.build.failed import as_expected, failed_case, first_wrong, problems_of, told
from mgeconvert.build.files import FULL
from mgeconvert.build.known import Known
from mgeconvert.build.outcome import Action, Outcome, Stage
from mgeconvert.build.publish import Publisher
from mgeconvert.build.records import NO_FACTS, Facts, Result, StoredFile, Verdict
from mgeconvert.build.serve import no_space
from mgeconvert.build.state import State
from mgeconvert.build.store import FolderStore
from mgeconvert.build.worker import Reply, Worker
from mgeconvert.errors import CheckFailed, ConvertError
from mgeconvert.frontends import detect
from mgeconvert.manifest.job import Job
from mgeconvert.manifest.schema import Limits

PRODUCE = "mgeconvert.build.produce:produce"
# A check limits each of its runtimes itself. What is watched from outside is the whole of them,
# with room for the libraries, and a little longer, so that the finer limit speaks first.
CHECK_PROCESSES = 3
CHECK_BASE_MEMORY = 2 * 2**30
CHECK_EXTRA_SECONDS = 10.0


@dataclass(frozen=True)
class Seams:
    """The functions that the workers call, as "module:name"."""

    converter: str = "mgeconvert.build.convert:convert"
    checker: str = "mgeconvert.build.verify:Verifier"
    diagnoser: str = "mgeconvert.build.diagnosis:Diagnoser"


OUR_SEAMS = Seams()


class Engine:
    """Makes what is missing, job by job; safe beside other processes on the same folders.

    One process uses one engine from one thread. After a fork each process has its own workers,
    started on demand.
    """

    def __init__(
        self,
        state: State,
        store: FolderStore,
        *,
        seams: Seams = OUR_SEAMS,
        modes: Iterable[str] = (),
        run: str = "",
    ) -> None:
        self.state, self.store, self.run = state, store, run
        self._seams, self._modes = seams, tuple(modes)
        self.publisher = Publisher(state, store)
        self.known = Known(state, store, self.publisher, modes=self._modes)

    @cached_property
    def _converter(self) -> Worker:
        return Worker()

    @cached_property
    def _checker(self) -> Worker:
        return Worker()

    @cached_property
    def _diagnoser(self) -> Worker:
        return Worker()

    def prepare(self, job: Job) -> None:
        """Start the process of the next conversion, so that it loads while sources are hashed."""
        with contextlib.suppress(ConvertError):  # a bad source: the conversion will tell
            form = detect(Path(job.source))
            names = [f"mgeconvert.frontends.{form}", f"mgeconvert.backends.{job.format}"]
            self._converter.start(preload=[self._seams.converter.partition(":")[0], *names])

    def close(self) -> None:
        """End the workers of this process."""
        for name in ("_converter", "_checker", "_diagnoser"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    def convert(self, job: Job) -> Outcome:
        """Convert the job unless the store has its result; publish it where nothing checks it."""
        return self._guarded(job, "convert", self._convert)

    def check(self, job: Job) -> Outcome:
        """Check the job's artifact unless the store has the verdict; publish it if it passed."""
        return self._guarded(job, "check", self._check)

    def _guarded(self, job: Job, stage: Stage, work: Callable[[Job], Outcome]) -> Outcome:
        """Do the work alone, and note what came of it, whatever that is."""
        with self.state.lock(job.name):
            self.state.ledger.refresh()
            try:
                outcome = work(job)
            except ConvertError as problem:
                outcome = self._failed(job, stage, [problem.as_dict()])
            except OSError as error:
                if error.errno not in FULL:
                    raise
                outcome = self._failed(job, stage, [no_space(error).as_dict()])
            with contextlib.suppress(OSError):  # a full disk again: the caller has the outcome
                self.state.outcomes.put(f"{stage} {job.name}", self.entry(job, outcome))
        return outcome

    def _convert(self, job: Job) -> Outcome:
        while True:
            result, action = self._obtain(job)
            if not result.ok:
                return self._failed(job, "convert", result.problems, result.facts)
            if job.check.enabled:
                return Outcome(job.name, "convert", action, facts=result.facts)
            if job.expect == "fail":
                return self._passed_unexpectedly(job, "convert")
            with self.publisher.staged(job, result) as folder:
                if folder:
                    self.publisher.publish(job, result, folder)
                    return Outcome(job.name, "convert", action, facts=result.facts)
            self.known.forget(result)  # the store had lost a file, or found it damaged

    def _check(self, job: Job) -> Outcome:
        while True:
            result, _ = self._obtain(job)
            if not result.ok:
                return self._failed(job, "check", result.problems, result.facts)
            stored = self.known.verdict(job, result)
            if stored and not stored.ok:
                return self._failed(job, "check", stored.problems, stored.facts)
            with self.publisher.staged(job, result) as folder:
                if folder:
                    return self._judge(job, result, folder, stored)
            self.known.forget(result)

    def _judge(self, job: Job, result: Result, folder: Path, stored: Verdict | None) -> Outcome:
        """Publish what is in `folder` if it passes."""
        verdict = stored or self._verify(job, result, folder)
        if not verdict.ok:
            return self._failed(job, "check", verdict.problems, verdict.facts)
        if job.expect == "fail":
            return self._passed_unexpectedly(job, "check")
        self.publisher.publish(job, result, folder)
        action: Action = "restored" if stored else "made"
        return Outcome(job.name, "check", action, facts=verdict.facts)

    def _obtain(self, job: Job) -> tuple[Result, Action]:
        """Return the job's result from the store, or make it."""
        if (stored := self.known.result(job)) is not None:
            return stored, "restored"
        with self.store.lock(self.known.conversion_key(job)):
            if (stored := self.known.result(job)) is not None:  # made meanwhile by another process
                return stored, "restored"
            result, lasting = self._produce(job)
            if lasting:
                self.known.keep_result(result)
        return result, "made"

    def _produce(self, job: Job) -> tuple[Result, bool]:
        """Convert in a process of its own; say also whether the result is worth keeping."""
        request = {
            "job": job.as_dict(),
            "store": str(self.store.root),
            "converter": self._seams.converter,
            "modes": list(self._modes),
            "source_sha256": self.known.source(job).sha256,
        }
        limits = job.limits
        try:
            reply = self._converter.call(
                PRODUCE, request, seconds=limits.time, memory=limits.memory
            )
        finally:
            self._converter.kill()
        source, value = self.known.source(job), reply.value or {}
        made_from = {
            "source": source.sha256,
            "source_files": dict(source.files),
            "form": source.form,
            "settings": job.settings(),
            **self.known.toolchain(job).as_dict(),
        }
        result = Result(
            key=self.known.conversion_key(job),
            job=job.name,
            files=tuple(StoredFile(**file) for file in value.get("files", ())),
            notes=tuple(value.get("notes", ())),
            problems=reply.problems,
            made_from=made_from,
            facts=_facts(reply),
        )
        return result, reply.lasting

    def _verify(self, job: Job, result: Result, folder: Path) -> Verdict:
        """Have the artifact in `folder` checked, and keep the verdict."""
        source = self.known.source(job)
        request = {
            "job": job.as_dict(),
            "artifact": str(folder / result.files[0].name),
            "cache": str(self.state.folder / "references"),
            "source_format": source.form,
            "source_sha256": source.content,
        }
        reply = run_check(self._checker, self._seams.checker, request, job.limits)
        details = reply.value or {}
        problems = reply.problems or problems_of(details)
        if case := failed_case(details):
            ask = {**request, "case": case, "save": ""}
            found = run_check(self._diagnoser, self._seams.diagnoser, ask, job.limits)
            details = {**details, "diagnosis": found.value or {"problems": list(found.problems)}}
            problems = (*problems, first_wrong(details["diagnosis"]).as_dict())
        key = self.known.check_key(job, result)
        verdict = Verdict(key, job.name, problems, details, _facts(reply))
        if reply.lasting:
            self.known.keep_verdict(verdict)
        return verdict

    def _passed_unexpectedly(self, job: Job, stage: Stage) -> Outcome:
        problem = CheckFailed(
            "it passed, where the manifest expects it to fail",
            hint=f'remove expect = "fail" (its reason: {job.reason})',
        )
        return self._withdrawn(job, Outcome(job.name, stage, "failed", (problem.as_dict(),)))

    def _failed(
        self, job: Job, stage: Stage, problems: Iterable[dict[str, Any]], facts: Facts = NO_FACTS
    ) -> Outcome:
        all = told(job, problems)
        action: Action = "expected" if as_expected(job, all) else "failed"
        return self._withdrawn(job, Outcome(job.name, stage, action, all, facts))

    def _withdrawn(self, job: Job, outcome: Outcome) -> Outcome:
        """Take away what an earlier build published: a final name holds a good artifact or none."""
        cleaned = self.publisher.withdraw(job)
        removed, left = map(str, cleaned.removed), map(str, cleaned.changed)
        return replace(outcome, withdrawn=tuple(removed), left=tuple(left))

    def entry(self, job: Job, outcome: Outcome) -> dict[str, Any]:
        """Return what is noted of an outcome: itself, the run, and the content it is about."""
        try:
            key = self.known.conversion_key(job)
        except ConvertError:
            key = ""
        return {**outcome.as_dict(), "run": self.run, "key": key}


def run_check(worker: Worker, function: str, request: dict[str, Any], limits: Limits) -> Reply:
    """Call a function that runs runtimes of its own, with room for them beside the limits."""
    return worker.call(
        function,
        request,
        seconds=limits.time + CHECK_EXTRA_SECONDS,
        memory=CHECK_PROCESSES * limits.memory + CHECK_BASE_MEMORY,
    )


def _facts(reply: Reply) -> Facts:
    return Facts(reply.seconds, reply.peak, reply.output)
