"""Pure: latency by percentile, from due against from sent, as one static SVG for the report.

The percentile axis is HdrHistogram's: each nine (90 %, 99 %, 99.9 %) has the same width, up to the last one with
enough messages. The latency axis is logarithmic as well: 0.2 ms and 2 s can be read in one picture.
"""

import math
from collections.abc import Iterator

from rawsocket.master.reports.html.svg import Scale, gridline, path, picture, polyline, scale
from rawsocket.measurement.histogram import Histogram, quantile, quantiles

WIDTH, HEIGHT = 900, 400
LEFT, RIGHT, TOP, BOTTOM = 90, 44, 52, 74
DUE, SENT = "#d9480f", "#1c7ed6"
POINTS = 400
Point = tuple[float, float]


def svg(due: Histogram, sent: Histogram) -> str:
    """Draw both, `due` full and `sent` dashed, with the time between them shaded; values are in microseconds."""
    nines = max(1.0, math.log10(max(1, sum(due.values()), sum(sent.values()))))
    lines = [points(due, nines), points(sent, nines)]
    low, high = decades([ms for line in lines for _, ms in line])
    x = scale(0, nines, LEFT, WIDTH - RIGHT)
    y = scale(low, high, HEIGHT - BOTTOM, TOP)
    return picture(
        WIDTH,
        HEIGHT,
        "Latency by percentile",
        (
            *(gridline(LEFT, WIDTH - RIGHT, y(power), time(10.0**power)) for power in range(low, high + 1)),
            *(_tick(x(at), share, words) for at, share, words in ticks(nines)),
            _between(lines[0], lines[1], x, y),
            polyline(_path(lines[0], x, y), DUE, 'stroke-width="4"'),
            polyline(_path(lines[1], x, y), SENT, 'stroke-width="2" stroke-dasharray="7 4"'),
            _legend(LEFT, DUE, f"from due, what a caller feels: 99 % within {_p99(due)}", ""),
            _legend(LEFT + 440, SENT, f"from sent: 99 % within {_p99(sent)}", 'stroke-dasharray="7 4"'),
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
            "share of messages whose reply took no longer</text>",
            f'<text transform="translate(14 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
            "time to the whole reply</text>",
        ),
    )


def points(histogram: Histogram, nines: float) -> list[Point]:
    """Return (nines, milliseconds) along the axis; `nines` is 2 at 99 %."""
    axis = [nines * i / (POINTS - 1) for i in range(POINTS)]
    values = quantiles(histogram, [1 - 10**-at for at in axis[:-1]] + [1.0])
    return [(at, value) for at, value in zip(axis, values, strict=True) if value is not None]


def decades(values: list[float]) -> tuple[int, int]:
    """Return the powers of ten (milliseconds) that hold all values, at least one decade apart."""
    low = math.floor(math.log10(max(0.001, min(values, default=1.0))))
    high = math.ceil(math.log10(max(0.001, *values, 10.0**low)))
    return low, max(high, low + 1)


def ticks(nines: float) -> Iterator[tuple[float, str, str]]:
    """Return (nines, percentile, how many are slower) for the axis."""
    yield 0.0, "0 %", ""
    yield math.log10(2), "50 %", "1 of 2 is slower"
    for nine in range(1, math.floor(nines) + 1):
        yield nine, f"{100 - 100 / 10**nine:.{max(0, nine - 2)}f} %", f"1 of {10**nine:,} is slower"


def time(ms: float) -> str:
    """Return a latency in milliseconds or seconds, to three digits."""
    return f"{ms / 1000:.3g} s" if ms >= 1000 else f"{ms:.3g} ms"


def caption(due: Histogram, sent: Histogram, waiting: int = 0) -> str:
    """Describe the picture; `waiting` messages had no reply when stop was asked."""
    if not due:
        return "No message was answered: there is no latency to show."
    still = f" {waiting} had no reply yet when stop was asked: of these it is the time for which they had waited."
    return _words(due, sent) + (still if waiting else "")


def _words(due: Histogram, sent: Histogram) -> str:
    if not sent:
        return f"No message was answered; 99 of 100 have waited {_p99(due)} or less."
    said = f"Of 100 messages, 99 had their whole reply within {_p99(due)} of when they were due"
    if _p99(due) == _p99(sent):
        return f"{said}, and within the same of when they were sent: hardly any had to wait before it was sent."
    return (
        f"{said}, and within {_p99(sent)} of when they were sent. The shaded part is time for which messages had to "
        "wait before they were sent: a caller feels it, a clock that starts at sending does not see it."
    )


def _p99(histogram: Histogram) -> str:
    value = quantile(histogram, 0.99)
    return "-" if value is None else time(value)


def _tick(x: float, share: str, words: str) -> str:
    y = HEIGHT - BOTTOM
    return (
        f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{y}" stroke="currentColor" stroke-opacity="0.15"/>'
        f'<text x="{x}" y="{y + 20}" text-anchor="middle">{share}</text>'
        f'<text x="{x}" y="{y + 36}" text-anchor="middle" fill-opacity="0.6" font-size="11">{words}</text>'
    )


def _path(line: list[Point], x: Scale, y: Scale) -> str:
    return path(((at, math.log10(max(0.001, ms))) for at, ms in line), x, y)


def _between(due: list[Point], sent: list[Point], x: Scale, y: Scale) -> str:
    return f'<polygon fill="{DUE}" fill-opacity="0.13" points="{_path(due + sent[::-1], x, y)}"/>'


def _legend(x: int, color: str, text: str, style: str) -> str:
    return (
        f'<line x1="{x}" y1="20" x2="{x + 34}" y2="20" stroke="{color}" stroke-width="4" {style}/>'
        f'<text x="{x + 44}" y="25" font-size="14">{text}</text>'
    )
