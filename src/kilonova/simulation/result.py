"""What came of a run; the same for the same description and seed, to the last byte of its JSON."""

import msgspec


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The fleet at one moment; `requested`, `refused` and `moved` count from the beginning.

    `used`: share of each resource class's capacity. `spread`: of the hosts' memory use, the least, the tenth part's,
    the median, the ninth tenth's, the most. `slots`: how many more of the biggest flavor fit; `stranded`: the share
    of the free memory that it cannot use.
    """

    at_s: float
    servers: int
    requested: int
    refused: int
    moved: int
    used: dict[str, float]
    spread: tuple[float, float, float, float, float]
    deviation: float
    slots: int
    stranded: float


class FirstRefusal(msgspec.Struct, frozen=True, kw_only=True):
    at_s: float
    placed: int
    kind: str
    reason: str
    used: dict[str, float]


class RefusedFor(msgspec.Struct, frozen=True, kw_only=True):
    """`told` is one refusal's explanation in full, as its user would have read it."""

    reason: str
    requests: int
    by_kind: dict[str, int]
    told: str


class KindResult(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    requested: int
    refused: int


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A zone or rack when the run ended."""

    name: str
    zone: str
    hosts: int
    servers: int
    used: dict[str, float]


class Moves(msgspec.Struct, kw_only=True):
    """`failed`: servers that had to leave a host in maintenance and found no other."""

    maintenance: int = 0
    balancing: int = 0
    failed: int = 0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`histogram`: hosts by memory use, in twentieths. `reference`: the flavor that `slots` and `stranded` speak of."""

    name: str
    seed: int
    hosts: int
    ended_s: float
    requested: int
    placed: int
    refused: int
    ended: int
    alive: int
    used: dict[str, float]
    reference: str
    first_refusal: FirstRefusal | None
    refusals: tuple[RefusedFor, ...]
    kinds: tuple[KindResult, ...]
    moves: Moves
    zones: tuple[Place, ...]
    racks: tuple[Place, ...]
    histogram: tuple[int, ...]
    samples: tuple[Sample, ...]


def encoded(result: Result) -> bytes:
    """Indented JSON."""
    return msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"
