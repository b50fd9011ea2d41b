"""The renderings of a report: complete, escaped, stable."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from mgeconvert.report.document import SCHEMA, FileRow, to_json
from mgeconvert.report.html import to_html
from mgeconvert.report.junit import to_junit
from mgeconvert.report.markdown import to_markdown
from mgeconvert.report.table import lines, row
from mgeconvert.report.words import bytes_of, number_of, problem_of, seconds_of, top1_of
from tests.report.samples import COMPARISON, EMPTY, FULL, PROBLEM, job, report

RENDERINGS = (to_json, to_html, to_junit, to_markdown)


class Tags(HTMLParser):
    """Checks that elements are closed in order, and collects attributes and text."""

    VOID = {"meta", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.attributes, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, *attr) for attr in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)


def parsed(text):
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert tags.open == []
    return tags


@pytest.mark.parametrize("render", RENDERINGS)
@pytest.mark.parametrize("data", [FULL, EMPTY], ids=["full", "empty"])
def test_a_rendering_is_a_function_of_its_data(render, data):
    text = render(data)
    assert text == render(data)
    assert text.endswith("\n")
    text.encode()


def test_json_is_complete_and_has_a_version():
    data = json.loads(to_json(FULL))
    assert data["schema"] == SCHEMA == 1
    assert data["counts"] == {
        "passed": 1,
        "unchecked": 1,
        "expected": 1,
        "failed": 1,
        "missing": 1,
        "disabled": 1,
    }
    assert [entry["name"] for entry in data["jobs"]] == [entry.name for entry in FULL.jobs]
    assert data["jobs"][0]["check"]["cases"][0]["comparisons"] == [COMPARISON]
    assert data["jobs"][2]["problems"] == [PROBLEM]


def test_the_fields_of_the_schema_change_only_with_its_version():
    data = json.loads(to_json(FULL))
    assert sorted(data) == [
        "converter",
        "counts",
        "interrupted",
        "jobs",
        "manifest",
        "orphans",
        "schema",
    ]
    assert sorted(data["jobs"][0]) == [
        "check",
        "check_settings",
        "checking",
        "conversion",
        "description",
        "files",
        "format",
        "left",
        "license",
        "limits",
        "made_from",
        "model",
        "name",
        "notes",
        "problems",
        "reason",
        "settings",
        "source",
        "state",
        "tags",
        "target",
        "withdrawn",
    ]
    assert sorted(data["jobs"][0]["conversion"]) == [
        "action",
        "key",
        "output",
        "peak_memory",
        "seconds",
    ]


def test_html_needs_no_other_file_and_no_script():
    text = to_html(FULL)
    tags = parsed(text)
    assert not [a for a in tags.attributes if a[1] in ("src", "href", "onclick")]
    assert "<script" not in text
    assert not re.search(r"url\(|@import|https?:", text)


def test_html_says_everything_and_escapes_it():
    text = " ".join(parsed(to_html(FULL)).text)
    for words in (
        "no rule for <Foo & Bar>",
        "A <net> & more",
        "net:onnx-11",
        "no reader",
        "a limit of the format",
        "123 kB",
        "2.5e-06",
        "opset = 17",
        "rtol = 0.001",
        "ab" * 32,
        "cd" * 32,
        "onnx = 1.23.2",
        "build/x.onnx",
        "MIT",
        "folded 3 nodes",
        "conversion 100 MB",
    ):
        assert words in text, words
    assert to_html(FULL).count("<svg") == 3


def test_markdown_has_a_table_per_model_and_no_broken_cells():
    text = to_markdown(FULL)
    for heading in ("## net", "## bad", "## old", "## Orphans"):
        assert heading in text.splitlines()
    assert "out\\|0" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    for line in tables:
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1
        assert cells in (4, 6, 8), line


def test_junit_counts_what_it_lists():
    root = ElementTree.fromstring(to_junit(FULL).encode())
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("6", "1", "2")
    cases = root.findall("testsuite/testcase")
    assert [(c.get("classname"), c.get("name")) for c in cases] == [
        ("net", "onnx"),
        ("net", "onnx-11"),
        ("bad", "onnx"),
        ("known", "onnx"),
        ("old", "caffe"),
        ("late", "onnx"),
    ]
    (failure,) = root.iter("failure")
    assert "no rule for <Foo & Bar>" in failure.get("message")
    assert failure.get("type") == "unsupported-op"
    (output,) = root.iter("system-out")
    assert output.text == "a\ufffd[31m\ufffdb"
    assert cases[0].get("time") == "1.750"


def test_lines_show_what_was_done_or_is_wrong():
    text = "\n".join(lines(FULL))
    assert re.search(r"^net:onnx +passed +123 kB +1.75 s +2.5e-06$", text, re.MULTILINE)
    assert re.search(r"^bad:onnx +failed .*unsupported-op$", text, re.MULTILINE)
    assert "old:caffe" not in text
    assert "late:onnx" not in text
    assert "orphan: build/x.onnx of x:onnx, changed since" in text
    assert text.endswith(
        "6 jobs: 1 passed, 1 unchecked, 1 expected, 1 failed, 1 missing, 1 disabled"
    )


def test_lines_of_an_interrupted_run_show_what_is_missing():
    text = "\n".join(lines(report(job("late:onnx", "missing"), interrupted=True)))
    assert "late:onnx" in text
    assert text.endswith("; interrupted")


def test_lines_of_a_run_that_did_nothing_are_one():
    current = job("a:onnx")
    kept = type(current.conversion)(key="k", action="kept", seconds=1.0)
    still = job("a:onnx", conversion=kept, checking=kept)
    assert lines(report(still)) == ["1 jobs: 1 passed"]


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (123_456, "123 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (102_591_413, "103 MB"),
        (3 * 10**15, "3e+03 TB"),
    ],
)
def test_bytes_in_words(count, words):
    assert bytes_of(count) == words


def test_numbers_and_times_in_words():
    assert [number_of(v) for v in (0, 1.0, "nan", "inf", "-inf", 1e-7)] == [
        "0",
        "1",
        "nan",
        "inf",
        "-inf",
        "1e-07",
    ]
    assert [seconds_of(v) for v in (0.004, 99.9, 100.4)] == ["0.00 s", "99.90 s", "100 s"]


def test_problems_in_words():
    assert problem_of(PROBLEM) == (
        "traced: Foo 'x_out' in net.block.0: no rule for <Foo & Bar> [unsupported-op] "
        "(write the model without it)"
    )
    assert problem_of({**PROBLEM, "at": None, "hint": ""}).startswith("no rule")


def test_classes_in_words():
    top1 = {"output": "o", "rows": 1797, "agree": 1796, "source_right": None}
    assert top1_of(job("a:onnx")) == ""
    assert top1_of(job("a:onnx", check={"top1": top1})) == "top-1 agrees on 1796 of 1797"
    top1 |= {"source_right": 1780, "artifact_right": 1781}
    assert row(job("a:onnx", check={"top1": top1}))[-1].endswith("right: 1780 before, 1781 after")


def test_errors_that_are_no_numbers_are_drawn():
    wild = {**COMPARISON, "max_abs": "nan"}
    cases = {"cases": [{"name": "c", "runs": 1, "comparisons": [wild, COMPARISON]}]}
    parsed(to_html(report(job("a:onnx", check=cases))))
    zero = {**COMPARISON, "max_abs": 0.0}
    cases = {"cases": [{"name": "c", "runs": 1, "comparisons": [zero]}]}
    parsed(to_html(report(job("a:onnx", check=cases))))


def test_quantized_outputs_show_steps_and_what_they_were_compared_with():
    rounded = {**COMPARISON, "step": 0.5, "steps": [90, 9, 1, 0]}
    top1 = {"output": "o", "rows": 9, "agree": 8, "source_right": 7, "artifact_right": 6}
    check = {
        "cases": [{"name": "random", "runs": 2, "comparisons": [rounded]}],
        "rounding": "none",
        "rtol": None,
        "atol": None,
        "top1": top1,
    }
    plain = job("q:onnx", check=check)
    beside = FileRow(
        name="q.quant_params.json", path="build/q", sha256="ab" * 32, size=9, published=True
    )
    both = report(job("f:onnx"), replace(plain, files=(*plain.files, beside)))
    for render in (to_markdown, to_html):
        text = render(both)
        assert "90 % / 9 % / 1 % / 0 %" in text
        assert text.count("off by 0 / 1 / 2 / more steps") == 1
        assert "right: 7 before (without rounding), 6 after" in text
        assert text.count("0 of 10") == 1
    assert "right: 7 before, 6 after" in to_markdown(report(plain))
