"""Write traced families: `python -m tests.zoo FOLDER [NAME ...]` (all, if no name is given)."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.zoo import FAMILIES, trace


def main(folder: str, *names: str) -> None:
    """Trace `names` into `folder`."""
    for name in names or FAMILIES:
        trace(name, Path(folder) / f"{name}.tm")


if __name__ == "__main__":
    main(*sys.argv[1:])
