"""Workers: limits, crashes, and what is left of them."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mgeconvert.build.worker import Worker
from tests.build.project import ROOT

HERE = "tests.build.targets"
MIB = 1 << 20


@pytest.fixture
def worker():
    made = Worker()
    yield made
    made.close()


def call(worker, function, payload=None, *, seconds=30.0, memory=1 << 30):
    return worker.call(f"{HERE}:{function}", payload or {}, seconds=seconds, memory=memory)


def problem(reply):
    (found,) = reply.problems
    return found["code"], found["problem"]


def test_a_call_answers_with_plain_data(worker):
    reply = call(worker, "echo", {"a": [1, "ä", None]})
    assert reply.value == {"got": {"a": [1, "ä", None]}}
    assert reply.peak > MIB
    assert reply.problems == ()


def test_calls_share_the_process_until_it_is_killed(worker):
    first = call(worker, "pid").value
    assert call(worker, "pid").value == first
    worker.kill()
    assert call(worker, "pid").value != first


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("_crash", "crashed with SIGSEGV"),
        ("_exit", "exit code 3"),
    ],
)
def test_a_crash_is_a_limit_problem_and_the_next_call_works(worker, order, words):
    reply = worker.call(f"tests.build.test_worker:obey{order}", {}, seconds=30, memory=1 << 30)
    code, text = problem(reply)
    assert code == "limit"
    assert words in text
    assert not reply.lasting
    assert call(worker, "echo").value == {"got": {}}


def obey_crash(payload):
    os.kill(os.getpid(), signal.SIGSEGV)


def obey_exit(payload):
    print("last words", flush=True)
    os._exit(3)


def test_what_a_crashed_process_said_last_is_kept(worker):
    reply = worker.call(f"{__name__}:obey_exit", {}, seconds=30, memory=1 << 30)
    assert "last words" in reply.output


def test_a_hang_ends_at_the_time_limit_with_all_below_it(worker, tmp_path):
    note = tmp_path / "note"
    begun = time.monotonic()
    reply = call(worker, "leave_a_child_and_hang", {"note": str(note)}, seconds=1.5)
    assert time.monotonic() - begun < 10
    assert problem(reply) == ("limit", "not done after 1.5 s")
    assert not _is_running(int(note.read_text()))


def test_memory_of_children_counts(worker):
    reply = call(worker, "grow_in_a_child", memory=150 * MIB)
    code, text = problem(reply)
    assert code == "limit"
    assert "150 MiB are allowed" in text


def test_mapped_files_and_reserved_addresses_do_not_count(worker, tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(bytes(200 * MIB))
    assert call(worker, "map_a_file", {"path": str(path)}, memory=100 * MIB).value == {"total": 0}
    assert call(worker, "reserve", memory=100 * MIB).value == {}


def test_memory_errors_and_full_disks_are_limits(worker):
    assert problem(call(worker, "out_of_memory"))[0] == "limit"
    reply = call(worker, "disk_full")
    assert problem(reply)[0] == "limit"
    assert "No space left" in problem(reply)[1]
    assert "MGECONVERT_STORE" in reply.problems[0]["hint"]


def test_prints_do_not_mix_with_replies_and_their_end_is_kept(worker):
    reply = call(worker, "print_much")
    assert reply.value == {}
    assert "the end" in reply.output
    assert len(reply.output) < 5000
    assert call(worker, "echo").output == ""


def test_standard_input_is_empty(worker):
    assert call(worker, "read_standard_input").value == {"read": ""}


def test_a_missing_function_is_an_internal_problem(worker):
    reply = worker.call("tests.build.targets:absent", {}, seconds=30, memory=1 << 30)
    assert problem(reply)[0] == "internal"
    assert "absent" in reply.output


def test_a_worker_dies_with_its_parent(tmp_path):
    note = tmp_path / "note"
    code = f"""
from mgeconvert.build.worker import Worker
worker = Worker()
pid = worker.call("{HERE}:pid", {{}}, seconds=30, memory=1 << 30).value["pid"]
open({str(note)!r}, "w").write(str(pid))
worker.call("{HERE}:leave_a_child_and_hang", {{"note": "/dev/null"}}, seconds=60, memory=1 << 30)
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as parent:
        while not note.exists() or not note.read_text():
            time.sleep(0.05)
        pid = int(note.read_text())
        assert _is_running(pid)
        parent.kill()
    deadline = time.monotonic() + 10
    while _is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
