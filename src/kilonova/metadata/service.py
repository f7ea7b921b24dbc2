"""The service: from a question on a network's socket to the guest that asked, and to its documents."""

import hmac
import logging
import secrets
import socket
import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kilonova.aio.clock import Clock
from kilonova.contract.conductor import Conductor
from kilonova.metadata.listener import Listener
from kilonova.metadata.trees import ec2, has_password, openstack
from kilonova.model.errors import BadRequest, Forbidden, KilonovaError, NotFound
from kilonova.model.ids import NetworkId, ServerId
from kilonova.observe import metrics, trace
from kilonova.peers.guest_subnets import guest_subnets
from kilonova.peers.network import NetworkClient
from kilonova.peers.vendor_data import VendorSource
from kilonova.virt.guest_metadata import DOMAIN, Told
from kilonova.web.status import status_of

log = logging.getLogger(__name__)

# Source of both: Nova's metadata service.
_MAX_PASSWORD = 1020
_SEED = 512


class UnknownGuest(NotFound):
    def __init__(self) -> None:
        super().__init__("404 Not Found")


class MetadataService:
    """`token` is the compute service's own. `shared_secret` opens the door for signed headers (`app`).

    `cache_s` as nova.conf's [api]metadata_cache_expiration, `domain` as its dhcp_domain.
    """

    def __init__(
        self,
        *,
        conductor: Conductor,
        network: NetworkClient,
        token: Callable[[], Awaitable[str]],
        clock: Clock,
        vendor: VendorSource,
        shared_secret: str | None = None,
        cache_s: float = 15.0,
        domain: str = DOMAIN,
    ) -> None:
        self._conductor = conductor
        self._network = network
        self._token = token
        self._clock = clock
        self._vendor = vendor
        self._shared_secret = shared_secret
        self._cache_s = cache_s
        self._domain = domain
        self._known: dict[tuple[str, str], tuple[float, Told]] = {}
        self._listeners: dict[NetworkId, Listener] = {}
        self._for_agents: Listener | None = None

    # -- contract.network_agent.MetadataSockets ----------------------------------------------------------------------

    async def opened(self, network_id: NetworkId, listening: socket.socket) -> None:
        await self.closed(network_id)

        async def on_network(scope: Scope, receive: Receive, send: Send) -> None:
            await self._on_network(network_id, scope, receive, send)

        self._listeners[network_id] = await Listener.open(on_network, listening)

    async def closed(self, network_id: NetworkId) -> None:
        listener = self._listeners.pop(network_id, None)
        if listener is not None:
            listener.close()

    async def listen(self, listening: socket.socket) -> None:
        """Open the door for metadata agents on a port of its own, as they expect it."""
        self._for_agents = await Listener.open(self.app, listening)

    async def close(self) -> None:
        for network_id in list(self._listeners):
            await self.closed(network_id)
        if self._for_agents is not None:
            self._for_agents.close()

    # -- the two doors -----------------------------------------------------------------------------------------------

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """For metadata agents of a Neutron: they say who asks, and sign it."""
        request = Request(scope, receive)

        async def who() -> Told:
            server_id, project_id = self._signed(request)
            told = await self._told_of(("", server_id), lambda: self._told(ServerId(server_id)))
            if told.record.project_id != project_id:
                raise UnknownGuest
            return told

        await (await self._response(request, who))(scope, receive, send)

    async def _on_network(self, network_id: NetworkId, scope: Scope, receive: Receive, send: Send) -> None:
        """For guests themselves: who asks is decided by where and from which address, by nothing they say."""
        request = Request(scope, receive)
        address = request.client.host if request.client else ""

        async def who() -> Told:
            return await self._told_of((network_id, address), lambda: self._told_at(network_id, address))

        await (await self._response(request, who))(scope, receive, send)

    async def _response(self, request: Request, who: Callable[[], Awaitable[Told]]) -> Response:
        began = time.perf_counter()
        with trace.serving("metadata", None):
            try:
                response = await self._answer(request, await who())
            except KilonovaError as error:
                response = Response(error.message, status_of(error), media_type="text/plain")
            except Exception:
                log.exception("metadata for %s failed", request.client)
                response = Response("An error occurred.", 500, media_type="text/plain")
        metrics.answered("metadata", request.method, response.status_code, time.perf_counter() - began)
        return response

    def _signed(self, request: Request) -> tuple[str, str]:
        """Server and project the agent says. Errors: BadRequest, Forbidden."""
        server_id = request.headers.get("x-instance-id")
        project_id = request.headers.get("x-tenant-id")
        signature = request.headers.get("x-instance-id-signature")
        if not self._shared_secret or not server_id:
            raise BadRequest("X-Instance-ID header is missing from request.")
        if signature is None:
            raise BadRequest("X-Instance-ID-Signature header is missing from request.")
        if not project_id:
            raise BadRequest("X-Tenant-ID header is missing from request.")
        wanted = hmac.new(self._shared_secret.encode(), server_id.encode(), "sha256").hexdigest()
        if not hmac.compare_digest(wanted.encode(), signature.encode("latin-1")):
            raise Forbidden("Invalid proxy request signature.")
        return server_id, project_id

    # -- who ---------------------------------------------------------------------------------------------------------

    async def _told_of(self, key: tuple[str, str], find: Callable[[], Awaitable[Told]]) -> Told:
        known = self._known.get(key)
        if known is not None and known[0] > self._clock.time():
            return known[1]
        told = await find()
        now = self._clock.time()
        self._known = {key: entry for key, entry in self._known.items() if entry[0] > now}
        self._known[key] = (now + self._cache_s, told)
        return told

    async def _told_at(self, network_id: NetworkId, address: str) -> Told:
        ports = await self._network.ports(await self._token(), network_id=network_id, fixed_ips=f"ip_address={address}")
        if not ports or not ports[0].device_id:
            raise UnknownGuest
        return await self._told(ServerId(ports[0].device_id))

    async def _told(self, server_id: ServerId) -> Told:
        record = await self._conductor.server(server_id)
        told = Told(record=record, domain=self._domain)
        return Told(
            record=record,
            subnets=await guest_subnets(self._network, await self._token(), record.vifs),
            vendor=await self._vendor.told(record, told.hostname),
            domain=self._domain,
        )

    # -- what --------------------------------------------------------------------------------------------------------

    async def _answer(self, request: Request, told: Told) -> Response:
        below: str = request.scope["path"][len(request.scope.get("root_path", "")) :]
        path = [part for part in below.split("/") if part]
        if len(path) == 3 and path[0] == "openstack" and path[2] == "password" and has_password(path[1]):
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
            password = await _at_most(request, _MAX_PASSWORD)
            await self._conductor.tell_guest_password(told.record.id, password.decode("ascii", "replace"))
            return Response(b"", media_type="text/plain")
        if request.method not in ("GET", "HEAD"):
            raise BadRequest("The password can be read and set.")
        return Response(await self._conductor.guest_password(told.record.id), media_type="text/plain")


async def _at_most(request: Request, size: int) -> bytes:
    """The body; no more of it than that is ever in memory. Errors: BadRequest."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > size:
            raise BadRequest("Request is too large.")
    return body
