"""Jobs: what they carry across processes, what their keys are made of, and jobs made by code."""

from __future__ import annotations

import json
import pickle
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgeconvert.errors import ConversionFailed, ManifestError
from mgeconvert.manifest import (
    CheckSettings,
    InputSpec,
    Job,
    Limits,
    NoOptions,
    OnnxOptions,
    check_defaults,
    missing_files,
    single_job,
)
from mgeconvert.manifest.options import QuantizationKeys
from tests.manifest.test_loading import ALL_KEYS
from tests.manifest.writing import GOOD, job, jobs

pytestmark = pytest.mark.core

TEXTS = st.text(max_size=5)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
INPUTS = st.builds(
    InputSpec,
    name=TEXTS,
    shape=st.none() | st.lists(st.integers(1) | TEXTS, max_size=3).map(tuple),
    sample=st.none() | TEXTS,
    range=st.none() | st.tuples(FINITE, FINITE),
)
CHECKS = st.builds(
    CheckSettings,
    rtol=FINITE,
    atol=FINITE,
    runs=st.integers(1, 9),
    enabled=st.booleans(),
    reason=TEXTS,
)
OPTIONS = st.builds(OnnxOptions, opset=st.integers(7, 23), simplify=st.booleans())
JOBS = st.builds(
    Job,
    format=st.just("onnx"),
    options=OPTIONS,
    inputs=st.lists(INPUTS, max_size=2).map(tuple),
    tags=st.lists(TEXTS, max_size=2).map(tuple),
    outputs=st.lists(TEXTS, max_size=2).map(tuple),
    check=CHECKS,
    limits=st.builds(Limits, time=FINITE, memory=st.integers(1)),
)


@given(JOBS)
def test_a_job_survives_json_and_pickle(made: Job) -> None:
    assert Job.from_dict(json.loads(json.dumps(made.as_dict()))) == made
    assert pickle.loads(pickle.dumps(made)) == made


def test_a_listed_job_survives_json(tmp_path: Path) -> None:
    text = GOOD + "[models.m.targets.mge]\nenabled = false\nreason = 'r'\n"
    made = jobs(tmp_path, text)["m:mge"]
    again = Job.from_dict(json.loads(json.dumps(made.as_dict())))
    assert again == made
    assert isinstance(again.options, NoOptions)


def test_plain_data_that_lacks_a_field_is_refused(tmp_path: Path) -> None:
    data = job(tmp_path, GOOD).as_dict()
    del data["seed"]
    with pytest.raises(KeyError, match="seed"):
        Job.from_dict(data)


@given(JOBS)
def test_settings_are_canonical_json(made: Job) -> None:
    for settings in (made.settings(), made.check_settings()):
        assert json.loads(json.dumps(settings, sort_keys=True)) == settings


def test_settings_are_equal_in_every_folder(tmp_path: Path) -> None:
    one, other = job(tmp_path / "one", ALL_KEYS), job(tmp_path / "other", ALL_KEYS)
    assert one != other
    assert one.settings() == other.settings()
    assert one.check_settings() == other.check_settings()
    assert str(tmp_path) not in json.dumps([one.settings(), one.check_settings()])


CHANGES = {
    "format": "other",
    "license": "x",
    "description": "x",
    "tags": ("x",),
    "outputs": ("x",),
    "options": OnnxOptions(opset=9),
    "quantization": QuantizationKeys(param_fake_quant=True),
    "stem": "x",
    "check": CheckSettings(rtol=0.0, atol=0.0, runs=1),
    "metric": None,
    "seed": 8,
}
ARTIFACT = {"format", "license", "description", "tags", "outputs", "options", "stem", "inputs"}
ARTIFACT |= {"quantization"}
CHECK = {"check", "metric", "seed", "inputs", "quantization"}  # what the source rounds


@pytest.mark.parametrize("name", sorted(item.name for item in fields(Job)))
def test_settings_change_with_what_they_must_change_with(tmp_path: Path, name: str) -> None:
    """A field of a job belongs to the artifact's key, the check's key, both, or neither."""
    made = job(tmp_path, ALL_KEYS)
    shaped = InputSpec(name="data", shape=(1, 3, 8, 8), range=(0.0, 2.0))
    changes = {**CHANGES, "inputs": (shaped,)}
    changed = replace(made, **{name: changes.get(name, getattr(made, name))})
    if name not in changes:  # a path, a name or a limit: another value changes no key
        changed = replace(made, **{name: object()})
    assert (changed.settings() != made.settings()) == (name in ARTIFACT)
    assert (changed.check_settings() != made.check_settings()) == (name in CHECK)


def test_options_are_in_the_settings_one_by_one(tmp_path: Path) -> None:
    base = job(tmp_path, GOOD)
    texts = ["opset = 8", "simplify = true", "optimize = true", "graph_name = 'g'"]
    texts += ["fold_bn = false", "external_data = 'never'", "quantize = true"]
    assert len(texts) == len(fields(OnnxOptions))
    found = [json.dumps(job(tmp_path, GOOD + text).settings()) for text in texts]
    assert len({*found, json.dumps(base.settings())}) == len(texts) + 1


def test_an_input_without_a_shape_is_no_part_of_the_artifact(tmp_path: Path) -> None:
    ranged = job(tmp_path, GOOD + "[models.m.inputs.x]\nrange = [0, 1]\n")
    assert ranged.settings() == job(tmp_path, GOOD).settings()
    assert ranged.check_settings() != job(tmp_path, GOOD).check_settings()


def test_files_that_are_not_there_are_told_when_the_job_starts(tmp_path: Path) -> None:
    made = job(tmp_path, ALL_KEYS)
    problems = missing_files(made)
    assert all(isinstance(problem, ManifestError) for problem in problems)
    assert [problem.at and problem.at.name for problem in problems] == [
        "models.m.source",
        "models.m.inputs.data.sample",
        "models.m.labels",
    ]
    assert problems[0].problem == f'the file "{tmp_path}/sub/m.tm" does not exist'
    (tmp_path / "sub").mkdir(exist_ok=True)
    for name in ("sub/m.tm", "s.npz", "l.npz"):
        (tmp_path / name).touch()
    assert missing_files(made) == ()
    assert made.check_files() == (f"{tmp_path}/s.npz", f"{tmp_path}/l.npz")


def test_a_job_made_by_code(tmp_path: Path) -> None:
    made = single_job(
        source=tmp_path / "my net.v2.tm",
        output=tmp_path / "out" / "net.onnx",
        format="onnx",
        outputs=["fc"],
        options=OnnxOptions(opset=8),
    )
    assert made.name == "my_net.v2:onnx"
    assert made.source == f"{tmp_path}/my net.v2.tm"
    assert (made.output, made.stem) == (f"{tmp_path}/out", "net")
    assert made.file == f"{tmp_path}/out/net.onnx"
    assert made.outputs == ("fc",)
    assert made.options == OnnxOptions(opset=8)
    assert made.check == check_defaults("onnx")
    assert Job.from_dict(made.as_dict()) == made


def test_a_job_made_by_code_with_relative_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = single_job(source="m.tm", output="out.onnx", format="onnx", model="named")
    assert (made.source, made.file) == (f"{tmp_path}/m.tm", f"{tmp_path}/out.onnx")
    assert made.name == "named:onnx"


@pytest.mark.parametrize(
    ("source", "output", "format", "problem"),
    [
        ("a.tm", "b.mge", "mge", 'the format "mge" is not yet supported'),
        ("a.tm", "b.caffe", "onnx", 'the output must end in ".onnx", found'),
        ("a.tm", "b/.onnx", "onnx", "the output has no name before"),
        ("a.onnx", "./a.onnx", "onnx", "the output is the source itself"),
    ],
)
def test_a_job_that_code_must_not_ask_for(
    source: str, output: str, format: str, problem: str
) -> None:
    with pytest.raises(ConversionFailed, match=problem):
        single_job(source=source, output=output, format=format)
