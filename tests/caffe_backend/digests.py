"""Prints the digests of the files of families, for comparing what different processes write."""

from __future__ import annotations

import hashlib
import sys

from tests.caffe_backend.running import export
from tests.zoo.test_convert import graph

if __name__ == "__main__":
    for name in sys.argv[1:]:
        files = export(graph(name, symbolic=False))
        for content in (files.text, files.binary):
            print(name, hashlib.sha256(content).hexdigest())
