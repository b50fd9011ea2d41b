"""Wrong manifests: each fault with its place, its words and its hint, and all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manifest.writing import GOOD, HEAD, MODEL, faults, job, write, wrong

pytestmark = pytest.mark.core

ONNX = "[models.m.targets.onnx]\n"

# The text after `format = 1`, then line, key and beginning of the only problem, then its hint.
TABLE = [
    # Unknown keys, and where they would belong.
    ("x = 1", 2, "x", "unknown key", ""),
    ("model = {}", 2, "model", "unknown key", 'did you mean "models"?'),
    (MODEL + "opset = 13\n" + ONNX, 4, "models.m.opset", "unknown key", "a target of format onnx"),
    (MODEL + "licence = 'x'\n" + ONNX, 4, "models.m.licence", "unknown key", '"license"'),
    (MODEL + ONNX + "rtol = 1", 5, "models.m.targets.onnx.rtol", "unknown key", '"check"'),
    (MODEL + ONNX + "'o p' = 1", 5, 'models.m.targets.onnx."o p"', "unknown key", ""),
    (MODEL + ONNX + "check.rtoll = 1", 5, "models.m.targets.onnx.check.rtoll", "unknown", "rtol"),
    ("[defaults]\nformat = 'onnx'", 3, "defaults.format", "unknown key", ""),
    (MODEL + "inputs.x.shap = []\n" + ONNX, 4, "models.m.inputs.x.shap", "unknown", '"shape"'),
    # Wrong types and values.
    ("models = 3", 2, "models", "expected a table of tables, found 3", ""),
    (
        MODEL + ONNX + "check = true",
        5,
        "models.m.targets.onnx.check",
        "expected a table, found true",
        "",
    ),
    (
        "[defaults.targets.onnx]\n" + MODEL + "targets = {onnx = true}",
        5,
        "models.m.targets.onnx",
        "expected a table, found true",
        "",
    ),
    ("defaults = []", 2, "defaults", "expected a table, found []", ""),
    ("[models]\nm = 3", 3, "models.m", "expected a table, found 3", ""),
    ("include = 'a'", 2, "include", 'expected a list of paths, found "a"', ""),
    (MODEL + "tags = 'a'\n" + ONNX, 4, "models.m.tags", 'expected a list of words, found "a"', ""),
    (
        MODEL + "tags = ['']\n" + ONNX,
        4,
        "models.m.tags",
        'expected a list of words, found [""]',
        "",
    ),
    (MODEL + "license = ''\n" + ONNX, 4, "models.m.license", "expected text that is not empty", ""),
    (MODEL + "outputs = []\n" + ONNX, 4, "models.m.outputs", "expected a list of names", ""),
    (MODEL + "seed = true\n" + ONNX, 4, "models.m.seed", "expected an integer from 0", ""),
    (MODEL + "seed = 1.0\n" + ONNX, 4, "models.m.seed", "expected an integer from 0", ""),
    (MODEL + "seed = -1\n" + ONNX, 4, "models.m.seed", "expected an integer from 0", ""),
    (MODEL + f"seed = 0x{'f' * 9999}\n" + ONNX, 4, "models.m.seed", "expected an integer", ""),
    (MODEL + "sha256 = 'ab'\n" + ONNX, 4, "models.m.sha256", "expected 64 hexadecimal digits", ""),
    (MODEL + "metric = 'top5'\n" + ONNX, 4, "models.m.metric", 'expected "top1"', '"top1"'),
    (MODEL + "allow_outside = 1\n" + ONNX, 4, "models.m.allow_outside", "expected true or", ""),
    (
        MODEL + "limits.time = 0\n" + ONNX,
        4,
        "models.m.limits.time",
        "expected a number above 0",
        "",
    ),
    (MODEL + "limits.time = nan\n" + ONNX, 4, "models.m.limits.time", "expected a number", ""),
    (MODEL + "limits.time = inf\n" + ONNX, 4, "models.m.limits.time", "expected a number", ""),
    (
        MODEL + "limits.memory = '1 TB'\n" + ONNX,
        4,
        "models.m.limits.memory",
        "expected a number",
        "",
    ),
    (MODEL + "limits.memory = 0\n" + ONNX, 4, "models.m.limits.memory", "expected a number", ""),
    (MODEL + "inputs.x.shape = [0]\n" + ONNX, 4, "models.m.inputs.x.shape", "expected a list", ""),
    (MODEL + "inputs.x.shape = ['']\n" + ONNX, 4, "models.m.inputs.x.shape", "expected a list", ""),
    (
        MODEL + "inputs.x.shape = [true]\n" + ONNX,
        4,
        "models.m.inputs.x.shape",
        "expected a list",
        "",
    ),
    (MODEL + "inputs.x.range = [1]\n" + ONNX, 4, "models.m.inputs.x.range", "expected two", ""),
    (
        MODEL + "inputs.x.range = [1, 0]\n" + ONNX,
        4,
        "models.m.inputs.x.range",
        "expected the lower",
        "",
    ),
    (MODEL + "inputs.'' = {}\n" + ONNX, 4, 'models.m.inputs.""', "expected a name", ""),
    (MODEL + "source_ = 1\n" + ONNX, 4, "models.m.source_", "unknown key", '"source"'),
    (
        MODEL + ONNX + "opset = 6",
        5,
        "models.m.targets.onnx.opset",
        "expected an integer from 7",
        "",
    ),
    (MODEL + ONNX + "opset = 24", 5, "models.m.targets.onnx.opset", "expected an integer", ""),
    (MODEL + ONNX + "opset = '13'", 5, "models.m.targets.onnx.opset", "expected an integer", ""),
    (MODEL + ONNX + "simplify = 1", 5, "models.m.targets.onnx.simplify", "expected true or", ""),
    (MODEL + ONNX + "check.rtol = -1", 5, "models.m.targets.onnx.check.rtol", "expected a num", ""),
    (MODEL + ONNX + "check.atol = true", 5, "models.m.targets.onnx.check.atol", "expected a", ""),
    (MODEL + ONNX + "check.runs = 0", 5, "models.m.targets.onnx.check.runs", "expected an int", ""),
    (MODEL + ONNX + "expect = 'fial'", 5, "models.m.targets.onnx.expect", "expected one", '"fail"'),
    (
        MODEL + ONNX + "external_data = 'auot'",
        5,
        "models.m.targets.onnx.external_data",
        'expected one of "auto", "always", "never", found "auot"',
        'did you mean "auto"?',
    ),
    # Comparing rounded numbers.
    (
        MODEL + ONNX + "check.atol_lsb = 1",
        5,
        "models.m.targets.onnx.check.atol_lsb",
        "it has no effect",
        "steps belong to quantize = true",
    ),
    (
        MODEL + ONNX + "quantize = true\ncheck.rtol = 1",
        6,
        "models.m.targets.onnx.check.rtol",
        "it has no effect",
        "atol_lsb and min_snr",
    ),
    (
        MODEL + ONNX + "quantize = true\ncheck.lsb_share = 0.5",
        6,
        "models.m.targets.onnx.check.lsb_share",
        'it needs the key "atol_lsb"',
        "",
    ),
    (
        MODEL + ONNX + "check.min_top1 = 1",
        5,
        "models.m.targets.onnx.check.min_top1",
        "it has no effect",
        'it needs the key "metric"',
    ),
    (
        MODEL + "metric = 'top1'\n" + ONNX + "check.min_top1 = 1.5",
        6,
        "models.m.targets.onnx.check.min_top1",
        "expected a number from 0 to 1, found 1.5",
        "",
    ),
    (
        MODEL + "quantization.params = '../p.json'\n" + ONNX,
        4,
        "models.m.quantization.params",
        '"../p.json" leaves the manifest\'s folder',
        "allow_outside",
    ),
    # Keys without effect yet.
    (MODEL + "plugin = 'a.py'\n" + ONNX, 4, "models.m.plugin", "this key is not yet supported", ""),
    (
        MODEL + "[models.m.quantization]\ncalibration = 'a*.npz'\n" + ONNX,
        5,
        "models.m.quantization.calibration",
        'no file matches "a*.npz"',
        "",
    ),
    (
        MODEL + "[models.m.quantization]\ncalibration = 'a.npz'\nparams = 'p.json'\n" + ONNX,
        4,
        "models.m.quantization",
        "calibration and params exclude each other",
        "",
    ),
    (
        MODEL + "[models.m.targets.torchscript]\nenabled = false\nreason = 'r'\nfreeze = true",
        7,
        "models.m.targets.torchscript.freeze",
        "this key is not yet supported",
        "",
    ),
    (
        MODEL + "[models.m.targets.caffe]\nuse_empty_blobs = true",
        5,
        "models.m.targets.caffe.use_empty_blobs",
        "it needs check.enabled = false",
        "a net without weights computes nothing",
    ),
    # Formats.
    (
        MODEL + "[models.m.targets.torchscript]",
        4,
        "models.m.targets.torchscript",
        "the format torchscript is not yet supported",
        "enabled = false with a reason",
    ),
    (MODEL + "[models.m.targets.onx]", 4, "models.m.targets.onx", '"onx" is no format', '"onnx"'),
    (MODEL + "[models.m.targets.x]", 4, "models.m.targets.x", '"x" is no format', "tflite, caffe"),
    (
        MODEL + "[models.m.targets.x]\nformat = 'oonx'",
        5,
        "models.m.targets.x.format",
        "expected one of",
        'did you mean "onnx"?',
    ),
    (
        MODEL + "[models.m.targets.caffe]\nenabled = false\nreason = 'r'\nopset = 9",
        7,
        "models.m.targets.caffe.opset",
        "unknown key",
        "it is a key of a target of format onnx",
    ),
    ("[defaults.targets.x]\nopset = 13", 2, "defaults.targets.x", '"x" is no format', ""),
    (
        "[defaults.targets.x]\nformat = 'caffe'\nenabled = false\nreason = 'r'\n"
        + MODEL
        + "[models.m.targets.x]\nopset = 13",
        9,
        "models.m.targets.x.opset",
        "targets of format caffe have no such key",
        "",
    ),
    (
        MODEL + "[models.m.targets.caffe]\nquantize = true",
        5,
        "models.m.targets.caffe.quantize",
        "targets of format caffe have no such key",
        "no layers that compute in whole numbers",
    ),
    # What must be there.
    ("[models.m]\n" + ONNX, 2, "models.m", 'the key "source" is missing', ""),
    (MODEL, 2, "models.m", "it has no target", "[models.NAME.targets.onnx]"),
    (MODEL + "targets = {}", 2, "models.m", "it has no target", "[models.NAME.targets.onnx]"),
    (MODEL + ONNX + "enabled = false", 5, "models.m.targets.onnx.enabled", "it needs a reason", ""),
    (MODEL + ONNX + "expect = 'fail'", 5, "models.m.targets.onnx.expect", "it needs a reason", ""),
    (
        MODEL + ONNX + "check.enabled = false",
        5,
        "models.m.targets.onnx.check.enabled",
        "it needs a reason",
        "",
    ),
    (MODEL + ONNX + "reason = 'r'", 5, "models.m.targets.onnx.reason", "it has no effect", ""),
    (MODEL + "reason = 'r'\n" + ONNX, 4, "models.m.reason", "it has no effect", ""),
    (MODEL + ONNX + "error = 'e'", 5, "models.m.targets.onnx.error", "it has no effect", "expect"),
    (MODEL + "error = 'e'\n" + ONNX, 4, "models.m.error", "it has no effect", "expect"),
    (
        MODEL + ONNX + "check.reason = 'r'",
        5,
        "models.m.targets.onnx.check.reason",
        "it has no effect",
        "",
    ),
    (
        MODEL + "labels = 'l.npy'\ninputs.x.sample = 's.npy'\n" + ONNX,
        4,
        "models.m.labels",
        'it needs the key "metric"',
        'metric = "top1"',
    ),
    (
        MODEL + "labels = 'l.npy'\nmetric = 'top1'\n" + ONNX,
        4,
        "models.m.labels",
        "it needs an input with a sample",
        "",
    ),
    (
        MODEL + "inputs.x = {range = [0, 1], sample = 's.npy'}\n" + ONNX,
        4,
        "models.m.inputs.x.range",
        "a range has no effect beside a sample",
        "",
    ),
    # Names.
    ("[models.'a b']\nsource = 'm.tm'", 2, 'models."a b"', "expected a name of letters", ""),
    ("[models.'../a']\nsource = 'm.tm'", 2, 'models."../a"', "expected a name of letters", ""),
    ("[models.'a:b']\nsource = 'm.tm'", 2, 'models."a:b"', "expected a name of letters", ""),
    ("[models.'{stm}']\nsource = 'm.tm'", 2, 'models."{stm}"', "expected a name of letters", ""),
    (MODEL + "[models.m.targets.'a/b']", 4, 'models.m.targets."a/b"', "expected a name of", ""),
    (
        "[models.con]\nsource = 'm.tm'\ntargets.onnx = {}",
        2,
        "models.con",
        '"con" is no safe file name',
        "expected letters",
    ),
    (
        MODEL + "[models.m.targets.nul]\nformat = 'onnx'",
        4,
        "models.m.targets.nul",
        '"nul" is no safe file name',
        "",
    ),
    (
        "[models.'{stem}']\nsource = 'a b.tm'\ntargets.onnx = {}",
        2,
        'models."{stem}"',
        '"a b" is no safe file name',
        "",
    ),
    # Sources.
    (
        "[models.m]\nsource = '*.tm'\n" + ONNX,
        3,
        "models.m.source",
        "a glob or a list needs {stem} in the model's name",
        "",
    ),
    ("[models.m]\nsource = ['a.tm']\n" + ONNX, 3, "models.m.source", "a glob or a list needs", ""),
    ("[models.m]\nsource = []\n" + ONNX, 3, "models.m.source", "expected a path or a list", ""),
    ("[models.m]\nsource = ''\n" + ONNX, 3, "models.m.source", "expected a path or a list", ""),
    ('[models.m]\nsource = "a\\u0000"\n' + ONNX, 3, "models.m.source", "expected a path or", ""),
    (
        "[models.'{stem}']\nsource = 'no/*.tm'\ntargets.onnx = {}",
        3,
        'models."{stem}".source',
        'no file matches "no/*.tm"',
        "",
    ),
    (
        "[models.'{stem}']\nsource = ['a.tm', 'b.tm']\n"
        f"sha256 = '{'a' * 64}'\ntargets.onnx = {{}}",
        4,
        'models."{stem}".sha256',
        "one hash cannot fit several files",
        "",
    ),
    # Paths.
    (
        "[models.m]\nsource = '../m.tm'\n" + ONNX,
        3,
        "models.m.source",
        '"../m.tm" leaves the manifest\'s folder',
        "allow_outside = true",
    ),
    ("[models.m]\nsource = '/m.tm'\n" + ONNX, 3, "models.m.source", '"/m.tm" leaves', ""),
    (
        "[models.m]\nsource = 'a/../../m.tm'\n" + ONNX,
        3,
        "models.m.source",
        '"a/../../m.tm" leaves',
        "",
    ),
    (MODEL + "output = '..'\n" + ONNX, 4, "models.m.output", '".." leaves', ""),
    (
        MODEL + "inputs.x.sample = '../x.npy'\n" + ONNX,
        4,
        "models.m.inputs.x.sample",
        '"../x.npy" leaves',
        "",
    ),
    (
        MODEL + "labels = '../l'\nmetric = 'top1'\ninputs.x.sample = 's.npy'\n" + ONNX,
        4,
        "models.m.labels",
        '"../l" leaves',
        "",
    ),
    (
        "[models.'{stem}']\nsource = '../*.tm'\ntargets.onnx = {}",
        3,
        'models."{stem}".source',
        '"../*.tm" leaves',
        "allow_outside = true",
    ),
    ("include = ['../a.toml']", 2, "include.0", '"../a.toml" leaves', "allow_outside = true"),
    ("[defaults]\noutput = '..'\n" + MODEL + ONNX, 3, "defaults.output", '".." leaves', ""),
    # Artifacts.
    (
        MODEL + ONNX + "[models.m.targets.ONNX]\nformat = 'onnx'",
        5,
        "models.m.targets.ONNX",
        "m:ONNX writes the same file as m:onnx",
        "",
    ),
    (
        "[models.m]\nsource = 'build/m/onnx/m.onnx'\n" + ONNX,
        4,
        "models.m.targets.onnx",
        "m:onnx would write over a source",
        "build/m/onnx/m.onnx",
    ),
]


@pytest.mark.parametrize(("text", "line", "key", "problem", "hint"), TABLE)
def test_one_fault(tmp_path: Path, text: str, line: int, key: str, problem: str, hint: str) -> None:
    (told,) = wrong(tmp_path, HEAD + text)
    assert (told.file, told.line, told.key) == ("models.toml", line, key)
    assert told.problem.startswith(problem)
    assert hint in told.hint


def test_the_good_manifest_behind_the_table_is_good(tmp_path: Path) -> None:
    assert job(tmp_path, GOOD).name == "m:onnx"


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("", 'the key "format" is missing', "add format = 1 at the top"),
        ("format = 2\nnew = 1", "expected 1, found 2", "another version wrote it"),
        ("format = true", "expected 1, found true", ""),
        ("format = '1'", 'expected 1, found "1"', ""),
    ],
)
def test_the_version_of_the_format(tmp_path: Path, text: str, problem: str, hint: str) -> None:
    (told,) = wrong(tmp_path, text)
    assert (told.problem, told.hint) == (problem, hint)


def test_all_faults_are_told_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = """\
format = 1
[defaults]
outptu = "build"
[models.a]
source = "../a.tm"
targets.onnx.opset = 99
[models.b]
licence = "x"
[models.b.targets.onx]
"""
    told = wrong(tmp_path, text)
    assert [(item.line, item.key) for item in told] == [
        (3, "defaults.outptu"),
        (5, "models.a.source"),
        (6, "models.a.targets.onnx.opset"),
        (7, "models.b"),
        (8, "models.b.licence"),
        (9, "models.b.targets.onx"),
    ]


def test_a_fault_in_defaults_is_told_once_for_all_models(tmp_path: Path) -> None:
    models = "".join(f"[models.m{n}]\nsource = 'a'\n" for n in range(9))
    told = wrong(
        tmp_path, f"format = 1\n[defaults]\noutput = '..'\ntargets.torchscript = {{}}\n{models}"
    )
    assert [(item.line, item.key) for item in told] == [
        (3, "defaults.output"),
        (4, "defaults.targets.torchscript"),
    ]


@pytest.mark.parametrize(
    ("content", "line", "column", "problem"),
    [
        (b"format = 1\nx = \n", 2, 5, "no valid TOML: Invalid value"),
        (b"format = 1\n[a\n", 2, 3, "no valid TOML: "),
        (b"format = 1\nformat = 1\n", 2, 11, "no valid TOML: "),
        (b"\xef\xbb\xbfx = \n", 1, 5, "no valid TOML: Invalid value"),
        (b"\xef\xbb\xbf\xff", 1, 1, "the file is not UTF-8"),
        (b"x = 1\n\xef\xbb\xbfy = 1\n", 2, 1, "no valid TOML: "),
        (b"a = 1\nb = '\xc3\xa4\xff'\n", 2, 7, "the file is not UTF-8"),
        (b"a = " + b"[" * 5000, 0, 0, "no usable TOML: "),
        (b"a = " + b"1" * 5000, 0, 0, "no usable TOML: "),
    ],
)
def test_text_that_is_no_toml(
    tmp_path: Path, content: bytes, line: int, column: int, problem: str
) -> None:
    path = tmp_path / "models.toml"
    path.write_bytes(content)
    (told,) = faults(path)
    assert (told.file, told.line, told.column) == ("models.toml", line, column)
    assert told.problem.startswith(problem)


def test_a_mark_of_utf_8_at_the_beginning_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_bytes(b"\xef\xbb\xbfformat = 2\n[models.a]\nsource = 'a'\ntargets.onnx = {}\n")
    (told,) = faults(path)
    assert (told.line, told.column, told.key) == (1, 1, "format")


def test_a_manifest_that_cannot_be_read(tmp_path: Path) -> None:
    (absent,) = faults(tmp_path / "absent.toml")
    assert absent.problem.endswith('absent.toml" cannot be read: No such file or directory')
    (folder,) = faults(tmp_path)
    assert folder.problem.endswith("cannot be read: Is a directory")


def test_symbolic_links_do_not_lead_outside(tmp_path: Path) -> None:
    outside, inside = tmp_path / "out", tmp_path / "in"
    outside.mkdir()
    inside.mkdir()
    (outside / "m.tm").touch()
    (inside / "file.tm").symlink_to(outside / "m.tm")
    (inside / "folder").symlink_to(outside)
    (inside / "loop").symlink_to("loop")
    text = "format = 1\n" + "".join(
        f"[models.{name}]\nsource = '{source}'\ntargets.onnx = {{}}\n"
        for name, source in {"a": "file.tm", "b": "folder/m.tm", "c": "folder/none.tm"}.items()
    )
    told = wrong(inside, text + "[models.'g-{stem}']\nsource = '*/*.tm'\ntargets.onnx = {}\n")
    assert [(item.line, item.problem.split(" leaves")[0]) for item in told] == [
        (3, '"file.tm"'),
        (6, '"folder/m.tm"'),
        (9, '"folder/none.tm"'),
        (12, '"folder/m.tm"'),
    ]


def test_models_that_share_a_name_across_files(tmp_path: Path) -> None:
    write(tmp_path, HEAD + "[models.M]\nsource = 'x.tm'\ntargets.onnx = {}\n", "sub/other.toml")
    (told,) = wrong(tmp_path, "include = ['sub/other.toml']\n" + GOOD)
    assert (told.file, told.line) == ("other.toml", 2)
    assert told.problem == 'a second model is named "M"'
    assert 'the first is "m", from models.m of' in told.hint


def test_two_files_of_a_glob_with_the_same_stem(tmp_path: Path) -> None:
    (tmp_path / "a.tm").touch()
    (tmp_path / "a.mge").touch()
    (told,) = wrong(tmp_path, HEAD + "[models.'{stem}']\nsource = 'a.*'\ntargets.onnx = {}")
    assert told.problem == 'a second model is named "a"'


def test_faults_of_included_files_have_their_own_places(tmp_path: Path) -> None:
    write(tmp_path, "format = 1\n\nx = 1\n", "sub/a.toml")
    write(tmp_path, "format = ", "b.toml")
    told = wrong(tmp_path, "format = 1\ny = 1\ninclude = ['sub/a.toml', 'b.toml', 'c.toml']\n")
    assert [(item.file, item.line, item.key) for item in told] == [
        ("models.toml", 2, "y"),
        ("models.toml", 3, "include.2"),
        ("a.toml", 3, "x"),
        ("b.toml", 1, ""),
    ]


def test_files_that_include_themselves(tmp_path: Path) -> None:
    write(tmp_path, "format = 1\ninclude = ['models.toml']\n", "a.toml")
    (told,) = wrong(tmp_path, "include = ['a.toml']\n" + GOOD)
    assert (told.file, told.line, told.key) == ("a.toml", 2, "include.0")
    assert told.problem.endswith('models.toml" includes itself')
