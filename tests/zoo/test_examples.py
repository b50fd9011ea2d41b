"""The committed classifier and its data, and the maker of the other examples."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import tomli
from sklearn.datasets import load_digits

from mgeconvert.build.plan import unchecked
from mgeconvert.build.single import convert_single
from mgeconvert.frontends.mge.read import read
from mgeconvert.manifest import InputSpec, OnnxOptions, single_job
from tests.zoo.child import ROOT
from tests.zoo.large import LARGE

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "examples"

COMMITTED = {"digits.tm": 1794, "digits_qat.tm": 1793, "digits_int8.tm": 1793}
"""How many of the 1,797 images MegEngine names rightly by each of the committed files."""
DUMPS = ("digits-v2", "digits-v1", "digits-fused", "digits-nchw44", "resnet18-fused")

TOP1 = """
import sys
import megengine, numpy as np
model = megengine.load(sys.argv[1])
model.eval()
data = np.load(sys.argv[2])
logits = model(megengine.Tensor(data["data"].astype(np.float32))).numpy()
print(int((logits.argmax(1) == data["labels"]).sum()))
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the repository."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the maker of the examples."""
    return python(str(EXAMPLES / "make_models.py"), *arguments)


def test_digits_are_those_of_scikit_learn() -> None:
    digits = load_digits()
    with np.load(EXAMPLES / "digits.npz") as data:
        assert np.array_equal(data["data"][:, 0], digits.images)
        assert np.array_equal(data["labels"], digits.target)


@pytest.mark.parametrize("name", COMMITTED)
def test_digits_classifiers_are_small_and_right(name: str) -> None:
    assert (EXAMPLES / name).stat().st_size <= 200_000
    done = python("-c", TOP1, str(EXAMPLES / name), str(EXAMPLES / "digits.npz"))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == COMMITTED[name]


@pytest.mark.parametrize("quantize", [False, True])
@pytest.mark.parametrize("opset", [13, 21])
@pytest.mark.parametrize("name", [name for name in COMMITTED if name != "digits.tm"])
def test_quantized_digits_lose_next_to_nothing(
    tmp_path: Path, name: str, opset: int, quantize: bool
) -> None:
    options = OnnxOptions(opset=opset, quantize=quantize)
    file = tmp_path / "m.onnx"
    source = EXAMPLES / name
    shape = InputSpec(name="data", shape=("N", 1, 8, 8))
    job = single_job(source=source, output=file, format="onnx", options=options, inputs=(shape,))
    convert_single(unchecked(job))
    assert (tmp_path / "m.quant_params.json").exists()
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    with np.load(EXAMPLES / "digits.npz") as data:
        (logits,) = session.run(None, {"data": data["data"].astype(np.float32)})
        right = int(np.sum(logits.argmax(1) == data["labels"]))
    assert right >= COMMITTED[name] - 0.003 * len(logits)


def test_manifest_names_the_committed_files_and_all_that_is_made() -> None:
    models = tomli.loads((EXAMPLES / "models.toml").read_text())["models"]
    for name in COMMITTED:
        model = next(model for model in models.values() if model["source"] == name)
        assert model["sha256"] == hashlib.sha256((EXAMPLES / name).read_bytes()).hexdigest()
    sources = {model["source"] for model in models.values()} - set(COMMITTED)
    made = {f"build/models/{name}.tm" for name in LARGE if name != "resnet50"}
    dumps = {f"build/models/{name}.mge" for name in DUMPS}
    assert sources == made | dumps


def test_examples_are_made_with_the_same_bytes(tmp_path: Path) -> None:
    assert make("vit", "fcos", *DUMPS, "--output", str(tmp_path)).returncode == 0
    assert make("vit", "--output", str(tmp_path / "again" / "one.tm")).returncode == 0
    assert sorted(path.name for path in tmp_path.glob("*.tm")) == ["fcos.tm", "vit.tm"]
    assert (tmp_path / "vit.tm").read_bytes() == (tmp_path / "again" / "one.tm").read_bytes()
    assert make(*DUMPS, "--output", str(tmp_path / "dumps")).returncode == 0
    for name in DUMPS:
        again = tmp_path / "dumps" / f"{name}.mge"
        assert again.read_bytes() == (tmp_path / f"{name}.mge").read_bytes()


def test_dumps_are_what_their_names_say(tmp_path: Path) -> None:
    assert make(*DUMPS, "--output", str(tmp_path)).returncode == 0
    found = {name: read(tmp_path / f"{name}.mge") for name in DUMPS}
    assert {name: model.kind for name, model in found.items()} == {
        name: "fbs-v1" if name == "digits-v1" else "fbs-v2" for name in DUMPS
    }
    types = {name: {oper.type for oper in model.operators} for name, model in found.items()}
    assert "ConvBiasForward" not in types["digits-v2"]
    assert "ConvBiasForward" in types["digits-fused"] & types["resnet18-fused"]
    shapes = [len(t.shape) for t in found["digits-nchw44"].constants().values()]
    assert max(shapes) == 6


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("resnet19",), "no such model: resnet19"),
        (("vit", "unet", "--output", "one.tm"), "a file as output is for one model"),
        (("vit", "--output", "one.mge"), "vit is a .tm file"),
        (("digits-v2", "--output", "one.tm"), "digits-v2 is a .mge file"),
    ],
)
def test_wrong_arguments_make_nothing(arguments: tuple[str, ...], problem: str) -> None:
    done = make(*arguments)
    assert done.returncode == 2
    assert problem in done.stderr
