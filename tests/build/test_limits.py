"""Limits of whole jobs: each is one failed job, and the others go on."""

import pytest

LIMITS = 'limits = { time = 1.5, memory = "200 MiB" }'


@pytest.mark.parametrize(
    ("stage", "order", "words"),
    [
        ("convert", "crash", "SIGSEGV"),
        ("convert", "hang", "not done after 1.5 s"),
        ("convert", "bomb", "200 MiB are allowed"),
        ("convert", "exit", "exit code 3"),
        ("stream", "crash", "SIGSEGV"),
        ("check", "crash", "SIGSEGV"),
    ],
)
def test_one_failed_job_with_a_reason(project, stage, order, words):
    project.model("a", keys=LIMITS, **{stage: order})
    project.model("b")
    done = project.run()
    failed = "check a:onnx" if stage == "check" else "convert a:onnx"
    assert done[failed] == "failed"
    assert done["check b:onnx"] == "made"
    (problem,) = project.outcomes[failed].problems
    assert problem["code"] == "limit"
    assert words in problem["problem"]
    assert [name.rsplit("/", 1)[-1] for name in project.published()] == ["b.onnx"]
    leftovers = (project.folder / ".mgeconvert/store/v1/objects").glob("*tmp*")
    assert len(list(leftovers)) <= (stage == "stream")


def test_a_limit_is_tried_again_and_not_remembered(project):
    project.model("a", convert="crash")
    project.run()
    project.log()
    assert project.run() == {"convert a:onnx": "failed"}
    assert project.log() == {"convert a:onnx": 1}


def test_a_bug_of_ours_is_a_failed_job_with_its_traceback(project):
    project.model("a", convert="bug")
    assert project.run() == {"convert a:onnx": "failed"}
    outcome = project.outcomes["convert a:onnx"]
    assert outcome.problems[0]["code"] == "internal"
    assert "ZeroDivisionError" in outcome.facts.output


def test_checks_share_a_process_and_conversions_do_not(project):
    for name in "ab":
        project.model(name)
    project.run()
    lines = project.log_path.read_text().splitlines()
    pids = {line.split()[2] for line in lines if line.startswith("check ")}
    assert len(pids) == 1
    assert "checker closed" in lines
