"""Pure: what all pictures share: the page with its title, text, rules, and the colours."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

WIDTH, MARGIN, HEAD = 880, 36, 96  # of a page; HEAD is the height of its title
INK, PALE, RULE, OURS, PEER, REFERENCE, LIMIT = (
    *("#1f2430", "#6b7280", "#e5e7eb", "#0f766e"),
    *("#c3cad6", "#94a3b8", "#dc2626"),
)


def page(title: str, caption: str, height: int, parts: Sequence[str]) -> str:
    """Return a whole picture."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">'
        f'<rect width="{WIDTH}" height="{height}" rx="14" fill="#ffffff"/>'
    )
    titles = [text(MARGIN, 48, title, 23, INK, "600"), text(MARGIN, 72, caption, 13, PALE)]
    return "\n".join([head, *titles, *parts, "</svg>\n"])


def rule(left: float, y: float, right: float) -> str:
    """Return a thin horizontal line."""
    return f'<path d="M{left} {y:.1f}H{right}" stroke="{RULE}"/>'


def text(x: float, y: float, text: str, size: float, colour: str, weight: str = "400", anchor: str = "start") -> str:
    """Return one line of text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{colour}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def ink(ours: bool) -> tuple[str, str]:
    """Return colour and weight of a text: ours stands out."""
    return (INK, "600") if ours else (PALE, "400")
