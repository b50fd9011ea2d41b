"""A runtime that misbehaves as the opened path says."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

import numpy as np

from mgeconvert.check.runners.protocol import Arrays, Description, Port


class Runtime:
    name = "broken"

    def __init__(self) -> None:
        self.how = ""

    def versions(self) -> dict[str, str]:
        return {"broken": "1"}

    def open(self, path: str, *, format: str, outputs: Sequence[str]) -> Description:
        self.how = path
        if path == "refuse":
            raise ValueError("no such model")
        return Description((Port("x", "float32", ("N", 2)),), (Port("y", "float32", None),))

    def run(self, feeds: Arrays) -> dict[str, np.ndarray]:
        print("printed on stdout")
        print("printed on stderr", file=sys.stderr, flush=True)
        if self.how == "abort":
            os.abort()
        if self.how == "exit":
            os._exit(3)
        if self.how == "hang":
            time.sleep(600)
        if self.how == "memory":
            return {"y": np.ones(1 << 26)}
        if self.how == "strings":
            return {"y": np.array(["a"])}
        if self.how == "flush":
            return {"y": np.frombuffer(os.environb[b"OMP_NUM_THREADS"], np.uint8)}
        return {name: array + 1 for name, array in feeds.items()}

    def close(self) -> None:
        self.how = ""
