"""Running passes: a pass is a function on a graph, a pipeline is a tuple of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mgeconvert.errors import ConversionFailed, ConvertError, InternalError
from mgeconvert.ir.graph import Graph
from mgeconvert.ir.interpret import evaluate
from mgeconvert.ir.op import Array
from mgeconvert.ir.verify import verify

Observer = Callable[[str, Graph], None]


@dataclass(frozen=True)
class Pass:
    """A rewrite that keeps the graph valid and its results equal; `after` must have run before."""

    run: Callable[[Graph], bool]
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.run.__name__


def graph_pass(*, after: Sequence[Pass] = ()) -> Callable[[Callable[[Graph], bool]], Pass]:
    """Make a pass of a function, which returns whether it changed anything."""
    return lambda run: Pass(run, tuple(p.name for p in after))


def run_passes(
    graph: Graph, pipeline: Sequence[Pass], observe: Observer = lambda name, graph: None
) -> None:
    """Run `pipeline` in its order, verifying the graph around every pass.

    `observe` is called with the name "" before the first pass, and with each pass's name after it.
    """
    verify(graph)
    observe("", graph)
    done: list[str] = []
    for p in pipeline:
        missing = [name for name in p.after if name not in done]
        if missing:
            raise InternalError(f"pass {p.name} must come after {', '.join(missing)}")
        graph.via = (p.name,)
        try:
            p.run(graph)
            verify(graph)
        except (ConvertError, ConversionFailed, MemoryError):
            raise
        except Exception as error:
            history = ", ".join(done) or "nothing"
            raise InternalError(f"pass {p.name} (after {history}): {error}") from error
        finally:
            graph.via = ()
        done.append(p.name)
        observe(p.name, graph)


def changed_numbers(
    feeds: Mapping[str, Array],
    *,
    rtol: float,
    atol: float,
    rtol_max: float = 0.0,
    rounding: Sequence[str] = (),
) -> Observer:
    """Return an observer that raises InternalError after the first pass that changes results.

    The graph is evaluated on `feeds` after every pass and compared with what it gave before the
    first one. `rtol_max` is relative to the largest finite element of an output. The passes called
    `rounding` are there to change numbers: what is compared later is what they gave.
    """
    before: dict[str, Array] = {}

    def observe(name: str, graph: Graph) -> None:
        now = evaluate(graph, feeds)
        if not name or name in rounding:
            before.update(now)
            return
        for port, want in before.items():
            got = now[port]
            if got.shape != want.shape or got.dtype != want.dtype:
                raise InternalError(
                    f"pass {name} turned output {port!r} from {want.dtype}{want.shape} "
                    f"into {got.dtype}{got.shape}"
                )
            finite = np.abs(want[np.isfinite(want)])
            more = rtol_max * float(finite.max()) if rtol_max and finite.size else 0.0
            if not np.allclose(got, want, rtol=rtol, atol=atol + more, equal_nan=True):
                worst = float(np.nanmax(np.abs(got.astype(np.float64) - want.astype(np.float64))))
                raise InternalError(f"pass {name} changed output {port!r} by up to {worst:.3g}")

    return observe
