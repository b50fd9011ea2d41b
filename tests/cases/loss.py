"""Losses that compare two tensors."""

from __future__ import annotations

from tests.cases.case import Case, case, f32, i32

X = f32(3, 4)
SHARES = f32(3, 4, low=0.05, high=0.9)
LABELS = i32(3, low=0, high=3)
REDUCTIONS = ("", ", reduction='sum'", ", reduction='none'")

CASES: list[Case] = [
    *(
        case(f"F.loss.{name}(x, y{reduction})", x=X, y=X, rtol=1e-4)
        for name in ("l1_loss", "square_loss", "hinge_loss")
        for reduction in REDUCTIONS
    ),
    case("F.loss.hinge_loss(x, y, 'L2')", x=X, y=X, rtol=1e-4),
    *(
        case(f"F.loss.binary_cross_entropy(x, y{more})", x=SHARES, y=SHARES, rtol=1e-4)
        for more in (*REDUCTIONS, ", with_logits=False", ", False")
    ),
    *(
        case(f"F.loss.cross_entropy(x, y{more})", x=SHARES, y=LABELS, rtol=1e-4)
        for more in (
            *REDUCTIONS,
            ", label_smooth=0.1",
            ", with_logits=False",
            ", with_logits=False, label_smooth=0.2",
        )
    ),
    case(
        "F.loss.cross_entropy(x, y, axis=2)",
        x=f32(3, 2, 4),
        y=i32(3, 2, low=0, high=3),
        rtol=1e-4,
    ),
    case("F.loss.l1_loss(x, y)", x=f32(1, 3), y=f32(1, 3), dynamic=True),
    case("F.loss.cross_entropy(x, y)", x=f32(2, 4), y=i32(2, low=0, high=3), dynamic=True),
]
