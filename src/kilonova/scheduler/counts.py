"""What a scheduler did since its start, and how its hosts are, for /metrics."""

from collections.abc import Iterator

from kilonova.observe.metrics import Figure
from kilonova.scheduler.fleet import Fleet


class Counts:
    """`placed`: claims made. `conflicts`: claims lost to another scheduler, after which the next best was tried.

    `refused`: requests no host took.
    """

    def __init__(self) -> None:
        self.placed = 0
        self.conflicts = 0
        self.refused = 0

    @property
    def conflict_rate(self) -> float:
        """Of all claims tried the share that was lost."""
        return self.conflicts / max(self.placed + self.conflicts, 1)

    def figures(self, fleet: Fleet, now: float) -> Iterator[Figure]:
        for name, about, value in (
            ("placed", "Claims made since the scheduler started.", self.placed),
            ("conflicts", "Claims lost to another scheduler since then.", self.conflicts),
            ("conflict_rate", "The share of claims that was lost.", self.conflict_rate),
            ("refused", "Requests since then that no host took.", self.refused),
        ):
            yield Figure(name=f"kilonova_scheduler_{name}", about=about, value=value)
        states = {"candidate": 0, "set_aside": 0, "out": 0}
        for host in fleet:
            aside = host.set_aside_until > now
            states["set_aside" if aside else "out" if host.entry is None else "candidate"] += 1
        for state, count in states.items():
            yield Figure(
                name="kilonova_scheduler_hosts",
                about="Hosts the scheduler knows, by what it makes of them.",
                value=count,
                labels={"state": state},
            )
