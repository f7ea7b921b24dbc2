"""A simulation's result on the terminal."""

from rich import box
from rich.console import Console
from rich.table import Table

from kilonova.simulation.result import Result
from kilonova.simulation.svg import clock

RESOURCES = {"VCPU": "vCPU", "MEMORY_MB": "memory", "DISK_GB": "disk"}


def show(result: Result, console: Console, *, took_s: float) -> None:
    console.print(f"[bold]{result.name}[/bold]  seed {result.seed}", highlight=False)
    console.print(_facts(result, took_s))
    console.print(_course(result))
    console.print(_zones(result))
    if result.refusals:
        console.print(_refusals(result))


def _facts(result: Result, took_s: float) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column()
    first = result.first_refusal
    moves = result.moves
    rows = [
        ("hosts", f"{result.hosts:,}"),
        ("requests", f"{result.requested:,} in {clock(result.ended_s)}: {result.placed:,} placed"),
        ("refused", f"{result.refused:,} ({result.refused / max(result.requested, 1):.2%})"),
        ("servers", f"{result.alive:,} at the end, {result.ended:,} ended"),
        ("first refusal", "none" if first is None else _first(result)),
        (
            "moves",
            f"{moves.maintenance:,} for maintenance, {moves.balancing:,} for balance, {moves.failed:,} impossible",
        ),
        ("took", f"{took_s:.1f} s"),
    ]
    for name, words in rows:
        table.add_row(name, words)
    return table


def _first(result: Result) -> str:
    first = result.first_refusal
    assert first is not None
    shares = ", ".join(f"{first.used[key]:.1%} of {name}" for key, name in RESOURCES.items() if key in first.used)
    return f"{first.kind} after {first.placed:,} servers, at {clock(first.at_s)}, with {shares} in use ({first.reason})"


def _course(result: Result, rows: int = 12) -> Table:
    """Some of the samples, the last among them."""
    resources = [key for key in RESOURCES if key in result.used]
    table = _table("Over time", "at", "servers", *(RESOURCES[key] for key in resources), "per host", "scattered",
                   "refused", "moved")  # fmt: skip
    samples = result.samples
    picked = sorted({round(index * (len(samples) - 1) / (rows - 1)) for index in range(rows)})
    for index in picked:
        one = samples[index]
        least, _, median, _, most = (f"{share * 100:.0f}" for share in one.spread)
        table.add_row(
            clock(one.at_s),
            f"{one.servers:,}",
            *(f"{one.used[key]:.1%}" for key in resources),
            f"{least} {median} {most}%",
            f"{one.stranded:.1%}",
            f"{one.refused:,}",
            f"{one.moved:,}",
        )
    table.caption = (
        "per host: memory use of the emptiest, the median and the fullest; "
        f"scattered: free memory that {result.reference} cannot use"
    )
    return table


def _zones(result: Result) -> Table:
    table = _table("Zones at the end", "zone", "hosts", "servers", *RESOURCES.values())
    for zone in result.zones:
        shares = (f"{zone.used[key]:.1%}" if key in zone.used else "" for key in RESOURCES)
        table.add_row(zone.name, f"{zone.hosts:,}", f"{zone.servers:,}", *shares)
    return table


def _refusals(result: Result) -> Table:
    table = Table(title="Refusals by reason", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.padding = (0, 1, 0, 0)
    table.add_column("requests", justify="right")
    table.add_column("reason")
    table.add_column("kinds, and one of them as told", ratio=1)
    for one in result.refusals[:10]:
        kinds = sorted(one.by_kind.items(), key=lambda item: -item[1])
        told = ", ".join(f"{count:,} {kind}" for kind, count in kinds)
        table.add_row(f"{one.requests:,}", one.reason, f"{told}\n[dim]{one.told}[/dim]")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", caption_justify="left")
    table.padding = (0, 1, 0, 0)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    return table
