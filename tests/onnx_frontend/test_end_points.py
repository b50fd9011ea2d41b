"""What an unknown end point is answered with."""

from __future__ import annotations

from mgeconvert.frontends.names import candidates


def test_close_names_come_first_then_what_there_is() -> None:
    assert candidates("relu_ou", ["xyz", "relu_out"]) == (
        "did you mean 'relu_out'? there are 'xyz', 'relu_out'"
    )


def test_without_a_close_name_there_is_still_the_list() -> None:
    known = [f"n{index}" for index in range(23)]
    listed = ", ".join(map(repr, known[:20]))
    assert candidates("something else", known) == f"there are {listed} and 3 more"
    assert candidates("x", []) == "there are none"
