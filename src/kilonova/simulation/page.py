"""A run on a page: one HTML file with everything in it, for light and dark screens; or a picture of that page."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from pathlib import Path

from kilonova.model.errors import KilonovaError
from kilonova.simulation import charts
from kilonova.simulation.result import Result
from kilonova.simulation.svg import clock

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PNG_WIDTH = 1280
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
_MEASURE = "<script>document.title = 'height ' + document.documentElement.scrollHeight</script>"
_HEIGHT = re.compile(r"<title>height (?P<height>[0-9]+)</title>")


class NoBrowser(KilonovaError):
    """A PNG is what a browser makes of the page."""


def page(result: Result) -> str:
    """HTML that needs no other file and no network."""
    style = resources.files("kilonova.simulation").joinpath("page.css").read_text()
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(result.name)}</title><style>{style}</style></head><body><main>\n"
        f"<h1>{escape(result.name)}</h1><p>{escape(_summary(result))}</p>\n"
        f'<div class="tiles">{"".join(_tiles(result))}</div>\n'
        f'<div class="cards">{"".join(_cards(result))}</div>\n'
        f"<footer>kilonova simulate · seed {result.seed}. Point at a picture for its figures.</footer>"
        "</main></body></html>\n"
    )


def _summary(result: Result) -> str:
    return (
        f"{result.hosts:,} hosts, {result.requested:,} requests in {clock(result.ended_s)} of virtual time: "
        f"{result.placed:,} placed, {result.refused:,} refused; {result.alive:,} servers at the end."
    )


def _tiles(result: Result) -> Iterable[str]:
    yield _tile(f"{result.requested:,}", "requests")
    alarm = result.refused > 0
    share = result.refused / max(result.requested, 1)
    yield _tile(f"{share:.2%}" if alarm else "none", f"refused ({result.refused:,})", alarm=alarm)
    for key, (name, _) in charts.RESOURCES.items():
        if key in result.used:
            yield _tile(f"{result.used[key]:.1%}", f"{name} in use at the end")
    first = result.first_refusal
    at = "never" if first is None else f"{first.used.get('MEMORY_MB', 0):.1%}"
    yield _tile(at, "memory in use at the first refusal")
    moves = result.moves.maintenance + result.moves.balancing
    yield _tile(f"{moves:,}", f"moves ({result.moves.failed:,} impossible)", alarm=result.moves.failed > 0)


def _tile(figure: str, words: str, *, alarm: bool = False) -> str:
    return f'<div class="tile{" alarm" if alarm else ""}"><b>{figure}</b><span>{escape(words)}</span></div>'


def _cards(result: Result) -> Iterable[str]:
    yield _card("How full", "Share of all hosts' capacity that servers hold", charts.use_over_time(result))
    yield _card(
        "How evenly",
        "Memory use of single hosts: all of them, the middle four fifths, the median",
        charts.spread_over_time(result),
    )
    yield _card("Servers", "Alive at a time", charts.servers_over_time(result))
    yield _card(
        "Refusals and moves",
        '<span class="key bad" style="margin-left:0"></span>refused<span class="key move"></span>moved',
        charts.trouble_over_time(result),
    )
    reference = escape(result.reference or "the biggest flavor")
    yield _card(
        "Fragmentation",
        f"Share of the free memory that {reference} cannot use",
        charts.fragmentation_over_time(result),
    )
    yield _card("Hosts by memory use", "When the run ended", charts.histogram(result))
    if len(result.racks) > 1:
        ramp = "".join(f'<i class="s{shade}"></i>' for shade in range(10))
        yield _card(
            "Racks by memory use",
            f'When the run ended, zone by zone: empty<span class="ramp">{ramp}</span>full',
            charts.racks(result.racks),
            wide=True,
        )
    yield _card("Zones", "When the run ended", _zones(result))
    yield _card("Kinds of request", "", _kinds(result))
    if result.refusals:
        yield _card("Why requests were refused", "With one explanation of each in full", _refusals(result), wide=True)


def _card(title: str, sub: str, content: str, *, wide: bool = False) -> str:
    """`sub` and `content` are HTML."""
    kind = "card wide-card" if wide else "card"
    return f'<section class="{kind}"><h2>{escape(title)}</h2><p class="sub">{sub}</p>{content}</section>\n'


def _zones(result: Result) -> str:
    rows = [
        [
            escape(zone.name),
            f"{zone.hosts:,}",
            f"{zone.servers:,}",
            *(_metered(zone.used[key]) if key in zone.used else "" for key in charts.RESOURCES),
        ]
        for zone in result.zones
    ]
    return _table(["zone", "hosts", "servers", *(name for name, _ in charts.RESOURCES.values())], rows)


def _kinds(result: Result) -> str:
    rows = [
        [
            escape(kind.kind),
            f"{kind.requested:,}",
            f"{kind.refused:,}",
            _metered(kind.refused / max(kind.requested, 1), bad=True),
        ]
        for kind in result.kinds[:40]
    ]
    return _table(["kind", "requests", "refused", "share"], rows)


def _refusals(result: Result) -> str:
    rows = []
    for one in result.refusals[:20]:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(one.by_kind.items(), key=lambda item: -item[1]))
        share = _metered(one.requests / result.refused, bad=True)
        told = f'<td class="told">{escape(kinds)}<br>{escape(one.told)}</td>'
        rows.append(f"<tr><td>{escape(one.reason)}</td><td>{one.requests:,}</td><td>{share}</td>{told}</tr>")
    head = '<tr><th>reason</th><th>requests</th><th>share</th><th style="text-align:left">kinds, and as told</th></tr>'
    return f"<table>{head}{''.join(rows)}</table>"


def _metered(share: float, *, bad: bool = False) -> str:
    kind = "meter bad" if bad else "meter"
    return f'{share:.1%}<span class="{kind}"><i style="width:{min(share, 1):.1%}"></i></span>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    told = "".join(f"<th>{escape(word)}</th>" for word in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{told}</tr>{body}</table>"


def png(html: str, target: Path) -> None:
    """Errors: NoBrowser when there is no Chromium here, or it fails."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name)) is not None), None)
    if browser is None:
        raise NoBrowser("a PNG is drawn by Chromium, and there is none here; --html needs none")
    with tempfile.TemporaryDirectory(prefix="kilonova-page-") as made:
        source = Path(made) / "page.html"
        source.write_text(html + _MEASURE)
        shown = [browser, *_FLAGS, f"--user-data-dir={made}/home"]
        # Once to learn how high the page is, once to take the picture.
        measured = _run([*shown, f"--window-size={PNG_WIDTH},800", "--dump-dom", source.as_uri()])
        height = _HEIGHT.search(measured)
        size = f"--window-size={PNG_WIDTH},{height['height'] if height else 2000}"
        _run([*shown, size, f"--screenshot={target.resolve()}", source.as_uri()])
    if not target.exists():
        raise NoBrowser("Chromium made no picture")


def _run(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise NoBrowser(f"Chromium failed: {done.stderr.strip()[-300:]}")
    return done.stdout
