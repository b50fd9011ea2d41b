"""Recurrent layers and cells."""

from __future__ import annotations

from tests.cases.case import Case, case, f32

X = f32(5, 2, 3)
FIRST = f32(2, 5, 3)


CASES: list[Case] = [
    *(
        case("(lambda y, s: (y, *s))(*m(x))", x=X, m=f"M.LSTM(3, 4{settings})")
        for settings in (
            "",
            ", bias=False",
            ", num_layers=2",
            ", bidirectional=True",
            ", num_layers=3, bidirectional=True, bias=False",
            ", num_layers=2, bidirectional=True, dropout=0.5",
        )
    ),
    *(
        case(
            "(lambda y, s: (y, *s))(*m(x))",
            x=FIRST,
            m=f"M.LSTM(3, 4, batch_first=True{settings})",
            dynamic=True,
        )
        for settings in ("", ", bidirectional=True, num_layers=2")
    ),
    case(
        "(lambda y, s: (y, *s))(*m(x, (h, c)))",
        x=X,
        h=f32(4, 2, 4),
        c=f32(4, 2, 4),
        m="M.LSTM(3, 4, num_layers=2, bidirectional=True)",
    ),
    *(
        case("m(x)", x=X, m=f"M.RNN(3, 4{settings})")
        for settings in (
            "",
            ", bias=False",
            ", nonlinearity='relu'",
            ", num_layers=2",
            ", bidirectional=True",
            ", num_layers=2, bidirectional=True, bias=False, nonlinearity='relu'",
        )
    ),
    case("m(x)", x=FIRST, m="M.RNN(3, 4, batch_first=True, bidirectional=True)", dynamic=True),
    case("m(x, h)", x=X, h=f32(2, 2, 4), m="M.RNN(3, 4, num_layers=2)"),
    *(
        case("m(x)", x=f32(2, 3), m=f"M.LSTMCell(3, 4{settings})", dynamic=True)
        for settings in ("", ", bias=False")
    ),
    case("m(x, (h, c))", x=f32(2, 3), h=f32(2, 4), c=f32(2, 4), m="M.LSTMCell(3, 4)", dynamic=True),
    *(
        case("m(x)", x=f32(2, 3), m=f"M.RNNCell(3, 4{settings})", dynamic=True)
        for settings in ("", ", bias=False", ", nonlinearity='relu'")
    ),
    case("m(x, h)", x=f32(2, 3), h=f32(2, 4), m="M.RNNCell(3, 4)", dynamic=True),
]
