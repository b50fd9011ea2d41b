"""Manifests with QAT and quantized models, from the file to the verdict."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

import megengine.module as M  # noqa: E402

from mgeconvert.build.plan import Build  # noqa: E402
from mgeconvert.check.result import CheckResult  # noqa: E402
from tests.build.project import ROOT, Project  # noqa: E402
from tests.quant import configs, networks  # noqa: E402
from tests.quant.test_references import dumped  # noqa: E402

pytestmark = pytest.mark.slow


class RealProject(Project):
    def __init__(self, folder, monkeypatch):
        super().__init__(folder, monkeypatch)
        self.results = {}

    def build(self, **options):
        return Build(self.manifest)

    def add(self, name, keys, *, source=""):
        self.tables[name] = f'[models.{name}]\nsource = "{source or name}.tm"\n{keys}\n'
        self.write()

    def save(self, name, module, *arrays):
        from megengine.traced_module import trace_module

        traced = trace_module(module, *map(mge.Tensor, arrays))
        mge.save(traced, str(self.folder / f"{name}.tm"))

    def run(self, *names, **options):
        """Do what is not current; keep results and verdicts, all by one reading of our sources."""
        build, done = self.build(), {}
        known = build.engine.known
        try:
            for job in build.select(names):
                if not known.is_converted(job):
                    done[f"convert {job.name}"] = build.engine.convert(job)
                    if not done[f"convert {job.name}"].ok:
                        continue
                if not known.is_checked(job):
                    done[f"check {job.name}"] = build.engine.check(job)
                result = known.result(job)
                verdict = known.verdict(job, result) if result and result.ok else None
                self.results[job.name] = result, verdict
        finally:
            build.close()
        self.outcomes = done
        return {name: outcome.action for name, outcome in done.items()}

    def checked(self, name):
        result, verdict = self.results[name]
        details = {k: v for k, v in verdict.details.items() if k != "diagnosis"}
        return CheckResult.from_dict(details), result

    def problems(self, stage):
        return " ".join(problem["problem"] for problem in self.outcomes[stage].problems)


@pytest.fixture
def real(tmp_path, monkeypatch):
    return RealProject(tmp_path, monkeypatch)


def digits(real, name):
    for file in (f"{name}.tm", "digits.npz"):
        shutil.copy(ROOT / "examples" / file, real.folder / file)


DIGITS = """
labels = "digits.npz"
metric = "top1"
inputs.data = { shape = ["N", 1, 8, 8], sample = "digits.npz" }
"""


def test_each_artifact_has_its_reference(real):
    names = "digits_qat", "digits_int8"
    for name in names:
        digits(real, name)
        real.add(
            name,
            f"""{DIGITS}
targets.onnx = {{}}
targets.whole = {{ format = "onnx", opset = 13, quantize = true, check.atol_lsb = 1 }}
""",
        )
        keys = f"{DIGITS}\nquantization.param_fake_quant = true\ntargets.onnx = {{}}"
        real.add(f"rounded_{name}", keys, source=name)
    assert set(real.run().values()) == {"made"}
    for name in names:
        plain, _ = real.checked(f"{name}:onnx")
        whole, made = real.checked(f"{name}:whole")
        rounded, _ = real.checked(f"rounded_{name}:onnx")
        kept = [found.rounding for found in (plain, whole, rounded)]
        assert kept == ["none", "kept", "parameters"]
        for found in (plain, rounded):
            assert found.cases[-1].comparisons[0].snr_db > 100
            assert found.cases[-1].comparisons[0].steps is None
        compared = whole.cases[-1].comparisons[0]
        assert sum(compared.steps) == 17970
        assert compared.steps[2:] == (0, 0)
        assert whole.top1.agree == whole.top1.rows == 1797
        assert whole.top1.source_right == whole.top1.artifact_right == 1793
        files = [file.name for file in made.files]
        assert files == [f"{name}.onnx", f"{name}.quant_params.json"]


def test_a_wrong_step_fails(real):
    real.save("dense", networks.trained("dense"), networks.inputs("dense"))
    real.add("dense", "targets.onnx = {}")
    real.run()
    path = real.artifact("dense").with_name("dense.quant_params.json")
    entries = json.loads(path.read_text())
    inner = [n for n, entry in entries.items() if not entry["is_weight"]][1]
    changed = {inner: {**entries[inner], "scale": entries[inner]["scale"] * 3}}
    (real.folder / "changed.json").write_text(json.dumps(changed))
    quantized = 'format = "onnx", opset = 13, quantize = true'
    real.add(
        "dense",
        f"""
quantization.params = "changed.json"
targets.wide = {{ {quantized} }}
targets.steps = {{ {quantized}, check.atol_lsb = 1 }}
targets.snr = {{ {quantized}, check.min_snr = 50 }}
""",
    )
    done = real.run()
    checks = [done[f"check dense:{name}"] for name in ("wide", "steps", "snr")]
    assert checks == ["made", "failed", "failed"]
    assert "are off by more than 1 steps" in real.problems("check dense:steps")
    assert "50 dB are asked for" in real.problems("check dense:snr")


def test_parameters_are_supplied_to_a_float_model(real):
    x = networks.inputs("dense")
    real.save("plain", networks.plain("dense"), x)
    trained = networks.trained("dense")
    real.save("trained", trained, x)
    real.add("trained", "targets.onnx = {}")
    real.add("plain", "targets.onnx = {}")
    real.run()
    assert not real.artifact("plain").with_name("plain.quant_params.json").exists()
    import onnx

    known = onnx.load(real.artifact("plain")).graph
    names = {name for node in known.node for name in (*node.input, *node.output)}
    path = real.artifact("trained").with_name("trained.quant_params.json")
    entries = {name: e for name, e in json.loads(path.read_text()).items() if name in names}
    assert len(entries) >= 4
    params = real.folder / "params.json"
    params.write_text(json.dumps(entries))
    target = 'targets.onnx = { opset = 13, quantize = true }\nquantization.params = "params.json"'
    real.add("plain", target)
    assert real.run("plain") == {"convert plain:onnx": "made", "check plain:onnx": "made"}
    checked, made = real.checked("plain:onnx")
    assert 15 < checked.cases[0].comparisons[0].snr_db < 60
    assert [file.name for file in made.files][1] == "plain.quant_params.json"
    assert "QuantizeLinear" in {n.op_type for n in onnx.load(real.artifact("plain")).graph.node}

    first = next(iter(entries))
    entries[first]["scale"] *= 2
    params.write_text(json.dumps(entries))
    assert "made" in real.run("plain").values()  # by the file's content
    assert real.run("plain") == {}
    params.write_text(json.dumps({**entries, "nothing": entries[first]}))
    assert real.run("plain") == {"convert plain:onnx": "failed"}
    assert "no tensor 'nothing'" in real.problems("convert plain:onnx")
    params.write_text("[]")
    assert real.run("plain") == {"convert plain:onnx": "failed"}
    assert "params.json is no object" in real.problems("convert plain:onnx")
    params.unlink()
    assert real.run("plain") == {"convert plain:onnx": "failed"}
    assert "cannot be read" in real.problems("convert plain:onnx")


def test_parameters_that_say_nothing_new_are_listed(real):
    x = networks.inputs("dense")
    real.save("trained", networks.trained("dense"), x)
    real.add("trained", "targets.onnx = {}")
    real.run()
    path = real.artifact("trained").with_name("trained.quant_params.json")
    shutil.copy(path, real.folder / "same.json")
    real.add("trained", 'targets.onnx = {}\nquantization.params = "same.json"')
    real.run()
    _, made = real.checked("trained:onnx")
    entries = json.loads(path.read_text())
    assert len([note for note in made.notes if "says nothing new" in note]) == len(entries)


class Unstubbed(M.Module):
    """Layers without stubs: what the inputs are, only the user knows."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = M.ConvRelu2d(3, 4, 3, padding=1)
        self.add = M.Elemwise("add")

    def forward(self, image, other):
        return self.add(self.conv(image), other)


def unstubbed(real):
    random = np.random.RandomState(1)
    x, y = (random.randn(2, c, 6, 6).astype(np.float32) for c in (3, 4))
    real.save("bare", configs.trained(configs.randomized(Unstubbed()), "ema", x, y), x, y)


KINDS = {
    "qint8": (0.03, None),
    "int8": (0.03, 3),
    "quint8": (0.03, 128),
    "uint8": (0.03, 100),
    "int16": (0.0002, None),
    "int32": (0.001, None),
}


def test_inputs_without_a_stub_are_quantized_as_the_manifest_says(real):
    unstubbed(real)
    for kind, (scale, zero) in KINDS.items():
        zeros = "" if zero is None else f"quantization.input_zero_points = [{zero}, {zero}]"
        real.add(
            kind,
            f"""
quantization.input_data_type = "{kind}"
quantization.input_scales = [{scale}, {scale}]
{zeros}
targets.onnx = {{ opset = 21, quantize = true, check.atol_lsb = 1 }}
""",
            source="bare",
        )
    assert set(real.run().values()) == {"made"}
    for kind, (scale, zero) in KINDS.items():
        path = real.artifact(kind).with_name(f"{kind}.quant_params.json")
        entries = json.loads(path.read_text())
        for name in ("image", "other"):
            assert entries[name]["scale"] == float(np.float32(scale))
            assert entries[name]["zero_point"] == zero
            assert entries[name]["dtype"] == kind.replace("q", "")


def test_each_input_needs_its_scale(real):
    unstubbed(real)
    keys = 'quantization.input_data_type = "qint8"\nquantization.input_scales = [0.5]\n'
    real.add("bare", keys + "targets.onnx = { opset = 13, quantize = true }")
    assert real.run() == {"convert bare:onnx": "failed"}
    assert "1 input scales and 1 zero points for 2 inputs" in real.problems("convert bare:onnx")


def test_steps_need_a_quantized_output(real):
    x = networks.inputs("depthwise")
    real.save("half", networks.trained("depthwise"), x)
    keys = "targets.onnx = { opset = 13, quantize = true, check.atol_lsb = 1 }"
    real.add("half", keys)
    assert real.run()["check half:onnx"] == "failed"
    assert "atol_lsb needs a quantized output" in real.problems("check half:onnx")


def test_dumps_are_compared_with_what_megengine_can_compute_of_them(real):
    """Fake quantization is taken out of a dump, whole numbers are not."""
    x = networks.inputs("dense")
    for name in ("trained", "quantized"):
        dumped(getattr(networks, name)("dense"), real.folder / f"{name}.mge", x)
        real.tables[name] = f"""
[models.{name}]
source = "{name}.mge"
targets.onnx = {{}}
targets.whole = {{ format = "onnx", opset = 13, quantize = true, check.atol_lsb = 1 }}
"""
    real.write()
    assert set(real.run().values()) == {"made"}
    assert set(real.run().values()) == set()
    rounding = {name: real.checked(name)[0].rounding for name in real.results}
    assert rounding == {
        "trained:onnx": "none",
        "trained:whole": "kept",
        "quantized:onnx": "kept",
        "quantized:whole": "kept",
    }
    mixed, _ = real.checked("quantized:onnx")
    assert (mixed.rtol, mixed.atol, mixed.min_snr) == (None, None, 15.0)
    assert 15 < mixed.cases[0].comparisons[0].snr_db < 60
