"""What a run shows while it works, on a terminal and in a log."""

from __future__ import annotations

import io

from doit.exceptions import TaskFailed
from doit.task import Task

from mgeconvert.build.progress import LiveProgress, Progress, reporter


def nothing() -> None:
    """Do nothing."""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def tasks() -> dict[str, Task]:
    convert = Task("convert:m:onnx", [(nothing,)])
    check = Task("check:m:onnx", [(nothing,)], task_dep=["convert:m:onnx"])
    other = Task("convert:other:onnx", [(nothing,)])
    group = Task("check", None, task_dep=["check:m:onnx"])
    return {task.name: task for task in (convert, check, other, group)}


def run(progress: Progress) -> None:
    known = tasks()
    progress.initialize(known, ["check"])
    for name in ("convert:m:onnx", "check:m:onnx"):
        progress.execute_task(known[name])
    progress.add_success(known["convert:m:onnx"])
    progress.add_failure(known["check:m:onnx"], TaskFailed("the numbers differ"))
    progress.complete_run()


def test_a_log_gets_plain_lines() -> None:
    stream = io.StringIO()
    progress = reporter(stream)
    run(progress)
    assert stream.getvalue().splitlines()[:3] == [
        "convert:m:onnx ...",
        "check:m:onnx ...",
        "convert:m:onnx done",
    ]
    assert "check:m:onnx FAILED\nthe numbers differ" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_a_bar_over_what_is_selected(monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    progress = reporter(stream)
    assert isinstance(progress, LiveProgress)
    run(progress)
    assert progress.worked
    assert "check:m:onnx FAILED" in stream.getvalue()
    assert "the numbers differ" in stream.getvalue()
    assert "2/2" in stream.getvalue()
