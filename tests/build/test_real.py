"""The same on a real model: the committed digits classifier, our converter, MegEngine's check."""

import json
import shutil
import subprocess
import sys
import time
from importlib import metadata

import pytest

from mgeconvert.build.plan import Build
from mgeconvert.build.toolchain import CORE, LIBRARIES, PACKAGE, Toolchains
from tests.build.project import ROOT, Project

TARGETS = """
[models.digits.targets.onnx]
[models.digits.targets.onnx-11]
format = "onnx"
opset = 11
fold_bn = false
"""
# Sources that a conversion loads and that do not decide what it writes: what they do is in the key
# (settings), or is moving bytes.
NEUTRAL = ("__init__.py", "build/", "manifest/")
# Distributions that the named ones bring along and that only pass data on.
BROUGHT = {"ml-dtypes", "typing-extensions", "mgeconvert", "setuptools"}


class RealProject(Project):
    def build(self, **options):
        return Build(self.manifest)


@pytest.fixture
def real(tmp_path, monkeypatch):
    project = RealProject(tmp_path, monkeypatch)
    shutil.copy(ROOT / "examples" / "digits.tm", project.folder / "digits.tm")
    project.tables["digits"] = f"""
[models.digits]
source = "digits.tm"
inputs.data.shape = ["N", 1, 8, 8]
{TARGETS}"""
    project.write()
    return project


def test_a_real_model_is_built_once(real):
    assert set(real.run().values()) == {"made"}
    before = real.published()
    assert len(before) == 2
    begun = time.monotonic()
    assert real.run() == {}
    assert time.monotonic() - begun < 2
    for path in (real.folder / "build").rglob("*.onnx"):
        path.unlink()
    assert set(real.run().values()) == {"restored"}
    assert real.published() == before


def test_two_conversions_give_the_same_bytes(real):
    build = real.build()
    (job, _) = build.jobs
    first = build.engine.convert(job)
    result = build.engine.known.result(job)
    build.close()
    assert first.action == "made"
    shutil.rmtree(real.folder / ".mgeconvert")
    again = real.build()
    again.engine.convert(job)
    assert again.engine.known.result(job).files == result.files
    again.close()


def test_the_fingerprint_covers_all_that_a_conversion_loads(real, tmp_path):
    (job, _) = real.build().jobs
    code = """
import json, sys
from pathlib import Path
from mgeconvert.build.convert import convert
from mgeconvert.manifest import Job
job = Job.from_dict(json.loads(sys.argv[1]))
artifact = convert(job, modes=(), source_sha256="0" * 64)
for chunks in artifact.files.values():
    for chunk in chunks:
        pass
found = [(name, getattr(module, "__file__", None)) for name, module in list(sys.modules.items())]
print(json.dumps(found))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(job.as_dict())],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    loaded = [(name, path) for name, path in json.loads(done.stdout) if path]
    build = real.build()
    chains = Toolchains(build.engine.state.hashes)
    parts = ("frontends/traced", "backends/onnx")
    covered = {str(path) for path in chains.files((*CORE, *parts))}
    ours = {path for name, path in loaded if name.split(".")[0] == "mgeconvert"}
    ours = {path for path in ours if not path.endswith(".so")}  # native/ stands for it
    neutral = {p for p in ours if p.removeprefix(f"{PACKAGE}/").startswith(NEUTRAL)}
    assert len(ours & covered) > 20
    assert ours - neutral - covered == set()

    owners = metadata.packages_distributions()
    foreign = {
        dist.lower().replace("_", "-")
        for name, path in loaded
        if "site-packages" in path
        for dist in owners.get(name.split(".")[0], [])
    }
    named = {name for part in ("core", *parts) for name in LIBRARIES.get(part, ())}
    assert foreign - named - BROUGHT == set()
