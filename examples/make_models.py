"""Make the models of models.toml that are not committed, with fixed seeds: the same bytes always.

python examples/make_models.py [NAME ...] [--output FOLDER]
python examples/make_models.py NAME --output FILE
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.zoo.large import LARGE  # noqa: E402
from tests.zoo.tracing import arrays, save, trace_family  # noqa: E402

FOLDER = ROOT / "examples" / "build" / "models"
DIGITS = ROOT / "examples" / "digits.tm"


@dataclass(frozen=True)
class Dump:
    """A graph that `trace.dump` writes with `options`: of the digits, or of a family of LARGE."""

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)


FUSED = {"enable_fuse_conv_bias_nonlinearity": True, "enable_fuse_conv_bias_with_z": True}
DUMPS = {
    "digits-v2": Dump("digits"),
    "digits-v1": Dump("digits", {"dump_format": "FBS"}),
    "digits-fused": Dump("digits", FUSED),
    "digits-nchw44": Dump("digits", {"enable_nchw44": True, **FUSED}),
    "resnet18-fused": Dump("resnet18", FUSED),
    "resnet50-v2": Dump("resnet50"),
}
FILES = [f"{name}.tm" for name in LARGE] + [f"{name}.mge" for name in DUMPS]
# Of real size, and for the benchmarks alone.
EXAMPLES = tuple(Path(file).stem for file in FILES if not file.startswith("resnet50"))


def main(arguments: list[str] | None = None) -> None:
    """Write the named models, or all of the examples."""
    known = {Path(file).stem: file for file in FILES}
    parser = argparse.ArgumentParser(description="Make the example models.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    parser.add_argument(
        "--output",
        type=Path,
        default=FOLDER,
        help="a folder, or for one model a file that ends as its own (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    names = options.names or EXAMPLES
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no such model: {', '.join(unknown)}; there are: {', '.join(known)}")
    single = options.output.suffix in (".tm", ".mge")
    if single and len(names) != 1:
        parser.error("a file as output is for one model")
    if single and options.output.suffix != Path(known[names[0]]).suffix:
        parser.error(f"{names[0]} is a {Path(known[names[0]]).suffix} file")
    for name in names:
        make(name, options.output if single else options.output / known[name])


def make(name: str, path: Path) -> None:
    """Write the model `name` at `path`."""
    if name in DUMPS:
        write_dump(DUMPS[name], path)
    else:
        save(trace_family(LARGE[name]), path)


def write_dump(dump: Dump, path: Path) -> None:
    """Trace the model as a graph, and write it so that a file at `path` is always a whole one."""
    import megengine
    from megengine.jit import trace

    module, feeds = _model(dump.model)
    traced = trace(lambda *inputs: module(*inputs), symbolic=True, capture_as_const=True)
    traced(*map(megengine.Tensor, feeds.values()))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent)
    os.close(handle)
    try:
        traced.dump(partial, arg_names=list(feeds), output_names=["logits"], **dump.options)
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _model(name: str) -> tuple[Callable[..., Any], Mapping[str, Any]]:
    """Return the model and what it is traced with."""
    import megengine
    import numpy as np

    if name == "digits":
        module = megengine.load(str(DIGITS))
        module.eval()
        return module, {"data": np.zeros((2, 1, 8, 8), np.float32)}
    return LARGE[name].build(), arrays(LARGE[name])


if __name__ == "__main__":
    main()
