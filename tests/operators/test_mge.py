"""Every operator case from `.mge`: through the IR's interpreter and through ONNX in onnxruntime.

The results are held to what MegEngine computes from the same file.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
import pytest

from mgeconvert import frontends
from mgeconvert.errors import ConversionFailed
from tests.cases import FAMILIES, Case
from tests.cases.prepared import files
from tests.operators import running
from tests.operators.dumps import row_of, rows
from tests.operators.test_traced import FAST, TABLE

# The frontends meet in the IR, and the cases run at the other opsets from `.tm`.
OPSETS = [
    pytest.param(n, marks=pytest.mark.slow if n == FAST else pytest.mark.full) for n in range(7, 24)
]


@pytest.mark.parametrize(("case", "family"), TABLE)
def test_interpreted(case: Case, family: str) -> None:
    row = row_of(case, "error")
    if row is None:
        running.check_interpreted(case, family, "mge")
    else:
        made = files(case, FAMILIES[family])
        assert row["text"] in made.failures.get("mge", ""), "MegEngine can dump this case"


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize(("case", "family"), TABLE)
def test_onnx(case: Case, family: str, opset: int) -> None:
    if row_of(case, "error") is None:
        running.check_onnx(case, family, "mge", opset)


@pytest.mark.parametrize(("case", "family"), TABLE)
def test_dump_computes_what_the_module_computes(case: Case, family: str) -> None:
    """Where MegEngine's own dump computes something else, a row says so."""
    made = files(case, FAMILIES[family])
    if row_of(case, "error") is not None:
        return
    pairs = zip(made.graph_outputs(), made.outputs(), strict=True)
    same = all(
        a.shape == (b.shape or (1,)) and np.allclose(a, b, case.rtol, case.atol, equal_nan=True)
        for a, b in pairs
    )
    assert same is (row_of(case, "differs") is None)


@pytest.mark.parametrize(("case", "family"), [p for p in TABLE if row_of(p.values[0], "baked")])
def test_baked_batch_is_refused(case: Case, family: str) -> None:
    """A dump that holds the batch size of its trace has no symbolic one, in MegEngine neither."""
    made = files(case, FAMILIES[family])
    row = row_of(case, "baked")
    assert row is not None
    assert row["text"] in made.failures.get("mge5", "")
    shapes = {f"arg_{i}": ("N", *data.shape[1:]) for i, (_, data) in enumerate(case.data)}
    with pytest.raises(ConversionFailed, match="shape"):
        frontends.read(made.mge, shapes=shapes, outputs=())


def test_every_row_is_used() -> None:
    ids = [case.id for family in FAMILIES.values() for case in family]
    for row in rows():
        for pattern in row["cases"]:
            assert any(fnmatchcase(name, pattern) for name in ids), pattern
