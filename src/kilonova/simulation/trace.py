"""A trace: a CSV file of requests as they came, in the order of time.

Columns: `at` (seconds, a duration like 3h, or an ISO time; the first is the beginning), what is wanted (`flavor`, or
`vcpus`, `memory_gib` and `disk_gib`), how long for (`lifetime`, or `end` in the form of `at`; empty: for ever), and
where wanted `zone`, `project`, `group` (a name) with `policy`.
"""

import csv
import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from kilonova.simulation.arrivals import Arrival
from kilonova.simulation.description import BadDescription, Description, FlavorFacts, Kind, seconds
from kilonova.simulation.placing import Members, Wanted
from kilonova.simulation.stock import spec_of

COLUMNS = {
    "at", "flavor", "vcpus", "memory_gib", "disk_gib", "lifetime", "end", "zone", "project", "group", "policy",
}  # fmt: skip

POLICIES = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")

Row = dict[str, str]


class Trace:
    """`wanted` grows with the kinds that are met while it is read."""

    def __init__(self, path: Path, description: Description) -> None:
        self.wanted: list[Wanted] = []
        self._path = path
        self._flavors = description.flavors
        self._kinds: dict[tuple[str, ...], Wanted] = {}
        self._groups: dict[str, Members] = {}

    def __iter__(self) -> Iterator[Arrival]:
        """Errors: BadDescription with the line; OSError."""
        with self._path.open(newline="") as file:
            rows = csv.DictReader(file, restval="")
            unknown = set(rows.fieldnames or ()) - COLUMNS
            if "at" not in (rows.fieldnames or ()) or unknown:
                told = f"unknown: {', '.join(sorted(unknown))}" if unknown else "there is no column `at`"
                raise BadDescription(f"{self._path}: {told} (columns: {', '.join(sorted(COLUMNS))})")
            began, last = None, 0.0
            for row in rows:
                try:
                    moment = _moment(row["at"])
                    began = moment if began is None else began
                    if moment - began < last:
                        raise BadDescription("earlier than the line before it")
                    last = moment - began
                    yield Arrival(last, self._wanted(row), _stays_s(row, moment), self._members(row))
                except BadDescription as error:
                    raise BadDescription(f"{self._path}, line {rows.line_num}: {error}") from error

    def _wanted(self, row: Row) -> Wanted:
        parts = ("flavor", "vcpus", "memory_gib", "disk_gib", "zone", "project")
        key = tuple(row.get(name, "") for name in parts)
        found = self._kinds.get(key)
        if found is None:
            name, facts = self._flavor(row)
            kind = Kind(flavor=name, zone=row.get("zone") or None, project=row.get("project") or "project")
            label = name if kind.zone is None else f"{name} in zone {kind.zone}"
            found = self._kinds[key] = Wanted(len(self.wanted), label, spec_of(name, facts, kind))
            self.wanted.append(found)
        return found

    def _flavor(self, row: Row) -> tuple[str, FlavorFacts]:
        name = row.get("flavor", "")
        if name:
            if name not in self._flavors:
                raise BadDescription(f"there is no flavor {name}")
            return name, self._flavors[name]
        try:
            facts = FlavorFacts(
                vcpus=int(row.get("vcpus") or 0),
                memory_gib=float(row.get("memory_gib") or 0),
                disk_gib=int(row.get("disk_gib") or 0),
            )
        except ValueError as error:
            raise BadDescription(str(error)) from error
        if min(facts.vcpus, facts.memory_gib, facts.disk_gib) < 0 or not (facts.vcpus or facts.memory_gib):
            raise BadDescription("neither a flavor nor sizes")
        return f"{facts.vcpus}x{facts.memory_gib:g}G", facts

    def _members(self, row: Row) -> Members | None:
        name = row.get("group", "")
        if not name:
            return None
        if name not in self._groups:
            policy = row.get("policy") or "anti-affinity"
            if policy not in POLICIES:
                raise BadDescription(f"there is no policy {policy} (there are: {', '.join(POLICIES)})")
            self._groups[name] = Members(name, policy)
        return self._groups[name]


def _moment(text: str) -> float:
    """Seconds since whatever the trace counts from."""
    try:
        return seconds(text)
    except BadDescription:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise BadDescription(f"{text!r} is neither seconds nor a duration nor an ISO time") from None


def _stays_s(row: Row, came: float) -> float:
    if row.get("lifetime"):
        return seconds(row["lifetime"])
    if row.get("end"):
        return max(_moment(row["end"]) - came, 0.0)
    return math.inf
