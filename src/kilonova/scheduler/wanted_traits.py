"""Which traits a request needs and refuses: asked for outright, or added by Nova's request filters."""

import re
from collections.abc import Mapping

import msgspec

from kilonova.contract.scheduler import RequestSpec
from kilonova.scheduler.request_filters import ADDING
from kilonova.scheduler.settings import SchedulerSettings

_TRAIT = re.compile(r"trait[A-Za-z0-9_-]{0,64}:(?P<name>[A-Z0-9_]+)")


class WantedTraits(msgspec.Struct, frozen=True):
    """`added`: the request filters that asked for some of `required`, by trait."""

    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    added: Mapping[str, str] = {}


NOTHING = WantedTraits()


def wanted_traits(spec: RequestSpec, settings: SchedulerSettings) -> WantedTraits:
    if not spec.extra_specs and not spec.image_properties and not spec.remote_managed_ports:
        return NOTHING
    required: set[str] = set()
    forbidden: set[str] = set()
    for key, value in (*spec.extra_specs.items(), *spec.image_properties.items()):
        asked = _TRAIT.fullmatch(key)
        if asked is not None:
            (forbidden if value == "forbidden" else required).add(asked["name"])
    added: dict[str, str] = {}
    for one in ADDING:
        for name in one.adds(spec, settings):
            if name not in required:
                added.setdefault(name, one.name)
    return WantedTraits(frozenset(required | added.keys()), frozenset(forbidden), added)
