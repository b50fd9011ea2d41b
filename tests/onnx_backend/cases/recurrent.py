"""Cases of recurrent layers."""

from __future__ import annotations

from typing import Any

from mgeconvert.ir import Op, ops
from tests.onnx_backend.case import F16, F32, F64, Case, Operand, case


def layer(
    op: Op, gates: int, states: int, *, directions: int, fixed: bool, make: Any = F32
) -> Case:
    weights: list[Operand] = [
        make(directions, gates * 4, 3).between(-0.5, 0.5),
        make(directions, gates * 4, 4).between(-0.5, 0.5),
        make(directions, gates * 4).between(-0.5, 0.5),
    ]
    return case(
        op,
        make(5, 2, 3),
        *(w.fixed() if fixed else w for w in weights),
        *(make(directions, 2, 4) for _ in range(states)),
        rtol=5e-3 if make is F16 else 1e-5,
        atol=5e-3 if make is F16 else 1e-6,
    )


CASES: list[Case] = [
    *(
        layer(ops.Lstm(), 4, 2, directions=d, fixed=fixed)
        for d in (1, 2)
        for fixed in (True, False)
    ),
    *(
        layer(ops.Rnn(activation=a), 1, 1, directions=d, fixed=True)
        for d in (1, 2)
        for a in ("tanh", "relu", "identity")
    ),
    *(layer(ops.Lstm(), 4, 2, directions=1, fixed=True, make=m) for m in (F16, F64)),
]
