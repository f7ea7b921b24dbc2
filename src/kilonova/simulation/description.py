"""A fleet, what is asked of it and for how long, as a YAML file says; every mistake in it is told with its place.

Sizes are in GiB where the name says so; a duration is a number of seconds or a text like 90s, 15m, 4h, 2d, 1w.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml
from msgspec import Meta

from kilonova.scheduler.settings import DEFAULT_MULTIPLIERS, SchedulerSettings

Duration = float | str
Count = Annotated[int, Meta(ge=0)]
AtLeastOne = Annotated[int, Meta(ge=1)]
Amount = Annotated[float, Meta(ge=0)]

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[smhdw]?)")


class BadDescription(ValueError):
    """The message names the file and the place in it."""


def seconds(given: Duration) -> float:
    """Errors: BadDescription."""
    if isinstance(given, float | int):
        return float(given)
    found = _DURATION.fullmatch(given.strip())
    if found is None:
        raise BadDescription(f"{given!r} is no duration: a number of seconds, or like 90s, 15m, 4h, 2d, 1w")
    return float(found["number"]) * _UNITS[found["unit"]]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Ratios(_Part, frozen=True, kw_only=True):
    """As nova.conf's `*_allocation_ratio`."""

    cpu: Annotated[float, Meta(gt=0)] = 4.0
    ram: Annotated[float, Meta(gt=0)] = 1.0
    disk: Annotated[float, Meta(gt=0)] = 1.0


class Reserved(_Part, frozen=True, kw_only=True):
    """As nova.conf's `reserved_host_*`."""

    vcpus: Count = 0
    memory_mib: Count = 512
    disk_gib: Count = 0


class Hosts(_Part, frozen=True, kw_only=True):
    """`count` equal hosts, named NAME-1, NAME-2 …, spread in blocks over `racks` racks."""

    name: str
    count: AtLeastOne = 1
    vcpus: AtLeastOne
    memory_gib: Annotated[float, Meta(gt=0)]
    disk_gib: Count = 0
    zone: str = "nova"
    racks: AtLeastOne = 1
    traits: tuple[str, ...] = ()
    aggregates: tuple[str, ...] = ()
    ratios: Ratios | None = None
    reserved: Reserved | None = None
    # Further resource classes (VGPU, CUSTOM_…): how many a host has.
    resources: dict[str, AtLeastOne] = {}
    hypervisor_type: str = "QEMU"
    hypervisor_version: int = 8002000
    architecture: str = "x86_64"


class AggregateFacts(_Part, frozen=True, kw_only=True):
    metadata: dict[str, str] = {}


class FlavorFacts(_Part, frozen=True, kw_only=True):
    vcpus: Count
    memory_gib: Amount
    disk_gib: Count = 0
    ephemeral_gib: Count = 0
    swap_mib: Count = 0
    extra_specs: dict[str, str] = {}


class GroupRule(_Part, frozen=True, kw_only=True):
    """Every `size` requests of the kind make a server group of their own."""

    policy: Literal["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"]
    size: AtLeastOne
    max_server_per_host: AtLeastOne = 1


class Lifetime(_Part, frozen=True, kw_only=True):
    """`mean` is the mean of each; `sigma` widens lognormal, `shape` is Pareto's (near 1: few very old ones)."""

    distribution: Literal["exponential", "lognormal", "pareto", "fixed", "forever"] = "exponential"
    mean: Duration = "7d"
    sigma: Amount = 1.0
    shape: Annotated[float, Meta(gt=1)] = 1.5


class Kind(_Part, frozen=True, kw_only=True):
    """One kind of request; of all requests its part is `share` by the sum of the shares."""

    flavor: str
    share: Annotated[float, Meta(gt=0)] = 1.0
    zone: str | None = None
    project: str = "project"
    image_properties: dict[str, str] = {}
    boots_from_volume: bool = False
    group: GroupRule | None = None
    lifetime: Lifetime | None = None


class Arrivals(_Part, frozen=True, kw_only=True):
    """`even`: evenly; `poisson`: by chance; `daily`: by chance, busiest at 15:00, by `swing` of the mean."""

    per_hour: Annotated[float, Meta(gt=0)] = 60.0
    pattern: Literal["even", "poisson", "daily"] = "poisson"
    swing: Annotated[float, Meta(ge=0, le=1)] = 0.6


class Present(_Part, frozen=True, kw_only=True):
    """Servers that are there when the run begins: on `host`, or wherever the scheduler puts them."""

    flavor: str
    count: AtLeastOne = 1
    host: str | None = None
    name: str = ""


class Maintenance(_Part, frozen=True, kw_only=True):
    """From `at` on, for so long, hosts (by name, rack or zone) are taken out and emptied; `every`: again and again."""

    at: Duration
    duration: Duration = msgspec.field(name="for", default="4h")
    hosts: tuple[str, ...] = ()
    racks: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    every: Duration | None = None


class Balancing(_Part, frozen=True, kw_only=True):
    """Now and then, the up to `moves` moves that even out the hosts' memory use most."""

    every: Duration
    moves: AtLeastOne = 20


class Limits(_Part, frozen=True, kw_only=True):
    """The run ends at whichever comes first."""

    duration: Duration | None = msgspec.field(name="for", default=None)
    servers: AtLeastOne | None = None
    refusals: AtLeastOne | None = None
    samples: Annotated[int, Meta(ge=2, le=5000)] = 200


class Description(_Part, frozen=True, kw_only=True):
    """All of the file. `scheduler` holds nova.conf's options of the scheduler by their names."""

    name: str = "fleet"
    scheduler: dict[str, object] = {}
    ratios: Ratios = Ratios()
    reserved: Reserved = Reserved()
    hosts: Annotated[tuple[Hosts, ...], Meta(min_length=1)]
    aggregates: dict[str, AggregateFacts] = {}
    flavors: dict[str, FlavorFacts] = {}
    servers: tuple[Present, ...] = ()
    requests: tuple[Kind, ...] = ()
    arrivals: Arrivals = Arrivals()
    lifetimes: Lifetime = Lifetime()
    maintenance: tuple[Maintenance, ...] = ()
    balancing: Balancing | None = None
    run: Limits = Limits()


def read(path: Path) -> Description:
    """Errors: BadDescription; OSError."""
    try:
        return parse(path.read_text())
    except BadDescription as error:
        raise BadDescription(f"{path}: {error}") from error


def parse(text: str) -> Description:
    """Errors: BadDescription."""
    try:
        given = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        description = msgspec.convert(given, Description, str_keys=True)
    except yaml.YAMLError as error:
        raise BadDescription(f"not YAML: {' '.join(str(error).split())}") from error
    except msgspec.ValidationError as error:
        raise BadDescription(str(error)) from error
    _check(description)
    return description


def _check(description: Description) -> None:
    for number, kind in enumerate(description.requests):
        _known("flavor", kind.flavor, description.flavors, f"requests[{number}]")
    for number, present in enumerate(description.servers):
        _known("flavor", present.flavor, description.flavors, f"servers[{number}]")
    for number, hosts in enumerate(description.hosts):
        for name in hosts.aggregates:
            _known("aggregate", name, description.aggregates, f"hosts[{number}]")
    names = [hosts.name for hosts in description.hosts]
    if len(set(names)) < len(names):
        raise BadDescription("hosts: two entries have the same name")
    settings(description)


def _known(noun: str, name: str, known: object, place: str) -> None:
    assert isinstance(known, dict)
    if name not in known:
        raise BadDescription(f"{place}: there is no {noun} {name} (there are: {', '.join(known) or 'none'})")


def settings(description: Description) -> SchedulerSettings:
    """Errors: BadDescription."""
    own = {field.name for field in msgspec.structs.fields(SchedulerSettings)} - {"multipliers"}
    multipliers = {name: value for name, value in description.scheduler.items() if name in DEFAULT_MULTIPLIERS}
    rest = {name: value for name, value in description.scheduler.items() if name not in multipliers}
    unknown = sorted(rest.keys() - own)
    if unknown:
        raise BadDescription(f"scheduler: there is no option {', '.join(unknown)}")
    try:
        return msgspec.convert({**rest, "multipliers": multipliers}, SchedulerSettings)
    except msgspec.ValidationError as error:
        raise BadDescription(f"scheduler: {error}") from error
