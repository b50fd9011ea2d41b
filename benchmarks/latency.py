"""One inference of the same network in LiteRT and in onnxruntime, one thread each.

python -m benchmarks.latency [RUNS] [MODEL ...]

Each model is converted to both formats from the same `.tm`. Then both runtimes run in turn on the
same input, RUNS times after three runs that are not counted; the ratio is that of the medians.
LiteRT runs with its default delegate (XNNPACK) as applications do, and without it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter, OpResolverType

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("resnet50", "mobilenetv2", "vit")
WARM = 3


def convert(source: Path, output: Path) -> None:
    command = Path(sys.executable).with_name("mgeconvert")
    name = f"tracedmodule_to_{output.suffix[1:]}"
    options = ["--opset", "17"] if output.suffix == ".onnx" else []
    subprocess.run([command, name, "-i", source, "-o", output, *options], check=True)


def onnx_runner(path: Path, data: np.ndarray) -> Callable[[], object]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: data})


def tflite_runner(path: Path, data: np.ndarray, resolver: OpResolverType) -> Callable[[], object]:
    model = Interpreter(model_path=str(path), num_threads=1, experimental_op_resolver_type=resolver)
    (port,) = model.get_input_details()
    stored = data if tuple(port["shape"]) == data.shape else data.transpose(0, 2, 3, 1)
    model.allocate_tensors()
    model.set_tensor(port["index"], np.ascontiguousarray(stored))
    return model.invoke


def milliseconds(run: Callable[[], object]) -> float:
    start = perf_counter()
    run()
    return 1000 * (perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=20)
    parser.add_argument("models", nargs="*", default=MODELS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for model in arguments.models:
            measure(model, Path(name), arguments.runs)


def measure(model: str, folder: Path, runs: int) -> None:
    source = folder / f"{model}.tm"
    maker = ROOT / "examples" / "make_models.py"
    subprocess.run([sys.executable, maker, model, "--output", source], check=True)
    for ending in (".onnx", ".tflite"):
        convert(source, source.with_suffix(ending))
    shape = onnxruntime.InferenceSession(str(source.with_suffix(".onnx"))).get_inputs()[0].shape
    data = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    runners = {
        "onnxruntime": onnx_runner(source.with_suffix(".onnx"), data),
        "LiteRT": tflite_runner(source.with_suffix(".tflite"), data, OpResolverType.AUTO),
        "LiteRT without XNNPACK": tflite_runner(
            source.with_suffix(".tflite"), data, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        ),
    }
    times: dict[str, list[float]] = {name: [] for name in runners}
    for turn in range(WARM + runs):
        for name, run in runners.items():
            taken = milliseconds(run)
            if turn >= WARM:
                times[name].append(taken)
    base = statistics.median(times["onnxruntime"])
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(f"{model:12} {name:23} {middle:8.2f} ms, {middle / base:.2f} of onnxruntime's")


if __name__ == "__main__":
    main()
