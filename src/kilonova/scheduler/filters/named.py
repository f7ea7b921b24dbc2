"""Which filters nova.conf's `available_filters` and `enabled_filters` mean."""

from kilonova.scheduler import plugins
from kilonova.scheduler.filters import FILTERS
from kilonova.scheduler.filters.filter import Filter, HostFilter, ProfileFilter
from kilonova.scheduler.settings import ALL_FILTERS, SchedulerSettings

AVAILABLE = "[filter_scheduler] available_filters"
ENABLED = "[filter_scheduler] enabled_filters"

_NOVA = "nova.scheduler.filters."


def enabled(settings: SchedulerSettings) -> tuple[Filter, ...]:
    """In the order of `enabled_filters`. Errors: UnknownName."""
    available: dict[str, Filter] = {}
    everything = False
    for path in settings.available_filters:
        if path == ALL_FILTERS:
            everything = True
            available |= FILTERS
        else:
            one = _own(path)
            available[one.name] = one
    return tuple(_named(name, available, everything=everything) for name in settings.enabled_filters)


def _named(name: str, available: dict[str, Filter], *, everything: bool) -> Filter:
    if name in available:
        return available[name]
    # Only now: looking at everything that is installed takes its time.
    offered = plugins.installed(plugins.FILTERS) if everything else {}
    if name in offered:
        return _checked(plugins.loaded(offered[name], ENABLED), name, ENABLED)
    if name in FILTERS or name in offered:
        raise plugins.UnknownName(f"{ENABLED}: {name} is not among the available_filters.")
    raise plugins.unknown(ENABLED, name, (*available, *offered))


def _own(path: str) -> Filter:
    """Nova's path of a built-in filter, an entry point's name, or the path of a filter of one's own."""
    short = path.rpartition(".")[2]
    if short in FILTERS and (path == short or path.startswith(_NOVA)):
        return FILTERS[short]
    offered = plugins.installed(plugins.FILTERS)
    if path in offered:
        return _checked(plugins.loaded(offered[path], AVAILABLE), path, AVAILABLE)
    if "." not in path or path.startswith("nova."):
        raise plugins.unknown(AVAILABLE, path, (*FILTERS, *offered, ALL_FILTERS))
    return _checked(plugins.by_path(path, AVAILABLE), path, AVAILABLE)


def _checked(found: object, name: str, option: str) -> Filter:
    if isinstance(found, ProfileFilter | HostFilter):
        return found
    raise plugins.UnknownName(f"{option}: {name} is no ProfileFilter and no HostFilter.")
