"""Bar charts as SVG, from what a run measured."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmarks.report import Bar, Group

WIDTH = 720
LABELS = 250
FIGURES = 150
BAR = 20
ROW = 30
HEAD = 48
PADDING = 16

# A card of its own, light or dark as the reader's system is, so that it is legible on any page.
STYLE = """
svg { font: 14px system-ui, sans-serif }
.card { fill: #ffffff; stroke: #d0d7de }
text { fill: #1f2328 }
.note { fill: #59636e }
.other { fill: #8c959f }
.ours { fill: #0969da }
@media (prefers-color-scheme: dark) {
  .card { fill: #151b23; stroke: #3d444d }
  text { fill: #f0f6fc }
  .note { fill: #9198a1 }
  .other { fill: #656c76 }
  .ours { fill: #4493f8 }
}
"""


def draw(groups: Sequence[Group]) -> str:
    """Return an SVG with the bars of some groups, each group drawn to its own scale.

    Args:
        groups: The groups, from top to bottom.
    """
    parts: list[str] = []
    top = PADDING
    for group in groups:
        parts.append(_text(PADDING, top + 18, f"{group.title} ({group.unit})", "title", bold=True))
        top += HEAD - PADDING
        largest = max(bar.value for bar in group.bars)
        for bar in group.bars:
            parts.append(_bar(bar, group, top, largest))
            top += ROW
        top += PADDING
    height = top
    title = escape("; ".join(group.title for group in groups))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{title}">\n<style>{STYLE}</style>\n'
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _bar(bar: Bar, group: Group, top: int, largest: float) -> str:
    room = WIDTH - LABELS - FIGURES - 2 * PADDING
    length = max(2.0, room * bar.value / largest)
    left, middle = PADDING + LABELS, top + BAR // 2 + 5
    kind = "ours" if "rblxcloud" in bar.name else "other"
    ratio = "" if bar is group.bars[0] else f" ({bar.ratio:.2f})"
    return "\n".join(
        [
            _text(left - 8, middle, bar.name, anchor="end"),
            f'<rect class="{kind}" x="{left}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2"/>',
            _text(round(left + length + 8), middle, f"{figure(bar.value)}{ratio}", "note"),
        ]
    )


def _text(x: int, y: int, text: str, kind: str = "label", *, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'


def figure(value: float) -> str:
    """Return a figure with about three digits.

    Args:
        value: What was measured.
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
