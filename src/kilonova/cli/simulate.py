"""`simulate FLEET.yaml`: how a fleet would do, decided by the real scheduler; a table, JSON, a page, a picture."""

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from kilonova.cli.simulated import show
from kilonova.simulation.description import read
from kilonova.simulation.page import page, png
from kilonova.simulation.result import Result, encoded
from kilonova.simulation.run import Progress as Done
from kilonova.simulation.run import Run
from kilonova.simulation.svg import clock
from kilonova.simulation.trace import Trace


def run(given: argparse.Namespace) -> int:
    """Errors: BadDescription, NoBrowser, OSError."""
    began = time.monotonic()
    result = _simulated(given)
    took_s = time.monotonic() - began
    html = page(result) if given.html is not None or given.png is not None else ""
    # Files first: whoever reads the table may go away early.
    if given.html is not None:
        given.html.write_text(html)
    if given.json == Path("-"):
        sys.stdout.buffer.write(encoded(result))
    else:
        if given.json is not None:
            given.json.write_bytes(encoded(result))
        show(result, Console(), took_s=took_s)
    if given.png is not None:
        png(html, given.png)
    return 0


def _simulated(given: argparse.Namespace) -> Result:
    description = read(given.fleet)
    trace = None if given.trace is None else Trace(given.trace, description)
    whole = Run(description, seed=given.seed, trace=trace)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(description.name, total=1.0, told="")

        def tell(done: Done) -> None:
            told = f"{clock(done.at_s)}, {done.servers:,} servers, {done.refused:,} refused"
            bar.update(task, completed=done.share, told=told)

        return whole.run(tell)
