"""Names, types and shapes of two models' ports, compared before any number (numpy only)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mgeconvert.check.runners.protocol import Array, Description, Port

Shape = Sequence[int | str]


def port_problems(
    artifact: Description,
    source: Description,
    *,
    shapes: Mapping[str, Shape],
    end_points: bool,
) -> list[str]:
    """Return a sentence for each port of the artifact that is not as the source has it.

    `shapes` are what the conversion was asked to give inputs instead of the source's. Inputs may
    come in any order. With `end_points` the outputs are counted and keep their order, but their
    names are the converter's.
    """
    problems = []
    names = [port.name for port in artifact.inputs]
    if sorted(names) != sorted(port.name for port in source.inputs):
        problems.append(_names("inputs", artifact.inputs, source.inputs))
    else:
        for port in source.inputs:
            got = artifact.inputs[names.index(port.name)]
            problems += _input_problems(got, port, shapes.get(port.name, port.shape))
    outputs, expected = ([port.name for port in side.outputs] for side in (artifact, source))
    if len(outputs) != len(expected) or (outputs != expected and not end_points):
        problems.append(_names("outputs", artifact.outputs, source.outputs))
    return problems


def contradiction(port: Port, array: Array) -> str:
    """Return what an output's array has otherwise than its model declares, "" if nothing."""
    if port.dtype and port.dtype != str(array.dtype):
        return f"element type {array.dtype} where the artifact declares {port.dtype}"
    if port.shape is None:
        return ""
    same = len(port.shape) == array.ndim and all(
        isinstance(dim, str) or dim == size for dim, size in zip(port.shape, array.shape)
    )
    return "" if same else f"shape {array.shape} where the artifact declares {port.shape}"


def _input_problems(got: Port, want: Port, shape: Shape | None) -> Iterator[str]:
    if got.dtype and want.dtype and got.dtype != want.dtype:
        yield (f"input {got.name!r}: element type {got.dtype} where the source has {want.dtype}")
    if got.shape is None or shape is None:
        return
    same = len(got.shape) == len(shape) and all(
        isinstance(mine, str) or isinstance(its, str) or mine == its
        for mine, its in zip(got.shape, shape)
    )
    if not same:
        yield f"input {got.name!r}: shape {got.shape} where {tuple(shape)} is asked for"


def _names(kind: str, got: Sequence[Port], want: Sequence[Port]) -> str:
    mine, its = (", ".join(repr(port.name) for port in side) or "none" for side in (got, want))
    return f"the artifact's {kind} are {mine} where the source has {its}"
