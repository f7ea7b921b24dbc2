"""Flavors: what a server is made of. Memory and swap in MiB, disks in GiB."""

import msgspec

from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.model.ids import FlavorId


class FlavorNotFound(NotFound):
    def __init__(self, flavor_id: str) -> None:
        super().__init__(f"Flavor {flavor_id} could not be found.")
        self.flavor_id = flavor_id


class UnusableFlavor(BadRequest):
    """The flavor named in a server's body will not do; there it is the body that is wrong."""


class FlavorExists(Conflict):
    """`what` is ID or name."""

    def __init__(self, what: str, value: str) -> None:
        super().__init__(f"Flavor with {what} {value} already exists.")


class FlavorAccessExists(Conflict):
    def __init__(self, flavor_id: str, project_id: str) -> None:
        super().__init__(f"Flavor access already exists for flavor {flavor_id} and project {project_id} combination.")


class FlavorAccessNotFound(NotFound):
    def __init__(self, flavor_id: str, project_id: str) -> None:
        super().__init__(f"Flavor access not found for {flavor_id} / {project_id} combination.")


class Flavor(msgspec.Struct, frozen=True):
    """`extra_specs` is JSON text of a map of text to text."""

    id: FlavorId
    name: str
    vcpus: int
    memory_mib: int
    root_gib: int
    ephemeral_gib: int
    swap_mib: int
    rxtx_factor: float
    is_public: int
    disabled: int
    description: str | None
    extra_specs: str

    def specs(self) -> dict[str, str]:
        return msgspec.json.decode(self.extra_specs, type=dict[str, str])
