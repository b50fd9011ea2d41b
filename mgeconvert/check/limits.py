"""What counts as equal in one check, and how an output is held to it (standard library only)."""

from __future__ import annotations

from dataclasses import dataclass

from mgeconvert.check.compare import Rounded, Tally
from mgeconvert.check.request import CheckRequest, Steps
from mgeconvert.check.result import Top1


@dataclass(frozen=True)
class Limits:
    """The tolerances of a check, None for what is not asked; `CheckRequest` tells their meaning."""

    rtol: float | None
    atol: float | None
    rtol_max: float | None
    atol_lsb: float | None
    lsb_share: float | None
    min_snr: float | None

    def tally(self, output: str, steps: Steps | None) -> Tally:
        """Return what compares the output; `steps` where it is quantized."""
        rounded = Rounded(steps, self.atol_lsb, self.lsb_share, self.min_snr)
        return Tally(
            output, rtol=self.rtol, atol=self.atol, rtol_max=self.rtol_max, rounded=rounded
        )


def limits_of(request: CheckRequest, *, mixed: bool) -> Limits:
    """Return the request's tolerances.

    `mixed` says that the source rounds where the artifact does not, so that single elements are not
    comparable: the SNR decides then.
    """
    if not mixed:
        return Limits(
            request.rtol,
            request.atol,
            request.rtol_max,
            request.atol_lsb,
            request.lsb_share,
            request.min_snr,
        )
    least = request.mixed_snr if request.min_snr is None else request.min_snr
    return Limits(None, None, None, None, None, least)


def top1_problems(top1: Top1 | None, least: float | None) -> list[str]:
    """Return what is wrong with the agreement of the classes; nothing where none is asked for."""
    if top1 is None or least is None or top1.agree >= least * top1.rows:
        return []
    share = top1.agree / top1.rows
    return [
        f"output {top1.output!r}: top-1 agrees on {top1.agree} of {top1.rows} rows, which is "
        f"{share:.4f} where {least:g} is asked for"
    ]
