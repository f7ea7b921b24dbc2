"""What a quiet cloud has in its state directory, read from the files themselves, and whether it adds up."""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Stored:
    """One look at the database, the simulated hosts' journal and the directories of a state directory."""

    def __init__(self, state: Path) -> None:
        self.state = state
        with _reading(state / "kilonova.db") as db:
            self.tables: dict[str, list[Row]] = {
                name: [dict(row) for row in db.execute(f"SELECT * FROM {name}")] for name in _TABLES
            }
        self.guests = guests_of(state / "simulated.db")
        self.servers = {row["id"]: row for row in self.tables["servers"] if not row["deleted"]}

    def complaints(self) -> list[str]:
        """Everything that does not add up; nothing when all is well."""
        return [
            *self._sagas(),
            *self._servers(),
            *self._claims(),
            *self._ports(),
            *self._volumes(),
            *self._hosts(),
            *self._actions(),
        ]

    @property
    def active(self) -> dict[str, Row]:
        return {key: row for key, row in self.servers.items() if row["vm_state"] == "active"}

    def _sagas(self) -> Iterator[str]:
        for saga in self.tables["sagas"]:
            if saga["state"] in ("open", "queued"):
                yield f"saga {saga['name']} {saga['id']} is {saga['state']}"
        yield from _differ("holds", {row["resource_id"] for row in self.tables["holds"]}, set())
        yield from _differ("outcomes", {row["order_key"] for row in self.tables["outcomes"]}, set())

    def _servers(self) -> Iterator[str]:
        for server in self.servers.values():
            if server["vm_state"] not in ("active", "error"):
                yield f"server {server['id']} is {server['vm_state']}"
            if server["task_state"] is not None:
                yield f"server {server['id']} is {server['task_state']}"
            if server["vm_state"] == "error" and not json.loads(server["fault"] or "{}").get("message"):
                yield f"server {server['id']} is in error and nobody says why"
            if server["vm_state"] == "active" and (server["host"] is None or server["fault"] is not None):
                yield f"server {server['id']} is active with host {server['host']} and fault {server['fault']}"

    def _claims(self) -> Iterator[str]:
        consumers = {row["id"] for row in self.tables["placement_consumers"]}
        yield from _differ("consumers", consumers, set(self.active))
        providers = {row["id"]: row["name"] for row in self.tables["placement_resource_providers"]}
        used: Counter[tuple[str, str]] = Counter()
        found = []
        for row in self.tables["placement_allocations"]:
            resources = json.loads(row["resources"])
            found.append((row["consumer_id"], providers[row["provider_id"]], sorted(resources.items())))
            used.update({(row["provider_id"], name): amount for name, amount in resources.items()})
        expected = [(key, row["host"], sorted(_needs(row).items())) for key, row in self.active.items()]
        yield from _differ("allocations", set(map(repr, found)), set(map(repr, expected)))
        for row in self.tables["placement_inventories"]:
            if row["used"] != used[row["provider_id"], row["resource_class"]]:
                yield f"{row['resource_class']} of {providers[row['provider_id']]}: {row['used']} are said to be used"

    def _ports(self) -> Iterator[str]:
        ports = {row["id"]: row for row in self.tables["network_ports"]}
        owned = {key: row for key, row in ports.items() if row["device_owner"].startswith("compute:")}
        shown = {
            (vif["port_id"], key, row["host"]) for key, row in self.active.items() for vif in json.loads(row["vifs"])
        }
        yield from _differ("ports", {(key, row["device_id"], row["host"]) for key, row in owned.items()}, shown)
        held = {(row["port_id"], row["address"]) for row in self.tables["network_addresses"]}
        fixed = {(key, one["ip_address"]) for key, row in ports.items() for one in json.loads(row["fixed_ips"])}
        yield from _differ("addresses", held, fixed)
        grouped = {row["port_id"] for row in self.tables["network_port_groups"]}
        yield from _differ("ports in groups", grouped - set(ports))
        # Ports the network service makes for itself count for nobody.
        counted = Counter(row["project_id"] for row in ports.values() if not row["device_owner"].startswith("network:"))
        used = {row["project_id"]: row["used"] for row in self.tables["network_usage"] if row["resource"] == "port"}
        yield from _differ("count of ports", {one for one in used.items() if one[1]}, set(counted.items()))

    def _volumes(self) -> Iterator[str]:
        volumes = {row["id"]: row for row in self.tables["volume_volumes"]}
        files = {path.name for path in (self.state / "volumes").rglob("*") if path.is_file()}
        yield from _differ("volume files", files, {f"volume-{key}" for key in volumes})
        mapped = {
            (row["volume_id"], row["server_id"], row["attachment_id"])
            for row in self.tables["block_devices"]
            if row["destination_type"] == "volume" and row["server_id"] in self.active
        }
        attached = {(row["volume_id"], row["server_id"], row["id"]) for row in self.tables["volume_attachments"]}
        yield from _differ("attachments", attached, mapped)
        yield from _differ("volumes", set(volumes), {volume for volume, _, _ in mapped})
        yield from _differ("volumes not in use", {key for key, row in volumes.items() if row["status"] != "in-use"})
        devices_of = {row["server_id"] for row in self.tables["block_devices"]}
        yield from _differ("block devices of nobody", devices_of - set(self.servers))

    def _hosts(self) -> Iterator[str]:
        running = {(guest, host) for host, guest in self.guests}
        yield from _differ("guests", running, {(key, row["host"]) for key, row in self.active.items()})
        mapped: dict[str, set[str]] = {key: set() for key in self.active}
        for row in self.tables["block_devices"]:
            if row["destination_type"] == "volume" and row["server_id"] in mapped:
                mapped[row["server_id"]].add(row["volume_id"])
        for (_, guest), record in self.guests.items():
            if guest in self.active:
                spec = record["spec"]
                cards = {vif["port_id"] for vif in json.loads(self.active[guest]["vifs"])}
                yield from _differ(f"cards of {guest}", {nic["port_id"] for nic in spec.get("nics", ())}, cards)
                disks = {disk["volume_id"] for disk in spec["disks"] if "volume_id" in disk}
                yield from _differ(f"disks of {guest}", disks, mapped[guest])
        drives = {path.stem for path in (self.state / "compute" / "config-drives").glob("*")}
        yield from _differ("config drives", drives - set(self.active))

    def _actions(self) -> Iterator[str]:
        for name in ("server_actions", "server_action_events"):
            for row in self.tables[name]:
                if row["finished_at"] is None:
                    yield f"{row.get('action') or row['event']} of {row['server_id']} has no end"


_TABLES = (
    "servers", "block_devices", "server_actions", "server_action_events", "sagas", "holds", "outcomes",
    "placement_consumers", "placement_allocations", "placement_inventories", "placement_resource_providers",
    "network_ports", "network_addresses", "network_port_groups", "network_usage",
    "volume_volumes", "volume_attachments",
)  # fmt: skip


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """All reads see one moment."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    db.row_factory = sqlite3.Row
    try:
        db.execute("BEGIN")
        yield db
    finally:
        db.close()


def open_sagas(state: Path) -> int:
    """How many sagas are under way."""
    with _reading(state / "kilonova.db") as db:
        return int(db.execute("SELECT count(*) FROM sagas WHERE state IN ('open', 'queued')").fetchone()[0])


def busy_volumes(state: Path) -> int:
    """How many volumes are being made or removed."""
    with _reading(state / "kilonova.db") as db:
        found = db.execute(
            "SELECT count(*) FROM volume_volumes WHERE status IN ('creating', 'downloading', 'deleting')"
        )
        return int(found.fetchone()[0])


def guests_of(path: Path) -> dict[tuple[str, str], Row]:
    """The simulated hosts' guests, each by its host and id."""
    return GuestJournal(path).guests()


class GuestJournal:
    """The simulated hosts' journal, which is read on from where the last look ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = self._read = 0
        self._guests: dict[tuple[str, str], Row] = {}

    def guests(self) -> dict[tuple[str, str], Row]:
        """Those there are now, each by its host and id."""
        with self._path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_ino != self._inode or found.st_size < self._read:
                # Written anew, without what is no more.
                self._inode, self._read = found.st_ino, 0
                self._guests.clear()
            file.seek(self._read)
            text = file.read()
        self._read += len(text)
        for line in map(json.loads, text.splitlines()):
            if line.get("record") is None:
                self._guests.pop((line["host"], line["guest"]), None)
            else:
                self._guests[line["host"], line["guest"]] = line["record"]
        return dict(self._guests)


def _needs(server: Row) -> dict[str, int]:
    flavor = json.loads(server["flavor"])
    return {"VCPU": flavor["vcpus"], "MEMORY_MB": flavor["memory_mib"], "DISK_GB": flavor["root_gib"]}


def _differ(what: str, found: set[Any], expected: set[Any] | None = None) -> Iterator[str]:
    expected = expected or set()
    if found - expected:
        yield f"{what}: {sorted(found - expected)} should not be there"
    if expected - found:
        yield f"{what}: {sorted(expected - found)} are missing"
