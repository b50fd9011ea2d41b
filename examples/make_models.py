"""Make the models of models.toml that are not committed, with fixed seeds: the same bytes always.

python examples/make_models.py [NAME ...] [--output FOLDER]
python examples/make_models.py NAME --output FILE.tm
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.zoo.large import LARGE  # noqa: E402
from tests.zoo.tracing import save, trace_family  # noqa: E402

EXAMPLES = tuple(name for name in LARGE if name != "resnet50")


def main(arguments: list[str] | None = None) -> None:
    """Write the named models, or all of the examples."""
    parser = argparse.ArgumentParser(description="Make the example models.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(LARGE)}")
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "examples" / "build" / "models",
        help="a folder, or for one model a file that ends in .tm (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    names = options.names or EXAMPLES
    unknown = [name for name in names if name not in LARGE]
    if unknown:
        parser.error(f"no such model: {', '.join(unknown)}; there are: {', '.join(LARGE)}")
    single = options.output.suffix == ".tm"
    if single and len(names) != 1:
        parser.error("a file as output is for one model")
    for name in names:
        save(trace_family(LARGE[name]), options.output if single else options.output / f"{name}.tm")


if __name__ == "__main__":
    main()
