"""All sagas there are, by name."""

from typing import Any

from kilonova.conductor.sagas import (
    devices,
    server_backup,
    server_create,
    server_deferred,
    server_delete,
    server_evacuate,
    server_image,
    server_live_migrate,
    server_power,
    server_resize,
    server_shelve,
    server_snapshot_volumes,
    volume_swap,
)
from kilonova.conductor.world import World
from kilonova.saga.saga import Saga

_MODULES = (
    server_create,
    server_deferred,
    server_delete,
    server_power,
    server_image,
    server_resize,
    server_live_migrate,
    server_evacuate,
    server_shelve,
    server_backup,
    server_snapshot_volumes,
    devices,
    volume_swap,
)

# As they are written; `definitions` is what runs.
DEFINITIONS: dict[str, Saga[Any, World]] = {
    value.name: value for module in _MODULES for value in vars(module).values() if isinstance(value, Saga)
}


def definitions(*, max_attempts: int) -> dict[str, Saga[Any, World]]:
    """All of them; a new server is tried on up to `max_attempts` hosts."""
    create = server_create.server_create
    return DEFINITIONS | {create.name: create.with_attempts(max_attempts)}
