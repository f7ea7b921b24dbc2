"""Filters: pure questions to a host, each with a reason when the answer is no. Named as in Nova."""

from kilonova.scheduler.filters.affinity import AFFINITY_FILTERS
from kilonova.scheduler.filters.aggregates import AGGREGATE_FILTERS
from kilonova.scheduler.filters.capabilities import CAPABILITIES
from kilonova.scheduler.filters.compute import ALL_HOSTS, COMPUTE
from kilonova.scheduler.filters.filter import Filter
from kilonova.scheduler.filters.hardware import HARDWARE_FILTERS
from kilonova.scheduler.filters.image import IMAGE_PROPERTIES, ISOLATED_HOSTS
from kilonova.scheduler.filters.json_query import JSON_QUERY
from kilonova.scheduler.filters.load import LOAD_FILTERS

FILTERS: dict[str, Filter] = {
    one.name: one
    for one in (
        ALL_HOSTS,
        CAPABILITIES,
        COMPUTE,
        IMAGE_PROPERTIES,
        ISOLATED_HOSTS,
        JSON_QUERY,
        *AFFINITY_FILTERS,
        *AGGREGATE_FILTERS,
        *HARDWARE_FILTERS,
        *LOAD_FILTERS,
    )
}
