"""Servers on the move: a table that changes in place on a terminal, a line per news elsewhere."""

import time
from types import TracebackType

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from kilonova.upkeep.drain import Progress

# Rows of a table at most: those under way first, then what ended last.
ROWS = 20


class _Row:
    def __init__(self, name: str) -> None:
        self.name = name
        self.words = ""
        self.began = time.monotonic()
        self.ended: float | None = None
        self.state = "todo"


class Board:
    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._rows: dict[str, _Row] = {}
        self._headline = ""
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=8, transient=True)

    def __enter__(self) -> "Board":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def tell(self, progress: Progress) -> None:
        if progress.server is None:
            self._headline = progress.words
            self._say(progress.words)
            return
        row = self._rows.setdefault(progress.server.id, _Row(progress.server.name))
        words = progress.words
        outcome = progress.outcome
        if outcome is not None:
            row.ended = time.monotonic()
            row.state = "done" if outcome.moved else "failed"
            where = f" → {outcome.to}" if outcome.to else ""
            words = f"{outcome.how}{where}" if outcome.moved else f"stays: {outcome.why}"
        elif words != "to be moved":
            row.began = row.began if row.state == "moving" else time.monotonic()
            row.state, row.ended = "moving", None
        if words != row.words:
            row.words = words
            took = "" if row.ended is None else f" after {row.ended - row.began:.1f} s"
            self._say(f"{row.name}: {words}{took}")

    def _say(self, words: str) -> None:
        if not self._console.is_terminal:
            self._console.print(words, highlight=False, soft_wrap=True)

    def _table(self) -> Table:
        rows = self._rows.values()
        done = sum(row.state == "done" for row in rows)
        failed = sum(row.state == "failed" for row in rows)
        title = f"{self._title}: {done} of {len(rows)} moved" + (f", {failed} not" if failed else "")
        table = Table(
            title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, caption=self._headline
        )
        table.caption_justify = "left"
        for column in ("server", "", "seconds"):
            table.add_column(column, no_wrap=column != "", justify="right" if column == "seconds" else "left")
        order = {"moving": 0, "failed": 1, "todo": 2, "done": 3}
        for row in sorted(rows, key=lambda one: (order[one.state], -(one.ended or 0)))[:ROWS]:
            style = {"done": "green", "failed": "red", "moving": "cyan"}.get(row.state, "dim")
            took = "" if row.state == "todo" else f"{(row.ended or time.monotonic()) - row.began:.1f}"
            table.add_row(row.name, Text(row.words, style=style), took)
        return table
