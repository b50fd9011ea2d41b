"""The worker that a command forks before it loads anything."""

import json
import os
import subprocess
import sys
import time

import pytest

from tests.build.project import ROOT

PROLOGUE = """
import json, os, signal, sys, time
from mgeconvert.build.early import started
from mgeconvert.build.worker import Worker
worker = Worker()

def call(name, payload=None, seconds=30.0):
    function = f"tests.build.targets:{name}"
    return worker.call(function, payload or {}, seconds=seconds, memory=1 << 30)

def say(value):
    print(json.dumps(value), flush=True)
"""


def run(program):
    """Run the program in a process of its own; return the JSON of each line that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", PROLOGUE + program],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_is_a_session_of_its_own_with_no_file_of_its_parent():
    (found,) = run("""
signal.signal(signal.SIGTERM, lambda *_: None)
fd = os.dup(0)
os.set_inheritable(fd, True)
while fd < 9:
    fd = os.dup(fd)
with started("mge", "onnx"):
    say(call("describe", {"fd": fd}).value)
worker.close()
""")
    assert found["session"] == found["pid"]
    assert found["mge"] and found["default"]
    assert not found["inherited"]


@pytest.mark.parametrize(
    ("before", "forked"), [("", True), ("import numpy", False), ("thread()", False)]
)
def test_only_a_process_of_one_thread_and_without_libraries_forks(before, forked):
    (found,) = run(f"""
import threading
def thread():
    threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
{before}
with started("mge", "onnx"):
    path = f"/proc/{{os.getpid()}}/task/{{os.getpid()}}/children"
    children = [int(pid) for pid in open(path).read().split()]
    say([len(children), call("describe").value["pid"] in children])
worker.close()
""")
    assert found == [int(forked), forked]


def test_it_answers_as_any_other_and_is_replaced_after_its_death():
    first, texts, problem, second = run("""
say("said before")
with started("mge", "onnx"):
    reply = call("print_much")
    say([reply.output.endswith("from C\\n"), "said before" in reply.output, reply.peak > 1 << 20,
         call("read_standard_input").value])
    say(call("leave_a_child_and_hang", {"note": "/dev/null"}, seconds=0.5).problems[0]["problem"])
    say(call("echo", {"a": 1}).value)
worker.close()
""")
    assert first == "said before"
    assert texts == [True, False, True, {"read": ""}]
    assert problem == "not done after 0.5 s"
    assert second == {"got": {"a": 1}}


def test_one_that_nobody_needs_ends_with_the_command():
    (gone,) = run("""
with started("mge", "onnx"):
    (child,) = open(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read().split()
say(not os.path.exists(f"/proc/{child}"))
""")
    assert gone


def test_it_dies_with_its_parent():
    program = """
with started("mge", "onnx"):
    say(call("pid").value["pid"])
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", PROLOGUE + program], cwd=ROOT, capture_output=True, check=False
    )
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{int(done.stdout)}"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
