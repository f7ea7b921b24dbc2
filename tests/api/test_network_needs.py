"""What ports and routed networks ask of a host, with a Neutron that has both."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from kilonova.api.servers.network_needs import NetworkNeeds, network_needs
from kilonova.contract.placement import ProviderState
from kilonova.model.ids import HostName
from kilonova.peers.network import NetworkClient
from kilonova.web.client import RestClient

PORTS = {"plain": "normal", "smart": "remote-managed"}
SEGMENTS = {"routed": ["s1", "s2"], "other": ["s3"], "flat": []}


async def _ports(request: Request) -> JSONResponse:
    ids = request.query_params.getlist("id")
    return JSONResponse({"ports": [{"id": one, "network_id": "other", "binding:vnic_type": PORTS[one]} for one in ids]})


async def _segments(request: Request) -> JSONResponse:
    assert request.headers["x-auth-token"] == "ours"
    return JSONResponse({"segments": [{"id": one} for one in SEGMENTS[request.query_params["network_id"]]]})


class Providers:
    def __init__(self, aggregates: Mapping[str, set[str]]) -> None:
        self._aggregates = aggregates

    async def provider(self, name: HostName) -> ProviderState | None:
        found = self._aggregates.get(name.removeprefix("Neutron segment id "))
        if found is None:
            return None
        return ProviderState(id=name, name=name, generation=1, root_id=name, aggregates=frozenset(found))


PLACEMENT = Providers({"s1": {"west"}, "s2": {"east", "south"}})


async def needs(*, ports: tuple[str, ...] = (), networks: tuple[str, ...] = (), routed: bool = True) -> NetworkNeeds:
    routes = [Route("/v2.0/ports", _ports), Route("/v2.0/segments", _segments)]
    client = NetworkClient(RestClient("network", "http://neutron", app=Starlette(routes=routes)))
    try:
        return await network_needs(client, PLACEMENT, token="ours", ports=ports, networks=networks, routed=routed)
    finally:
        await client.close()


async def test_a_port_its_card_manages_wants_a_host_with_such_a_card() -> None:
    assert not (await needs(ports=("plain",), routed=False)).remote_managed_ports
    assert (await needs(ports=("plain", "smart"), routed=False)).remote_managed_ports


async def test_a_routed_network_wants_a_host_that_reaches_a_segment_of_it() -> None:
    assert (await needs(networks=("routed", "flat"))).segment_aggregates == (("east", "south", "west"),)
    assert (await needs(networks=("routed",), routed=False)).segment_aggregates == ()


async def test_a_segment_placement_knows_nothing_of_is_reached_by_no_host() -> None:
    assert (await needs(ports=("plain",))).segment_aggregates == ((),)


async def test_a_neutron_without_segments_asks_for_nothing() -> None:
    client = NetworkClient(RestClient("network", "http://neutron", app=Starlette()))
    assert await client.segments("ours", "any") == []
    await client.close()
