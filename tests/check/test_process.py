"""A runner process: its limits, its deaths, its end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mgeconvert.check.runners.process import RunnerProcess
from mgeconvert.errors import CheckFailed, ConvertError, LimitExceeded

pytestmark = [pytest.mark.core, pytest.mark.slow]
X = {"x": np.array([[1, 2]], np.float32)}


@pytest.fixture
def broken() -> Iterator[RunnerProcess]:
    with RunnerProcess("tests.check.broken") as runner:
        yield runner


def run(runner: RunnerProcess, how: str, seconds: float = 30.0) -> dict[str, np.ndarray]:
    runner.open(how, format="any", outputs=(), seconds=seconds)
    return runner.run(X, seconds=seconds)


def gone(pid: int) -> bool:
    """Whether the process has ended within a few seconds (a zombie has not been reaped)."""
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.05)
    return False


def test_it_starts_when_needed_and_answers_many_times(broken: RunnerProcess) -> None:
    assert broken.pid is None
    for _ in range(3):
        assert run(broken, "well")["x"].tolist() == [[2, 3]]
    assert broken.versions() == {"broken": "1"}
    assert broken.starts == 1


def test_types_and_shapes_cross_the_border(broken: RunnerProcess) -> None:
    feeds = {
        "scalar": np.array(1.5, np.float64),
        "empty": np.zeros((0, 3), np.float16),
        "strided": np.arange(12, dtype=np.int64).reshape(3, 4)[:, ::2],
        "big": np.arange(1 << 21, dtype=np.int32),
        "big endian": np.array([1, 2], ">i4"),
    }
    broken.open("well", format="any", outputs=(), seconds=30)
    got = broken.run(feeds, seconds=30)
    assert list(got) == list(feeds)
    for name, array in feeds.items():
        assert got[name].dtype == (array + 1).dtype.newbyteorder("=")
        assert got[name].shape == array.shape
        assert np.array_equal(got[name], array + 1)


def test_a_crash_is_told_and_the_next_call_starts_anew(broken: RunnerProcess) -> None:
    with pytest.raises(LimitExceeded, match="died of SIGABRT") as caught:
        run(broken, "abort")
    assert "printed on stderr" in str(caught.value)
    assert run(broken, "well")["x"].tolist() == [[2, 3]]
    assert broken.starts == 2
    with pytest.raises(LimitExceeded, match=r"ended \(3\)"):
        run(broken, "exit")


def test_a_run_after_a_crash_has_no_model(broken: RunnerProcess) -> None:
    with pytest.raises(LimitExceeded):
        run(broken, "abort")
    broken.open("well", format="any", outputs=(), seconds=30)
    assert broken.starts == 2


def test_a_hang_ends_at_the_time_limit(broken: RunnerProcess) -> None:
    broken.versions()
    pid = broken.pid
    start = time.monotonic()
    with pytest.raises(LimitExceeded, match="did not answer"):
        run(broken, "hang", seconds=0.5)
    assert time.monotonic() - start < 5
    assert pid
    assert gone(pid)
    assert run(broken, "well")["x"].tolist() == [[2, 3]]


def test_the_memory_limit_is_an_answer_not_a_crash(broken: RunnerProcess) -> None:
    assert run(broken, "memory")["y"].size == 1 << 26
    broken.memory = 256 << 20
    with pytest.raises(LimitExceeded, match="more memory than the limit of 256 MiB"):
        run(broken, "memory")
    assert run(broken, "well")["x"].tolist() == [[2, 3]]
    assert broken.starts == 1


def test_an_interrupted_call_leaves_no_answer_for_the_next(
    broken: RunnerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object, **keywords: object) -> None:
        raise KeyboardInterrupt

    broken.open("well", format="any", outputs=(), seconds=30)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(broken, "_receive", interrupt)
        broken.run({"x": np.array([40.0])}, seconds=30)
    assert run(broken, "well")["x"].tolist() == [[2, 3]]
    assert broken.starts == 2


def test_errors_of_the_runtime_are_answers(broken: RunnerProcess) -> None:
    with pytest.raises(CheckFailed, match="broken failed: no such model"):
        run(broken, "refuse")
    with pytest.raises(CheckFailed, match="cannot be compared"):
        run(broken, "strings")
    assert broken.starts == 1


def test_one_thread(broken: RunnerProcess) -> None:
    assert run(broken, "flush")["y"].tobytes() == b"1"


def test_closing_leaves_no_process(broken: RunnerProcess) -> None:
    run(broken, "well")
    pid = broken.pid
    broken.close()
    broken.close()
    assert pid
    assert gone(pid)
    assert broken.pid is None


def test_it_dies_with_its_parent() -> None:
    program = (
        "import sys, os, threading\n"
        "sys.path[:] = sys.argv[1:]\n"
        "import numpy as np\n"
        "from mgeconvert.check.runners.process import RunnerProcess\n"
        "runner = RunnerProcess('tests.check.broken')\n"
        "runner.open('hang', format='', outputs=(), seconds=30)\n"
        "print(runner.pid, flush=True)\n"
        "runner.run({'x': np.zeros(1)}, seconds=600)\n"
    )
    command = [sys.executable, "-c", program, *(path or os.getcwd() for path in sys.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        parent.kill()
        parent.wait()
        assert gone(pid)


def test_a_runtime_that_cannot_be_imported() -> None:
    with (
        RunnerProcess("tests.check.absent") as runner,
        pytest.raises(ConvertError, match=r"cannot be imported: No module named 'tests.check.ab"),
    ):
        runner.versions()
