"""Drawing: axes with round numbers, lines, bands and bars as SVG text. Colours are classes that the page defines."""

import math
from collections.abc import Iterable, Sequence
from html import escape

import msgspec

WIDTH, HEIGHT = 600, 270
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 30
# Room at the right edge for the names of lines.
NAMES = 78

_STEPS_S = (60, 300, 900, 3600, 10800, 21600, 43200, 86400, 172800, 432000, 864000, 2592000, 7776000, 31536000)


class Frame(msgspec.Struct, frozen=True):
    """Where data goes on the drawing: x from 0 to `most_x`, y from 0 to `most_y`."""

    most_x: float
    most_y: float
    right: int = RIGHT

    def x(self, value: float) -> float:
        return round(LEFT + value / (self.most_x or 1) * (WIDTH - LEFT - self.right), 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - BOTTOM - value / (self.most_y or 1) * (HEIGHT - TOP - BOTTOM), 1)


def drawing(parts: Iterable[str], label: str, *, width: int = WIDTH, height: int = HEIGHT) -> str:
    inner = "".join(parts)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">{inner}</svg>'


def line(frame: Frame, xs: Sequence[float], ys: Sequence[float], kind: str) -> str:
    points = " ".join(f"{frame.x(x)},{frame.y(y)}" for x, y in zip(xs, ys, strict=True))
    return f'<polyline class="line {kind}" points="{points}"/>'


def band(frame: Frame, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float], kind: str) -> str:
    """The area between two lines."""
    there = [f"{frame.x(x)},{frame.y(y)}" for x, y in zip(xs, highs, strict=True)]
    back = [f"{frame.x(x)},{frame.y(y)}" for x, y in zip(xs, lows, strict=True)]
    return f'<polygon class="band {kind}" points="{" ".join(there + back[::-1])}"/>'


def bar(frame: Frame, left: float, right: float, value: float, kind: str, title: str = "") -> str:
    """From the bottom up; a gap between it and the next."""
    x, width = frame.x(left) + 0.5, max(frame.x(right) - frame.x(left) - 1, 0.8)
    top = frame.y(value)
    told = f"<title>{escape(title)}</title>" if title else ""
    height = round(frame.y(0) - top, 1)
    return f'<rect class="bar {kind}" x="{x:.1f}" y="{top}" width="{width:.1f}" height="{height}">{told}</rect>'


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def names(frame: Frame, ends: Sequence[tuple[float, str, str]]) -> list[str]:
    """The lines' names (value, words, class) at their right ends, pushed apart where they would overlap."""
    placed: list[str] = []
    last = -math.inf
    for y, words, kind in sorted((frame.y(value), words, kind) for value, words, kind in ends):
        last = max(y, last + 14)
        placed.append(text(WIDTH - frame.right + 6, last + 4, words, f"name {kind}"))
    return placed


def mark(frame: Frame, at: float, words: str) -> list[str]:
    """A dashed line across, with words at its top."""
    x = frame.x(at)
    late = x > WIDTH * 0.6
    return [
        f'<line class="mark" x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>',
        text(x - 5 if late else x + 5, TOP + 9, words, "marked", "end" if late else "start"),
    ]


def spots(frame: Frame, xs: Sequence[float], titles: Sequence[str]) -> list[str]:
    """Invisible columns that tell the figures at their place when pointed at."""
    found = []
    for index, (x, title) in enumerate(zip(xs, titles, strict=True)):
        left = frame.x(x if index == 0 else (x + xs[index - 1]) / 2)
        right = frame.x(x if index == len(xs) - 1 else (x + xs[index + 1]) / 2)
        found.append(
            f'<rect class="spot" x="{left}" y="{TOP}" width="{max(right - left, 1):.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM}"><title>{escape(title)}</title></rect>'
        )
    return found


# -- axes --------------------------------------------------------------------------------------------------------------


def time_axis(frame: Frame) -> list[str]:
    """Whole minutes, hours or days, about six of them."""
    step = next((one for one in _STEPS_S if frame.most_x / one <= 7), _STEPS_S[-1])
    while frame.most_x / step > 7:
        step *= 2
    found = []
    for number in range(int(frame.most_x // step) + 1):
        at = number * step
        found.append(text(frame.x(at), HEIGHT - 10, clock(at), "tick", "middle" if number else "start"))
        if number:
            found.append(f'<line class="grid" x1="{frame.x(at)}" x2="{frame.x(at)}" y1="{frame.y(0)}" '
                         f'y2="{frame.y(0) + 4}"/>')  # fmt: skip
    return found


def share_axis(frame: Frame) -> list[str]:
    return _rows(frame, [(share, f"{share:.0%}") for share in _ticks(frame.most_y)])


def count_axis(frame: Frame) -> list[str]:
    return _rows(frame, [(count, number(count)) for count in _ticks(frame.most_y)])


def _rows(frame: Frame, ticks: Iterable[tuple[float, str]]) -> list[str]:
    found = []
    for value, words in ticks:
        y = frame.y(value)
        kind = "grid" if value else "base"
        found.append(f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - frame.right}" y1="{y}" y2="{y}"/>')
        found.append(text(LEFT - 7, y + 4, words, "tick", "end"))
    return found


def _ticks(most: float) -> list[float]:
    step = _step(most)
    return [step * index for index in range(int(most / step + 1e-9) + 1)]


def _step(most: float) -> float:
    """1, 2 or 5 times a power of ten: four to eight steps to the top."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most / 4))
    return next((power * factor for factor in (1, 2, 2.5, 5) if most / (power * factor) <= 5.01), power * 10)


def top_of(most: float) -> float:
    """A round number at or above `most`."""
    step = _step(most)
    return max(math.ceil(most / step - 1e-9) * step, step)


# -- words -------------------------------------------------------------------------------------------------------------


def clock(at_s: float) -> str:
    """`0`, `45 min`, `6 h`, `3 d`."""
    if at_s == 0:
        return "0"
    for unit_s, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if at_s >= unit_s:
            return f"{at_s / unit_s:.3g} {name}"
    return f"{at_s:.3g} s"


def number(value: float) -> str:
    """`950`, `12k`, `1.2M`."""
    for size, name in ((1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e6 if name == 'M' else 1e3):.4g}{name}"
    return f"{value:.4g}"
