"""Right manifests: what the keys, `[defaults]`, globs and included files make of the jobs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mgeconvert.manifest import (
    CheckSettings,
    InputSpec,
    Limits,
    NoOptions,
    OnnxOptions,
    check_defaults,
    load,
    plan,
)
from tests.manifest.writing import GOOD, HEAD, MODEL, job, jobs, write

pytestmark = pytest.mark.core

ALL_KEYS = """\
format = 1
[models.m]
source = "sub/m.tm"
sha256 = "ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789"
license = "Apache-2.0"
description = "a model"
tags = ["b", "a"]
outputs = ["head.fc"]
seed = 7
labels = "l.npz"
metric = "top1"
output = "out"
limits = { time = 5, memory = "3 MiB" }
[models.m.inputs.data]
shape = ["N", 3, 8, 8]
sample = "s.npz"
[models.m.inputs.other]
range = [-1, 1]
[models.m.targets.fast]
format = "onnx"
opset = 11
simplify = true
optimize = true
graph_name = "net"
fold_bn = false
external_data = "always"
expect = "fail"
reason = "too slow"
check = { rtol = 1, atol = 0.5, runs = 3 }
"""


def test_every_key_reaches_the_job(tmp_path: Path) -> None:
    made = job(tmp_path, ALL_KEYS)
    assert (made.name, made.format, made.stem) == ("m:fast", "onnx", "m")
    assert made.source == f"{tmp_path}/sub/m.tm"
    assert made.output == f"{tmp_path}/out/m/fast"
    assert made.file == f"{tmp_path}/out/m/fast/m.onnx"
    assert made.sha256 == "abcdef0123456789" * 4
    assert (made.license, made.description, made.tags) == ("Apache-2.0", "a model", ("b", "a"))
    assert (made.outputs, made.seed, made.metric) == (("head.fc",), 7, "top1")
    assert made.labels == f"{tmp_path}/l.npz"
    assert made.limits == Limits(time=5.0, memory=3 * 1024**2)
    assert made.inputs == (
        InputSpec(name="data", shape=("N", 3, 8, 8), sample=f"{tmp_path}/s.npz"),
        InputSpec(name="other", range=(-1.0, 1.0)),
    )
    assert made.options == OnnxOptions(
        opset=11,
        simplify=True,
        optimize=True,
        graph_name="net",
        fold_bn=False,
        external_data="always",
    )
    assert made.check == CheckSettings(rtol=1.0, atol=0.5, runs=3)
    assert (made.enabled, made.expect, made.reason) == (True, "fail", "too slow")


def test_what_holds_where_the_manifest_says_nothing(tmp_path: Path) -> None:
    made = job(tmp_path, GOOD)
    assert made.options == OnnxOptions()
    assert made.check == check_defaults("onnx")
    assert made.limits == Limits(time=600.0, memory=4 * 1024**3)
    assert made.output == f"{tmp_path}/build/m/onnx"
    assert (made.sha256, made.labels, made.metric, made.seed) == (None, None, None, 0)
    assert (made.inputs, made.outputs, made.tags) == ((), (), ())


def test_caffe_nets_are_compared_by_their_largest_element(tmp_path: Path) -> None:
    text = (
        f"{HEAD}{MODEL}targets.caffe = {{}}\ntargets.x = {{format = 'caffe', check.rtol = 0.5}}\n"
    )
    own, more = jobs(tmp_path, text).values()
    assert own.check == CheckSettings(rtol=0.0, atol=0.0, rtol_max=1e-4, runs=2)
    assert more.check == CheckSettings(rtol=0.5, atol=0.0, rtol_max=1e-4, runs=2)


def test_rounded_artifacts_are_compared_otherwise(tmp_path: Path) -> None:
    text = """\
format = 1
[defaults]
check = { rtol = 1, atol_lsb = 2, min_top1 = 0.5 }
[models.m]
source = "m.tm"
[models.m.targets.onnx]
[models.m.targets.whole]
format = "onnx"
quantize = true
[models.given]
source = "m.tm"
quantization.params = "sub/p.json"
targets.onnx = {}
targets.whole = { format = "onnx", quantize = true, check.min_snr = 20 }
"""
    plain, whole, given, mixed = jobs(tmp_path, text).values()
    assert plain.check == CheckSettings(rtol=1.0, atol=1e-4, runs=2)
    assert whole.check == CheckSettings(atol_lsb=2.0, lsb_share=0.999, min_snr=30.0, runs=2)
    assert given.check == plain.check
    assert mixed.check == CheckSettings(atol_lsb=2.0, lsb_share=0.999, min_snr=20.0, runs=2)
    assert [j.rounding for j in (plain, whole, given, mixed)] == ["none", "kept", "none", "kept"]
    assert given.conversion_files() == {"params": f"{tmp_path}/sub/p.json"}
    assert plain.conversion_files() == {}


def test_numbers_of_a_check_are_floats_however_they_are_written(tmp_path: Path) -> None:
    whole = job(tmp_path, GOOD + "check.rtol = 1")
    assert repr(whole.check_settings()) == repr(
        job(tmp_path, GOOD + "check.rtol = 1.0").check_settings()
    )


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("'1 B'", 1), ("'2kB'", 2000), ("'3 GiB'", 3 * 1024**3), ("'10 MB'", 10**7)],
)
def test_sizes(tmp_path: Path, text: str, size: int) -> None:
    assert job(tmp_path, f"{GOOD}[defaults]\nlimits.memory = {text}").limits.memory == size


def test_nearer_keys_win_over_farther_ones(tmp_path: Path) -> None:
    text = """\
format = 1
[defaults]
opset = 9
simplify = true
optimize = true
license = "far"
limits.time = 1
check = { rtol = 1, atol = 1, runs = 1 }
[defaults.targets.onnx]
simplify = false
opset = 10
check.atol = 2
[defaults.targets.second]
format = "onnx"
opset = 11
[models.m]
source = "m.tm"
license = "near"
limits.memory = 9
check.runs = 3
[models.m.targets.onnx]
[models.m.targets.third]
format = "onnx"
opset = 12
[models.m.targets.second]
check.rtol = 4
"""
    made = jobs(tmp_path, text)
    assert list(made) == ["m:onnx", "m:third", "m:second"]
    onnx, third, second = made.values()
    assert onnx.options == OnnxOptions(opset=10, simplify=False, optimize=True)
    assert onnx.check == CheckSettings(rtol=1.0, atol=2.0, runs=3)
    assert third.options == OnnxOptions(opset=12, simplify=False, optimize=True)
    assert third.check == onnx.check
    assert second.options == OnnxOptions(opset=11, simplify=True, optimize=True)
    assert second.check == CheckSettings(rtol=4.0, atol=1.0, runs=3)
    assert onnx.limits == Limits(time=1.0, memory=9)
    assert onnx.license == "near"


def test_a_model_without_targets_has_those_of_the_defaults(tmp_path: Path) -> None:
    text = """\
format = 1
[defaults.targets.onnx]
[defaults.targets.caffe]
enabled = false
reason = "later"
[models.a]
source = "a.tm"
[models.b]
source = "b.tm"
targets.onnx.opset = 8
"""
    made = jobs(tmp_path, text)
    assert list(made) == ["a:onnx", "a:caffe", "b:onnx"]
    assert made["a:caffe"].reason == "later"


def test_a_flat_default_goes_to_the_formats_that_have_the_key(tmp_path: Path) -> None:
    text = GOOD + "[models.m.targets.mge]\nenabled = false\nreason = 'r'\n"
    text += "[defaults]\nopset = 9\n"
    made = jobs(tmp_path, text)
    assert made["m:onnx"].options == OnnxOptions(opset=9)
    assert made["m:mge"].options == NoOptions()


@pytest.mark.parametrize("format", ["torchscript", "mge", "tm"])
def test_a_format_that_is_not_supported_can_be_listed(tmp_path: Path, format: str) -> None:
    text = GOOD + f"[models.m.targets.{format}]\nenabled = false\nreason = 'no reader'\n"
    made = jobs(tmp_path, text)[f"m:{format}"]
    assert (made.enabled, made.reason, made.format) == (False, "no reader", format)
    assert not made.check.enabled


def test_an_expected_failure_of_a_model_holds_for_its_targets(tmp_path: Path) -> None:
    text = """\
format = 1
[models.m]
source = "m.tm"
expect = "fail"
reason = "it has an operator that ONNX lacks"
[models.m.targets.onnx]
[models.m.targets.b]
format = "onnx"
expect = "pass"
[models.m.targets.c]
format = "onnx"
reason = "another one"
"""
    made = jobs(tmp_path, text)
    assert [item.expect for item in made.values()] == ["fail", "pass", "fail"]
    assert made["m:onnx"].reason == "it has an operator that ONNX lacks"
    assert made["m:c"].reason == "another one"


def test_a_check_can_be_turned_off_with_a_reason(tmp_path: Path) -> None:
    made = job(tmp_path, GOOD + "check = {enabled = false, reason = 'too large'}\n")
    assert (made.check.enabled, made.check.reason) == (False, "too large")


def test_globs_and_lists_make_a_model_of_each_file(tmp_path: Path) -> None:
    for name in ("zoo/b.tm", "zoo/a.tm", "zoo/deep/c.mge", "d.tm"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "zoo" / "folder.tm").mkdir()
    text = """\
format = 1
[models."x-{stem}"]
source = ["zoo/**/*", "d.tm", "not-made-yet.tm", "zoo/a.tm"]
targets.onnx = {}
[models."{stem}"]
source = "zoo/*.tm"
targets.onnx = {}
"""
    made = jobs(tmp_path, text)
    assert [item.model for item in made.values()] == [
        "x-a", "x-b", "x-c", "x-d", "x-not-made-yet", "a", "b",
    ]  # fmt: skip
    assert made["x-c:onnx"].source == f"{tmp_path}/zoo/deep/c.mge"
    assert made["x-c:onnx"].file == f"{tmp_path}/build/x-c/onnx/x-c.onnx"


def test_a_metric_needs_no_labels(tmp_path: Path) -> None:
    made = job(tmp_path, GOOD + "[defaults]\nmetric = 'top1'\n")
    assert (made.metric, made.labels) == ("top1", None)


def test_paths_may_leave_the_folder_where_that_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "m.tm").touch()
    text = """\
format = 1
[defaults]
allow_outside = true
[models.m]
source = "../m.tm"
output = "/somewhere"
targets.onnx = {}
[models."g-{stem}"]
source = "../*.tm"
targets.onnx = {}
"""
    made = jobs(tmp_path / "sub", text)
    assert made["m:onnx"].source == made["g-m:onnx"].source == f"{tmp_path}/m.tm"
    assert made["m:onnx"].output == "/somewhere/m/onnx"


def test_included_files_stand_for_themselves(tmp_path: Path) -> None:
    body = "[defaults]\nopset = {}\n[models.{}]\nsource = 'm.tm'\ntargets.onnx = {{}}\n"
    write(tmp_path, HEAD + body.format(8, "b"), "sub/b.toml")
    write(tmp_path, "format = 1\ninclude = ['sub/b.toml']\n", "c.toml")
    root = write(tmp_path, "include = ['sub/b.toml', 'c.toml']\n" + HEAD + body.format(9, "a"))
    manifest = load(root)
    a, b = plan(manifest)
    assert (a.options, b.options) == (OnnxOptions(opset=9), OnnxOptions(opset=8))
    assert b.source == f"{tmp_path}/sub/m.tm"
    assert b.output == f"{tmp_path}/sub/build/b/onnx"
    files = [str(root), f"{tmp_path}/sub/b.toml", f"{tmp_path}/c.toml"]
    assert list(manifest.files) == files


def test_a_relative_path_to_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD, "sub/models.toml")
    monkeypatch.chdir(tmp_path)
    manifest = load("sub/models.toml")
    assert manifest.path == f"{tmp_path}/sub/models.toml"
    assert plan(manifest)[0].source == f"{tmp_path}/sub/m.tm"


def test_loading_imports_nothing_but_tomli_and_the_standard_library() -> None:
    code = "import sys, mgeconvert.manifest; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        check=True,
        capture_output=True,
        text=True,
    )
    names = {name.partition(".")[0] for name in done.stdout.split()}
    start = subprocess.run(
        [sys.executable, "-I", "-c", "import sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    started = {name.partition(".")[0] for name in start.stdout.split()}
    compiled = {
        name for name in names if name.endswith("__mypyc")
    }  # tomli's own, where it is built
    others = names - started - compiled - set(sys.stdlib_module_names)
    assert others == {"mgeconvert", "tomli"}
