"""Small bar charts as SVG text for the HTML report; standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

LABEL, BAR, ROW = 200, 320, 20


def bars(title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """Return horizontal bars from 0; a row is a label, a value >= 0 and the value in words."""
    top = max((value for _, value, _ in rows), default=0.0) or 1.0
    return _chart(title, [(label, value / top, words) for label, value, words in rows])


def log_bars(title: str, rows: Sequence[tuple[str, float, str]], *, floor: float) -> str:
    """Return bars on a logarithmic scale that begins at `floor`; values below it have no length."""
    top = max((value for _, value, _ in rows if math.isfinite(value)), default=floor)
    span = math.log10(max(top, floor * 10) / floor)
    return _chart(
        title, [(label, _log_share(value, floor, span), words) for label, value, words in rows]
    )


def _log_share(value: float, floor: float, span: float) -> float:
    if not math.isfinite(value):
        return 1.0
    return math.log10(value / floor) / span if value > floor else 0.0


def _chart(title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    height = ROW * len(rows)
    parts = [
        f'<figure><figcaption>{escape(title)}</figcaption><svg role="img" '
        f'width="{LABEL + BAR + 90}" height="{height}" aria-label="{escape(title)}">'
    ]
    for index, (label, share, words) in enumerate(rows):
        y, width = index * ROW, max(1.0, share * BAR)
        parts.append(
            f'<text x="{LABEL - 6}" y="{y + 14}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{LABEL}" y="{y + 3}" width="{width:.1f}" height="{ROW - 6}"/>'
            f'<text x="{LABEL + width + 6:.1f}" y="{y + 14}">{escape(words)}</text>'
        )
    return "".join(parts) + "</svg></figure>"
