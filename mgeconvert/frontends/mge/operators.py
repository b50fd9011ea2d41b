"""What version 1 of the format leaves out: an operator's name, and how many variables it makes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from mgeconvert.frontends.mge.records import MgeParam

# Outputs that count as variables; scratch memory does not. One, where nothing is said.
OUTPUTS: Mapping[str, int] = {
    "Argsort": 2,
    "BatchNorm": 4,
    "CondTake": 2,
    "DeformablePSROIPoolingForward": 2,
    "Dropout": 2,
    "GeneralNorm": 3,
    "GroupNorm": 3,
    "InstanceNorm": 3,
    "LSTMCellForward": 3,
    "LSTMForward": 4,
    "LayerNorm": 3,
    "MultiHeadAttn": 4,
    "NMSKeepMGB": 2,
    "RNNForward": 3,
    "ROIAlign": 2,
    "ROIPooling": 2,
    "SVD": 3,
}

# Each of these makes one variable per tensor that it has.
HOLDERS = frozenset({"MultipleDeviceTensorHolder", "MultipleDeviceTensorWithFormatHolder"})


@lru_cache(maxsize=1)
def _names() -> Mapping[int, str]:
    source = files(__package__).joinpath("tables") / "operators.json"
    hashes: Mapping[str, str] = json.loads(source.read_text(encoding="utf-8"))
    return {int(number, 16): name for number, name in hashes.items()}


def operator_name(type_id: int) -> str:
    """Return the registered name behind a hash, or "#" and the hash in hexadecimal."""
    return _names().get(type_id) or f"#{type_id:016x}"


def count_outputs(kind: str, *, inputs: int, tensors: int, param: MgeParam | None) -> int:
    """Return how many variables an operator makes, from its type and what it has."""
    if kind in HOLDERS:
        return tensors
    if kind == "Split":
        return max(inputs - 1, 1)
    if kind == "TopK":
        return 1 if param and param.values.get("mode") == "KTH_ONLY" else 2
    return OUTPUTS.get(kind, 1)
