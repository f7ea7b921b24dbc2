"""The services by name, as `serve` takes them, and what each needs."""

from enum import StrEnum


class Role(StrEnum):
    IDENTITY = "identity"
    IMAGE = "image"
    NETWORK = "network"
    VOLUME = "volume"
    PLACEMENT = "placement"
    SCHEDULER = "scheduler"
    CONDUCTOR = "conductor"
    CONSOLEAUTH = "consoleauth"
    NOVNCPROXY = "novncproxy"
    API = "api"
    METADATA = "metadata"
    DASHBOARD = "dashboard"
    COMPUTE = "compute"


ALL = frozenset(Role)

# A compute host has no way to the database; pages and proxies need none.
WITH_DATABASE = ALL - {Role.COMPUTE, Role.DASHBOARD, Role.NOVNCPROXY}

# All they are asked comes by the queue.
BY_QUEUE_ONLY = frozenset({Role.COMPUTE, Role.CONDUCTOR, Role.SCHEDULER, Role.CONSOLEAUTH})

# Names that operators know, for the same roles.
ALIASES = {
    "nova-api": Role.API,
    "nova-conductor": Role.CONDUCTOR,
    "nova-scheduler": Role.SCHEDULER,
    "nova-compute": Role.COMPUTE,
    "nova-consoleauth": Role.CONSOLEAUTH,
    "nova-novncproxy": Role.NOVNCPROXY,
    # One proxy serves consoles of every kind.
    "spicehtml5proxy": Role.NOVNCPROXY,
    "nova-spicehtml5proxy": Role.NOVNCPROXY,
    "serialproxy": Role.NOVNCPROXY,
    "nova-serialproxy": Role.NOVNCPROXY,
    "xvpvncproxy": Role.NOVNCPROXY,
    "keystone": Role.IDENTITY,
    "glance": Role.IMAGE,
    "neutron": Role.NETWORK,
    "cinder": Role.VOLUME,
}


def roles_of(names: list[str]) -> frozenset[Role]:
    """Errors: ValueError naming what there is."""
    try:
        return frozenset(ALIASES.get(name) or Role(name) for name in names)
    except ValueError as error:
        raise ValueError(f"{error}; there are: {', '.join(sorted(ALL))}") from error
