"""What servers ask of hardware by flavor and image: refused where it makes no sense, and shown as it was fitted."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kilonova.api.request import Request
from kilonova.api.servers.find import find_server
from kilonova.contract.compute import FlavorOf
from kilonova.model.fitting.asked import Asked
from kilonova.model.fitting.errors import ImageNumaTopologyRebuildConflict
from kilonova.model.fitting.guest import GuestTopology, guest_topology
from kilonova.model.fitting.host import Fit, FittedCell
from kilonova.model.fitting.needs import check_hardware, may_be_fitted
from kilonova.model.fitting.processor import processor
from kilonova.model.server import Server


def asked_of(flavor: FlavorOf, properties: Mapping[str, str]) -> Asked:
    return Asked(
        vcpus=flavor.vcpus,
        memory_mib=flavor.memory_mib,
        extra_specs=flavor.extra_specs,
        properties=dict(properties),
    )


def check_asked(request: Request, flavor: FlavorOf, properties: Mapping[str, str]) -> None:
    """Errors: BadHardware."""
    if flavor.extra_specs or properties:
        check_hardware(asked_of(flavor, properties), request.world.settings.pci_aliases)


def check_rebuilt(request: Request, server: Server, properties: Mapping[str, str]) -> None:
    """Another image may not want other cells than the server has. Errors: BadHardware."""
    before = _asked_by(server)
    after = msgspec.structs.replace(before, properties=dict(properties))
    check_hardware(after, request.world.settings.pci_aliases)
    if guest_topology(before) != guest_topology(after):
        raise ImageNumaTopologyRebuildConflict


def _asked_by(server: Server) -> Asked:
    return asked_of(msgspec.json.decode(server.flavor, type=FlavorOf), image_properties(server))


class _OfSpec(msgspec.Struct, frozen=True):
    image_properties: dict[str, str] = {}


def image_properties(server: Server) -> dict[str, str]:
    """Of the image it was made from, as they were then."""
    return msgspec.json.decode(server.request_spec or "{}", type=_OfSpec).image_properties


async def topology(request: Request) -> dict[str, Any]:
    """The guest's NUMA cells, and for those who may know where on the host they are."""
    server = await find_server(request)
    asked = _asked_by(server)
    wanted = guest_topology(asked) if may_be_fitted(asked) else None
    if wanted is None:
        return {"nodes": [], "pagesize_kb": None}
    fit = await _fit_of(request, server)
    threads = processor(asked).threads
    if fit is None or len(fit.cells) != len(wanted.cells):
        return {"nodes": _unplaced(wanted, threads), "pagesize_kb": None}
    sizes = [cell.page_kib for cell in fit.cells if cell.sized]
    shows_host = request.permits("compute:server:topology:host:index")
    return {"nodes": _placed(fit, threads, shows_host=shows_host), "pagesize_kb": sizes[-1] if sizes else None}


async def _fit_of(request: Request, server: Server) -> Fit | None:
    placement = request.world.placement
    fits = {} if placement is None else await placement.fits_of((server.id,))
    return next(iter(fits.get(server.id, {}).values()), None)


def _unplaced(wanted: GuestTopology, threads: int) -> list[dict[str, Any]]:
    return [_node(cell.cpus, cell.memory_mib, threads) for cell in wanted.cells]


def _placed(fit: Fit, threads: int, *, shows_host: bool) -> list[dict[str, Any]]:
    nodes = []
    for cell in fit.cells:
        node = _node(cell.cpus, cell.memory_mib, threads)
        nodes.append(node | _where(cell) if shows_host else node)
    return nodes


def _node(cpus: frozenset[int], memory_mib: int, threads: int) -> dict[str, Any]:
    """`siblings` are told of only where the guest sees threads, as in Nova."""
    ordered = sorted(cpus)
    siblings = [ordered[first : first + threads] for first in range(0, len(ordered), threads)] if threads > 1 else []
    return {"vcpu_set": ordered, "siblings": siblings, "memory_mb": memory_mib}


def _where(cell: FittedCell) -> dict[str, Any]:
    return {
        "host_node": cell.host_cell,
        "cpu_pinning": {str(cpu): host for cpu, host in sorted(cell.pinning.items())},
    }
