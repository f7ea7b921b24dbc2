"""Rows for the tests: servers put into the database as the sagas would have left them."""

import json
import uuid
from typing import Any

from kilonova.db.database import Database
from kilonova.db.statement import insert_into
from kilonova.db.tables.servers import servers
from tests.api.cloud import PROJECT

FLAVOR = {
    "id": "1", "name": "m1.tiny", "vcpus": 1, "memory_mib": 512, "root_gib": 1, "ephemeral_gib": 0, "swap_mib": 0,
    "rxtx_factor": 1.0, "extra_specs": {"hw:cpu_policy": "shared"}, "description": None,
}  # fmt: skip
IMAGE = "70a599e0-31e7-49b7-b260-868f441e862b"
ADDRESSES = {
    "private": [
        {
            "version": 4,
            "addr": "192.168.1.30",
            "OS-EXT-IPS:type": "fixed",
            "OS-EXT-IPS-MAC:mac_addr": "00:0c:29:0d:11:74",
        }
    ]
}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def server_row(**changes: Any) -> dict[str, Any]:
    """A server that runs on `host1`; structured members given as values become JSON text."""
    row: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "project_id": PROJECT,
        "user_id": "user-member",
        "name": "new-server-test",
        "hostname": "new-server-test",
        "description": None,
        "image_id": IMAGE,
        "flavor_id": "1",
        "flavor": FLAVOR,
        "user_data": "IyEvYmluL2Jhc2gK",
        "host": "host1",
        "node": "node1",
        "availability_zone": "nova",
        "reservation_id": "r-12345678",
        "vm_state": "active",
        "task_state": None,
        "power_state": 1,
        "disk_config": "AUTO",
        "metadata": {"My Server Name": "Apache1"},
        "addresses": ADDRESSES,
        "security_groups": [{"name": "default"}],
        "volumes_attached": [{"id": "volume_id1", "delete_on_termination": False}],
        "request_spec": {
            "server_id": "",
            "project_id": PROJECT,
            "user_id": "user-member",
            "image_properties": {"architecture": "x86_64"},
        },
        "networks": [],
        "created_at": "2013-09-03T04:01:32.000001",
        "updated_at": "2013-09-03T04:01:33.000001",
        "launched_at": "2013-09-23T13:37:00.880302",
    }  # fmt: skip
    row.update(changes)
    return {name: _json(value) if isinstance(value, dict | list) else value for name, value in row.items()}


async def put_servers(db: Database, *rows: dict[str, Any]) -> list[str]:
    """Insert them; their ids."""
    made = [server_row(**row) for row in rows]
    async with db.begin() as tx:
        for row in made:
            await tx.execute(insert_into(servers), **row)
    return [row["id"] for row in made]
