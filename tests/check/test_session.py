"""A session in a worker process, and what the parent of that may import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from mgeconvert.check.request import CheckRequest
from mgeconvert.check.result import CheckResult
from tests.check.models import classifier
from tests.check.test_process import gone

WORKER = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from mgeconvert.check.request import CheckRequest
from mgeconvert.check.session import Session
with Session() as session:
    for line in sys.stdin:
        result = session.verify(CheckRequest.from_dict(json.loads(line))).as_dict()
        runners = [session.runner("megengine", side="source").pid]
        runners.append(session.runner("onnxruntime").pid)
        print(json.dumps([result, runners]), flush=True)
assert "megengine" not in sys.modules and "onnxruntime" not in sys.modules
"""
PATH = json.dumps([path or os.getcwd() for path in sys.path])


def test_a_worker_checks_many_jobs_with_the_same_runtimes(sources: Path, tmp_path: Path) -> None:
    weight, bias = np.load(sources / "weight.npy"), np.load(sources / "bias.npy")
    requests = []
    for number, error in enumerate((0, 1, 0)):
        path = classifier(tmp_path / f"{number}.onnx", weight, bias + np.float32(error))
        source = str(sources / "linear.tm")
        request = CheckRequest("m", path, "onnx", source, "traced", "ab", rtol=1e-5, atol=1e-5)
        requests.append(json.dumps(request.as_dict()))
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", WORKER, PATH],
        input="\n".join(requests),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    results = [CheckResult.from_dict(answer[0]) for answer in answers]
    assert [result.ok for result in results] == [True, False, True]
    runners = [answer[1] for answer in answers]
    assert runners[0] == runners[1] == runners[2]
    assert all(gone(pid) for pid in runners[0])
    assert done.stderr == ""


def test_requests_and_results_need_no_numpy() -> None:
    program = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1])\n"
        "import mgeconvert.check.request, mgeconvert.check.result, mgeconvert.check.runtimes\n"
        "assert not {'numpy', 'onnx', 'onnxruntime', 'megengine'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program, PATH], check=True)
