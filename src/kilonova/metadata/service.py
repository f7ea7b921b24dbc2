"""The service: from a question on a network's socket to the guest that asked, and to its documents."""

import asyncio
import hmac
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from kilonova.aio.clock import Clock
from kilonova.contract.conductor import Conductor
from kilonova.metadata.trees import Told, ec2, openstack
from kilonova.model.errors import BadRequest, Forbidden, KilonovaError, NotFound
from kilonova.model.ids import NetworkId, ServerId
from kilonova.observe import trace
from kilonova.peers.network import NetworkClient
from kilonova.virt.guest_metadata import SubnetInfo
from kilonova.web.status import status_of

log = logging.getLogger(__name__)

# nova.conf: [api]metadata_cache_expiration.
CACHE_S = 15.0
_MAX_PASSWORD = 1020
_SEED = 512


class MetadataService:
    """`token` is the compute service's own. `shared_secret` opens the door for signed headers (`app`)."""

    def __init__(
        self,
        *,
        conductor: Conductor,
        network: NetworkClient,
        token: Callable[[], Awaitable[str]],
        clock: Clock,
        shared_secret: str | None = None,
    ) -> None:
        self._conductor = conductor
        self._network = network
        self._token = token
        self._clock = clock
        self._shared_secret = shared_secret
        self._known: dict[tuple[str, str], tuple[float, Told]] = {}
        self._listeners: dict[NetworkId, Any] = {}

    # -- contract.network_agent.MetadataSockets ----------------------------------------------------------------------

    async def opened(self, network_id: NetworkId, listening: socket.socket) -> None:
        await self.closed(network_id)
        loop = asyncio.get_running_loop()
        config = Config(_OnNetwork(self, network_id), lifespan="off", log_level="warning", access_log=False)
        config.load()
        state = ServerState()
        self._listeners[network_id] = await loop.create_server(
            lambda: config.http_protocol_class(config=config, server_state=state, app_state={}), sock=listening
        )

    async def closed(self, network_id: NetworkId) -> None:
        listener = self._listeners.pop(network_id, None)
        if listener is not None:
            listener.close()

    async def close(self) -> None:
        for network_id in list(self._listeners):
            await self.closed(network_id)

    # -- the two doors -----------------------------------------------------------------------------------------------

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """For metadata agents of a Neutron: they say who asks, and sign it."""
        request = Request(scope, receive)
        try:
            server_id = self._signed(request)
            response = await self._answer(request, await self._told(ServerId(server_id)))
        except KilonovaError as error:
            response = Response(error.message, status_of(error), media_type="text/plain")
        await response(scope, receive, send)

    async def on_network(self, network_id: NetworkId, scope: Scope, receive: Receive, send: Send) -> None:
        """For guests themselves: who asks is decided by where and from which address, by nothing they say."""
        request = Request(scope, receive)
        address = request.client.host if request.client else ""
        with trace.serving("metadata", None):
            try:
                response = await self._answer(request, await self._told_at(network_id, address))
            except KilonovaError as error:
                response = Response(error.message, status_of(error), media_type="text/plain")
            except Exception:
                log.exception("metadata for %s on %s failed", address, network_id)
                response = Response("An error occurred.", 500, media_type="text/plain")
        await response(scope, receive, send)

    def _signed(self, request: Request) -> str:
        """Errors: BadRequest, Forbidden."""
        server_id = request.headers.get("x-instance-id")
        signature = request.headers.get("x-instance-id-signature", "")
        if not self._shared_secret or not server_id:
            raise BadRequest("X-Instance-ID header is missing from request.")
        if not request.headers.get("x-tenant-id"):
            raise BadRequest("X-Tenant-ID header is missing from request.")
        wanted = hmac.new(self._shared_secret.encode(), server_id.encode(), "sha256").hexdigest()
        if not hmac.compare_digest(wanted, signature):
            raise Forbidden("Invalid proxy request signature.")
        return server_id

    # -- who ---------------------------------------------------------------------------------------------------------

    async def _told_at(self, network_id: NetworkId, address: str) -> Told:
        key = (network_id, address)
        known = self._known.get(key)
        if known is not None and known[0] > self._clock.time():
            return known[1]
        ports = await self._network.ports(await self._token(), network_id=network_id, fixed_ips=f"ip_address={address}")
        if not ports or not ports[0].device_id:
            raise NotFound("404 Not Found")
        told = await self._told(ServerId(ports[0].device_id))
        now = self._clock.time()
        self._known = {key: entry for key, entry in self._known.items() if entry[0] > now}
        self._known[key] = (now + CACHE_S, told)
        return told

    async def _told(self, server_id: ServerId) -> Told:
        record = await self._conductor.server(server_id)
        token = await self._token()
        subnets = [
            SubnetInfo(
                network_id=subnet.network_id,
                cidr=subnet.cidr,
                gateway=subnet.gateway_ip,
                dns=subnet.dns_nameservers,
                routes=tuple((route.destination, route.nexthop) for route in subnet.host_routes),
                dhcp=subnet.enable_dhcp,
            )
            for network_id in sorted({vif.network_id for vif in record.vifs})
            for subnet in await self._network.subnets(token, network_id=network_id)
        ]
        return Told(record, tuple(subnets))

    # -- what --------------------------------------------------------------------------------------------------------

    async def _answer(self, request: Request, told: Told) -> Response:
        path = [part for part in request.url.path.split("/") if part]
        if len(path) == 3 and path[0] == "openstack" and path[2] == "password":
            return await self._password(request, told)
        if request.method not in ("GET", "HEAD"):
            return Response("405 Method Not Allowed", 405, media_type="text/plain")
        if path[:1] == ["openstack"]:
            found = openstack(told, path[1:], secrets.token_bytes(_SEED))
        else:
            found = ec2(told, path[1:] if path[:1] == ["ec2"] else path)
        if found is None:
            raise NotFound("404 Not Found")
        kind = "application/json" if path[-1:] and path[-1].endswith(".json") else "text/plain"
        return Response(found, media_type=kind)

    async def _password(self, request: Request, told: Told) -> Response:
        if request.method == "POST":
            body = await request.body()
            if len(body) > _MAX_PASSWORD:
                raise BadRequest("Request is too large.")
            await self._conductor.tell_guest_password(told.record.id, body.decode("ascii", "replace"))
            return Response(b"", media_type="text/plain")
        return Response(await self._conductor.guest_password(told.record.id), media_type="text/plain")


class _OnNetwork:
    def __init__(self, service: MetadataService, network_id: NetworkId) -> None:
        self._service = service
        self._network_id = network_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._service.on_network(self._network_id, scope, receive, send)
