"""What Nova asks placement: zone, project and trait of a host, and whether what it has can be cut into such pieces.

These run whatever `enabled_filters` says, as in Nova.
"""

from collections.abc import Mapping

from kilonova.scheduler import marks
from kilonova.scheduler.host import Profile, projects_of
from kilonova.scheduler.marks import Bits, Marks
from kilonova.scheduler.request import Request
from kilonova.scheduler.verdict import PASS, Verdict, reject

DISABLED = "COMPUTE_STATUS_DISABLED"


def zone(profile: Profile, request: Request) -> Verdict:
    wanted = request.spec.availability_zone
    if wanted is None or profile.zone == wanted:
        return PASS
    return reject(f"not in availability zone {wanted}")


def in_zone(known: Marks, request: Request) -> Bits:
    wanted = request.spec.availability_zone
    return known.everything if wanted is None else known.of(marks.zone(wanted))


def traits(profile: Profile, request: Request) -> Verdict:
    wanted = request.traits
    missing = wanted.required - profile.traits
    if missing:
        return reject(f"without {', '.join(_with_origin(name, wanted.added) for name in sorted(missing))}")
    unwelcome = wanted.forbidden & profile.traits
    if unwelcome:
        return reject(f"with {', '.join(sorted(unwelcome))}")
    return PASS


def _with_origin(trait: str, added: Mapping[str, str]) -> str:
    """What nobody asked for outright is told with the request filter that did."""
    return f"{trait} (wanted by {added[trait]})" if trait in added else trait


def with_traits(known: Marks, request: Request) -> Bits:
    wanted = request.traits
    bits = known.everything
    for name in wanted.required:
        bits &= known.of(marks.trait(name))
    for name in wanted.forbidden:
        bits &= ~known.of(marks.trait(name))
    return bits


def status(profile: Profile, request: Request) -> Verdict:
    """Nova's compute_status_filter."""
    return reject("marked as disabled in placement") if DISABLED in profile.traits else PASS


def not_disabled(known: Marks, request: Request) -> Bits:
    return known.everything & ~known.of(marks.trait(DISABLED))


def segments(profile: Profile, request: Request) -> Verdict:
    """Nova's routed_networks_filter: of each routed network the host reaches one segment."""
    here = {aggregate.id for aggregate in profile.aggregates}
    reached = all(not here.isdisjoint(aggregates) for aggregates in request.spec.segment_aggregates)
    return PASS if reached else reject("reaches no segment of a network wanted")


def tenant(profile: Profile, request: Request) -> Verdict:
    """Nova's require_tenant_aggregate: a project that aggregates name is to be on their hosts, any other anywhere.

    What keeps others off these hosts is AggregateMultiTenancyIsolation.
    """
    settings = request.settings
    if not settings.limit_tenants_to_placement_aggregate:
        return PASS
    if request.demand.has_aggregates:
        return PASS if request.spec.project_id in tenants_of(profile) else reject("not given to this project")
    return reject("no host is given to this project") if settings.placement_aggregate_required_for_tenants else PASS


def tenants_of(profile: Profile) -> frozenset[str]:
    """The projects its aggregates name."""
    return frozenset[str]().union(*map(projects_of, profile.aggregates))


def isolated(profile: Profile, request: Request) -> Verdict:
    """Nova's isolate_aggregates: an aggregate may insist on traits (`trait:X=required`) that requests must ask for."""
    if not request.settings.enable_isolated_aggregate_filtering:
        return PASS
    insisted = {
        key.removeprefix("trait:")
        for key, values in profile.metadata.items()
        if key.startswith("trait:") and "required" in values
    }
    missing = insisted - request.traits.required
    return reject(f"kept for servers that ask for {', '.join(sorted(missing))}") if missing else PASS


def sizes(profile: Profile, request: Request) -> Verdict:
    """Whether an empty host of this kind could take the request."""
    for name, amount in request.needs.items():
        inventory = profile.inventories.get(name)
        if inventory is None:
            return reject(f"{name}: wanted {amount}, has none")
        refused = inventory.refuses_size(amount)
        if refused is None and amount > inventory.capacity:
            refused = f"wanted {amount}, has {inventory.capacity}"
        if refused is not None:
            return reject(f"{name}: {refused}")
    return PASS
