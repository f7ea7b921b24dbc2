"""The pictures of a run. Each function gives one SVG drawing as text."""

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise

from kilonova.simulation import svg
from kilonova.simulation.result import Place, Result, Sample
from kilonova.simulation.svg import Frame

RESOURCES = {"VCPU": ("vCPU", "one"), "MEMORY_MB": ("memory", "two"), "DISK_GB": ("disk", "three")}


def use_over_time(result: Result) -> str:
    """Shares of vCPU, memory and disk in use."""
    samples = result.samples
    frame, xs = _frame(samples, 1.0, names=True)
    shown = [(key, *RESOURCES[key]) for key in RESOURCES if key in result.used]
    lines = [svg.line(frame, xs, [one.used[key] for one in samples], kind) for key, _, kind in shown]
    ends = [(samples[-1].used[key], f"{name} {samples[-1].used[key]:.0%}", kind) for key, name, kind in shown]
    titles = [
        f"{svg.clock(one.at_s)}: " + ", ".join(f"{name} {one.used[key]:.1%}" for key, name, _ in shown)
        for one in samples
    ]
    first = [] if result.first_refusal is None else svg.mark(frame, result.first_refusal.at_s, "first refusal")
    axes = svg.share_axis(frame) + svg.time_axis(frame)
    parts = [*axes, *first, *lines, *svg.names(frame, ends), *svg.spots(frame, xs, titles)]
    return svg.drawing(parts, "Share of vCPU, memory and disk in use over time")


def spread_over_time(result: Result) -> str:
    """The hosts' memory use: all of them, the middle four fifths, the median."""
    samples = result.samples
    frame, xs = _frame(samples, 1.0, names=True)
    columns = [[one.spread[index] for one in samples] for index in range(5)]
    last = samples[-1].spread
    ends = [(last[4], "fullest", "faint"), (last[2], "median", "two"), (last[0], "emptiest", "faint")]
    titles = [
        f"{svg.clock(one.at_s)}: emptiest {one.spread[0]:.1%}, a tenth below {one.spread[1]:.1%}, "
        f"median {one.spread[2]:.1%}, a tenth above {one.spread[3]:.1%}, fullest {one.spread[4]:.1%}"
        for one in samples
    ]
    parts = [
        *svg.share_axis(frame),
        *svg.time_axis(frame),
        svg.band(frame, xs, columns[0], columns[4], "wide"),
        svg.band(frame, xs, columns[1], columns[3], "narrow"),
        svg.line(frame, xs, columns[2], "two"),
        *svg.names(frame, ends),
        *svg.spots(frame, xs, titles),
    ]
    return svg.drawing(parts, "How evenly the hosts are used over time")


def servers_over_time(result: Result) -> str:
    samples = result.samples
    counts = [float(one.servers) for one in samples]
    frame, xs = _frame(samples, svg.top_of(max(counts)))
    titles = [f"{svg.clock(one.at_s)}: {one.servers:,} servers" for one in samples]
    parts = [
        *svg.count_axis(frame),
        *svg.time_axis(frame),
        svg.band(frame, xs, [0.0] * len(xs), counts, "filled"),
        svg.line(frame, xs, counts, "one"),
        *svg.spots(frame, xs, titles),
    ]
    return svg.drawing(parts, "Servers over time")


def trouble_over_time(result: Result) -> str:
    """Refusals and moves between one sample and the next, the samples gathered into at most sixty bars."""
    samples = result.samples[:: max(math.ceil(len(result.samples) / 60), 1)]
    if samples[-1] is not result.samples[-1]:
        samples = (*samples, result.samples[-1])
    pairs = list(pairwise(samples))
    refused = [float(after.refused - before.refused) for before, after in pairs]
    moved = [float(after.moved - before.moved) for before, after in pairs]
    frame, _ = _frame(result.samples, svg.top_of(max([*refused, *moved], default=0.0)))
    bars = []
    for (before, after), bad, moves in zip(pairs, refused, moved, strict=True):
        middle = (before.at_s + after.at_s) / 2
        told = f"{svg.clock(before.at_s)} to {svg.clock(after.at_s)}: {bad:.0f} refused, {moves:.0f} moved"
        if bad:
            bars.append(svg.bar(frame, before.at_s, middle, bad, "bad", told))
        if moves:
            bars.append(svg.bar(frame, middle, after.at_s, moves, "move", told))
    parts = [*svg.count_axis(frame), *svg.time_axis(frame), *bars]
    if not bars:
        parts.append(svg.text(svg.WIDTH / 2, svg.HEIGHT / 2, "nothing was refused, nothing moved", "tick", "middle"))
    return svg.drawing(parts, "Refusals and moves over time")


def fragmentation_over_time(result: Result) -> str:
    """The share of the free memory that the biggest flavor cannot use."""
    samples = result.samples
    frame, xs = _frame(samples, 1.0)
    titles = [
        f"{svg.clock(one.at_s)}: {one.slots:,} more {result.reference} fit, {one.stranded:.1%} of the free memory "
        "is of no use to it"
        for one in samples
    ]
    stranded = [one.stranded for one in samples]
    parts = [
        *svg.share_axis(frame),
        *svg.time_axis(frame),
        svg.band(frame, xs, [0.0] * len(xs), stranded, "warm"),
        svg.line(frame, xs, stranded, "bad"),
        *svg.spots(frame, xs, titles),
    ]
    return svg.drawing(parts, "Free memory too scattered for the biggest flavor, over time")


def histogram(result: Result) -> str:
    """Hosts by their memory use when the run ended."""
    bins = result.histogram
    frame = Frame(1.0, svg.top_of(float(max(bins))))
    bars = []
    for index, count in enumerate(bins):
        low, high = index / len(bins), (index + 1) / len(bins)
        if count:
            bars.append(svg.bar(frame, low, high, count, "fill", f"{low:.0%} to {high:.0%}: {count:,} hosts"))
    ticks = [
        svg.text(frame.x(share), svg.HEIGHT - 10, f"{share:.0%}", "tick", "middle" if share else "start")
        for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    ]
    return svg.drawing([*svg.count_axis(frame), *ticks, *bars], "Hosts by memory use at the end")


# Cells of the racks' map, and how many racks it takes at most.
CELL, GAP, RACKS = 18, 2, 900


def racks(places: Sequence[Place]) -> str:
    """A cell per rack, zone by zone, the darker the fuller its memory."""
    per_row = (2 * svg.WIDTH - svg.LEFT) // (CELL + GAP)
    parts, y = [], 0
    for zone in sorted({place.zone for place in places}):
        inside = [place for place in places if place.zone == zone][:RACKS]
        parts.append(svg.text(0, y + 13, zone[:8], "zone"))
        for index, place in enumerate(inside):
            x = svg.LEFT + index % per_row * (CELL + GAP)
            top = y + index // per_row * (CELL + GAP)
            used = place.used.get("MEMORY_MB", 0.0)
            shade = min(int(used * 10), 9)
            told = f"{place.name}: {place.hosts:,} hosts, {place.servers:,} servers, memory {used:.1%}"
            parts.append(
                f'<rect class="cell s{shade}" x="{x}" y="{top}" width="{CELL}" height="{CELL}" rx="3">'
                f"<title>{escape(told)}</title></rect>"
            )
        y += math.ceil(len(inside) / per_row) * (CELL + GAP) + 10
    return svg.drawing(parts, "Memory in use by rack at the end", width=2 * svg.WIDTH, height=max(y - 8, CELL))


def _frame(samples: Sequence[Sample], most_y: float, *, names: bool = False) -> tuple[Frame, list[float]]:
    xs = [one.at_s for one in samples]
    return Frame(max(xs[-1], 1.0), most_y, svg.RIGHT + (svg.NAMES if names else 0)), xs
