"""The core imports where onnx, torch, flatbuffers, cv2 and MegEngine are not installed."""

import json
import subprocess
import sys
from pathlib import Path

import tomli

ROOT = Path(__file__).parents[2]
ABSENT = (
    "cv2",
    "doit",
    "flatbuffers",
    "megengine",
    "onnx",
    "onnxoptimizer",
    "onnxruntime",
    "onnxsim",
    "torch",
)
# Whole trees; of the other layers only the package itself, which loads a format when asked for it.
TREES = ("errors", "rules", "native", "ir", "manifest", "frontends.mge", "frontends.traced")
TOPMOST = "manifest"

# Runs in a process of its own: blocks what is absent, imports, and prints what was imported.
CHILD = """
import importlib, json, pkgutil, sys
absent, names, trees = json.loads(sys.argv[1])

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked)", name=name)

sys.meta_path.insert(0, Absent())
done = []
def load(name):
    module = importlib.import_module(name)
    done.append(name)
    if any(name == tree or name.startswith(tree + ".") for tree in trees):
        for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
            if found.name != "__main__":
                load(f"{name}.{found.name}")
for name in names:
    load(name)
print(json.dumps(done))
"""


def exists(name):
    path = ROOT / "mgeconvert" / name.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def core_layers():
    """The layers of pyproject.toml, errors first, up to the one of the manifest."""
    contracts = tomli.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    lines = [[part.strip(" ()") for part in layer.split("|")] for layer in reversed(layers)]
    last = next(index for index, line in enumerate(lines) if TOPMOST in line)
    return [name for line in lines[: last + 1] for name in line if exists(name)]


def import_without(absent, names, trees):
    command = [sys.executable, "-I", "-W", "error", "-c", CHILD, json.dumps([absent, names, trees])]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_core_imports_without_the_formats_libraries():
    trees = [f"mgeconvert.{tree}" for tree in TREES if exists(tree)]
    names = [f"mgeconvert.{layer}" for layer in core_layers()]
    done = import_without(ABSENT, ["mgeconvert", *names, *trees], trees)
    assert done.returncode == 0, done.stderr
    imported = json.loads(done.stdout)
    assert {"mgeconvert.errors", "mgeconvert.rules", "mgeconvert.native"} <= set(imported)
    assert set(names) <= set(imported)


def test_block_works():
    """The test above can fail: with numpy blocked, the module that needs it does not import."""
    done = import_without(["numpy"], ["mgeconvert.native"], [])
    assert done.returncode == 1
    assert "No module named 'numpy' (blocked)" in done.stderr
