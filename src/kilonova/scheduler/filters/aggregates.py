"""Filters that compare a request with the metadata of a host's aggregates. All values of a key count, as in Nova."""

from kilonova.scheduler.filters.filter import ProfileFilter
from kilonova.scheduler.filters.operators import matches
from kilonova.scheduler.filters.placement import tenants_of
from kilonova.scheduler.host import Profile
from kilonova.scheduler.request import Request
from kilonova.scheduler.verdict import PASS, Verdict, reject

SCOPE = "aggregate_instance_extra_specs:"
# Nova's own extra specs without a scope.
OTHERS = frozenset({"group_policy", "hide_hypervisor_id"})


def extra_specs(profile: Profile, request: Request) -> Verdict:
    """Extra specs of this scope or of none must match one of the aggregates' values."""
    for key, wanted in request.spec.extra_specs.items():
        scoped = key.startswith(SCOPE)
        name = key.removeprefix(SCOPE)
        if not scoped and (":" in key or key in OTHERS):
            continue
        values = profile.metadata.get(name)
        if values is None or not any(matches(value, wanted) for value in values):
            return reject(f"no aggregate with {name} {wanted}")
    return PASS


def image_properties(profile: Profile, request: Request) -> Verdict:
    """Image properties that an aggregate names (within the namespace, if one is set) must have one of its values."""
    settings = request.settings
    namespace = settings.aggregate_image_properties_isolation_namespace
    prefix = "" if namespace is None else namespace + settings.aggregate_image_properties_isolation_separator
    for key, allowed in profile.metadata.items():
        if not key.startswith(prefix):
            continue
        value = request.spec.image_properties.get(key)
        if value is not None and value not in allowed:
            return reject(f"kept for images with another {key}")
    return PASS


def tenants(profile: Profile, request: Request) -> Verdict:
    reserved = tenants_of(profile)
    if not reserved or request.spec.project_id in reserved:
        return PASS
    return reject("kept for other projects")


def flavors(profile: Profile, request: Request) -> Verdict:
    allowed = profile.metadata.get("instance_type")
    if allowed is None or request.spec.flavor_name in allowed:
        return PASS
    return reject("kept for other flavors")


AGGREGATE_FILTERS = (
    ProfileFilter(name="AggregateInstanceExtraSpecsFilter", judge=extra_specs),
    ProfileFilter(name="AggregateImagePropertiesIsolation", judge=image_properties, on_rebuild=True),
    ProfileFilter(name="AggregateMultiTenancyIsolation", judge=tenants),
    ProfileFilter(name="AggregateTypeAffinityFilter", judge=flavors),
)
