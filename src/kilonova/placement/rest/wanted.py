"""What consumers are to hold: the bodies of PUT and POST /allocations and of POST /reshaper, by microversion."""

from collections.abc import Mapping
from typing import Annotated, Generic, TypeVar

import msgspec

from kilonova.placement.rest.inventories import All
from kilonova.placement.rest.shapes import Kind, Outside, Resources, Rows, Suffix, Uuid, UuidKey
from kilonova.placement.store.holdings import Holdings

UNKNOWN = "00000000-0000-0000-0000-000000000000"
NO_TYPE = "unknown"


class OfProvider(msgspec.Struct, forbid_unknown_fields=True):
    """What is taken of one provider; `generation` may come along from a GET and says nothing."""

    resources: Resources
    generation: int | msgspec.UnsetType = msgspec.UNSET


class ProviderId(msgspec.Struct, forbid_unknown_fields=True):
    uuid: Uuid


class Listed(msgspec.Struct, forbid_unknown_fields=True):
    resource_provider: ProviderId
    resources: Resources


class GivenList(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body before 1.8."""

    allocations: Annotated[list[Listed], msgspec.Meta(min_length=1)]


class OwnedList(GivenList, kw_only=True):
    """Before 1.12."""

    project_id: Outside
    user_id: Outside


Taken = dict[UuidKey, OfProvider]


class Given(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Before 1.28."""

    allocations: Taken
    project_id: Outside
    user_id: Outside


class GivenSome(Given, kw_only=True):
    """By PUT: before 1.28 nothing ends by taking nothing."""

    allocations: Annotated[Taken, msgspec.Meta(min_length=1)]


class GivenOnce(Given, kw_only=True):
    """Before 1.34. None is the generation of a consumer that holds nothing yet."""

    consumer_generation: int | None


class GivenMapped(GivenOnce, kw_only=True):
    """Before 1.38. `mappings` may come along from a candidate and say nothing."""

    mappings: Annotated[dict[Suffix, Annotated[list[Uuid], msgspec.Meta(min_length=1)]], msgspec.Meta(min_length=1)] | (
        msgspec.UnsetType
    ) = msgspec.UNSET


class GivenTyped(GivenMapped, kw_only=True):
    consumer_type: Kind


G = TypeVar("G", bound=Given, covariant=True)
OfConsumers = Mapping[UuidKey, G]
Several = Annotated[OfConsumers[G], msgspec.Meta(min_length=1)]


class Reshaping(msgspec.Struct, Generic[G], forbid_unknown_fields=True):
    inventories: Annotated[dict[UuidKey, All], msgspec.Meta(min_length=1)]
    allocations: OfConsumers[G]


PUTS: Rows[GivenList | Given] = (
    (0, GivenList),
    (8, OwnedList),
    (12, GivenSome),
    (28, GivenOnce),
    (34, GivenMapped),
    (38, GivenTyped),
)
POSTS: Rows[OfConsumers[Given]] = (
    (0, Several[Given]),
    (28, Several[GivenOnce]),
    (34, Several[GivenMapped]),
    (38, Several[GivenTyped]),
)
RESHAPES: Rows[Reshaping[Given]] = (
    (0, Reshaping[GivenOnce]),
    (34, Reshaping[GivenMapped]),
    (38, Reshaping[GivenTyped]),
)


class Wanted(msgspec.Struct, frozen=True):
    """What a consumer is to hold; below 1.28 whatever its generation, below 1.38 of whatever type it is."""

    consumer: str
    project_id: str
    user_id: str
    holdings: Holdings
    generation: int | msgspec.UnsetType | None
    type: str | None


def wanted_by(consumer_id: str, given: GivenList | Given) -> Wanted:
    if isinstance(given, GivenList):
        taken = {one.resource_provider.uuid: one.resources for one in given.allocations}
    else:
        taken = {provider_id: one.resources for provider_id, one in given.allocations.items()}
    return Wanted(
        consumer=consumer_id,
        project_id=given.project_id if isinstance(given, OwnedList | Given) else UNKNOWN,
        user_id=given.user_id if isinstance(given, OwnedList | Given) else UNKNOWN,
        holdings=taken,
        generation=given.consumer_generation if isinstance(given, GivenOnce) else msgspec.UNSET,
        type=given.consumer_type if isinstance(given, GivenTyped) else None,
    )
