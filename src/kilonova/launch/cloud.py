"""A process of the cloud: the services whose roles it has, each handed what it needs. All roles: a whole cloud."""

import asyncio
import gc
import logging
import os
import secrets
import socket
import uuid
from collections.abc import Awaitable, Callable, Set
from pathlib import Path
from typing import Any

from kilonova.aio.clock import Clock, SystemClock
from kilonova.aio.supervise import Tasks
from kilonova.api.application import ComputeApi
from kilonova.api.event_stream import EventStream
from kilonova.api.policy import Policy
from kilonova.api.world import World as ApiWorld
from kilonova.bus.bus import Bus, Subscription
from kilonova.bus.connect import connect as connect_bus
from kilonova.bus.proxy import proxy, serve
from kilonova.conductor.duties import DutySettings
from kilonova.conductor.hosts import Hosts
from kilonova.conductor.neighbours import Neighbours as ConductorNeighbours
from kilonova.conductor.service import ConductorService, Ratios
from kilonova.conductor.world import World as ConductorWorld
from kilonova.config.options import Config
from kilonova.console.auth import ConsoleAuthService
from kilonova.console.proxy import ConsoleProxy
from kilonova.contract.compute import Compute
from kilonova.contract.conductor import Conductor
from kilonova.contract.console import ConsoleAuth
from kilonova.contract.events import EventListener
from kilonova.contract.placement import Placement, ProviderChange
from kilonova.contract.scheduler import Scheduler
from kilonova.dashboard.service import Dashboard
from kilonova.db.connect import connect as connect_database
from kilonova.db.database import Database
from kilonova.db.repository import figures
from kilonova.identity.bootstrap import bootstrap
from kilonova.identity.service import IdentityService
from kilonova.identity.settings import IdentitySettings
from kilonova.image.service import ImageService
from kilonova.image.world import ImageSettings
from kilonova.launch import settings as translate
from kilonova.launch.hosts import ComputeHosts, real_hypervisor
from kilonova.launch.neighbours import PREFIXES, Neighbours
from kilonova.launch.roles import WITH_DATABASE, Role
from kilonova.launch.schema import prepare_schema
from kilonova.launch.state_dir import StateDir
from kilonova.launch.tracing import SpanKeeper
from kilonova.launch.web import front_door
from kilonova.metadata.service import MetadataService
from kilonova.model.ids import HostName
from kilonova.network.service import NetworkService
from kilonova.observe.metrics import Figure
from kilonova.peers.compute import ComputeClient
from kilonova.peers.identity import IdentityClient, TokenChecker
from kilonova.peers.image import ImageClient
from kilonova.peers.network import NetworkClient
from kilonova.peers.volume import VolumeClient
from kilonova.placement.rest.application import application as placement_application
from kilonova.placement.service import PlacementService
from kilonova.scheduler.service import SchedulerService
from kilonova.volume.service import VolumeService

log = logging.getLogger(__name__)

# Services of the same process whose heartbeat is its conductor's; they are listed with the hosts' ones.
_SEEN_WITH_CONDUCTOR = (Role.CONDUCTOR, Role.SCHEDULER, Role.CONSOLEAUTH)

# A database that takes longer for nothing at all counts as away.
DATABASE_S = 5.0

Closing = Callable[[], Awaitable[None]]


class Cloud:
    """`start`, then `app` is what to listen with; `close` in any state. Guests outlive it."""

    def __init__(self, config: Config, state: StateDir, roles: frozenset[Role], *, base_url: str) -> None:
        self.config = config
        self.state = state
        self.roles = roles
        self.base_url = base_url
        self.clock: Clock = SystemClock()
        self.apps: dict[str, Any] = {}
        self.app: Any = None
        self.hosts: ComputeHosts | None = None
        self.scheduler_service: SchedulerService | None = None
        self.db: Database | None = None
        # The making of the image `tiny`, in a cloud that did not have it yet.
        self.furnishing: asyncio.Task[None] | None = None
        self._me = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._closing: list[Closing] = []
        self.tasks = Tasks("cloud")
        self._at_end(self.tasks.close)

    # -- life ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """All services of this process, in the order in which they need one another."""
        self._begin_hypervisor()
        self.bus: Bus = await connect_bus(self.config.default.transport_url, self.config.oslo_messaging_rabbit)
        self._at_end(self.bus.close)
        if self.roles & WITH_DATABASE:
            await prepare_schema(self.config.database.connection)
            database = self.config.database
            self.db = await connect_database(database.connection, pool_size=database.max_pool_size)
            self._at_end(self.db.close)
        self._proxies()
        # A process without identity is told its password by nova.conf, or shares the state directory of one with it.
        self.passwords = self.state.passwords(make=Role.IDENTITY in self.roles)
        self.neighbours = Neighbours(self.config, self.apps, self.base_url)
        self._at_end(self.neighbours.close)
        await self._identity()
        self.session = self.neighbours.session("nova", self.passwords, self.clock)
        await self._image_and_volume()
        await self._network()
        await self._placement_and_scheduler()
        await self._console()
        await self._conductor()
        await self._metadata()
        await self._api()
        await self._compute()
        self.app = front_door(self.apps, PREFIXES, ready=self.ready, figures=self.figures)
        # What is there now stays for good: no use looking at it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)

    async def ready(self) -> dict[str, str]:
        """By role, `ok` or what is wrong; for /healthcheck."""
        found = {str(role): "ok" for role in sorted(self.roles)}
        if self.db is not None:
            found["database"] = await self._database_state(self.db)
        if self.hosts is not None:
            found |= await self.hosts.health()
        return found

    async def _database_state(self, db: Database) -> str:
        try:
            async with asyncio.timeout(DATABASE_S):
                await figures.answers(db)
        except Exception as error:
            # Why is for the log alone: anybody may ask how we are.
            log.warning("the database does not answer: %s", error)
            return "does not answer"
        return "ok"

    async def figures(self) -> list[Figure]:
        """For /metrics."""
        if self.db is None:
            return []
        found = await figures.figures(self.db, self.clock, down_after_s=self.config.default.service_down_time)
        return found + (self.scheduler_service.figures() if self.scheduler_service is not None else [])

    async def close(self) -> None:
        while self._closing:
            try:
                await self._closing.pop()()
            except Exception:
                log.exception("closing failed")

    def _at_end(self, close: Closing) -> None:
        self._closing.append(close)

    def _serving(self, subscription: Subscription) -> None:
        self._at_end(subscription.cancel)

    # -- what services see of one another ----------------------------------------------------------------------------

    def _proxies(self) -> None:
        self.conductor = proxy(Conductor, self.bus, "conductor")
        self.scheduler = proxy(Scheduler, self.bus, "scheduler")
        self.placement = proxy(Placement, self.bus, "placement")
        self.consoleauth = proxy(ConsoleAuth, self.bus, "consoleauth")
        self.events = proxy(EventListener, self.bus, "events")
        self._computes: dict[HostName, Compute] = {}
        self.spans = SpanKeeper(self.conductor, self.clock)
        self.spans.start()
        self._at_end(self.spans.close)

    def compute(self, host: HostName) -> Compute:
        if host not in self._computes:
            self._computes[host] = proxy(Compute, self.bus, f"compute.{host}")
        return self._computes[host]

    def _database(self) -> Database:
        assert self.db is not None, "the roles of this process were said to need no database"
        return self.db

    async def _token_checker(self, user: str, *, step: str = "") -> TokenChecker:
        session = self.neighbours.session(user, self.passwords, self.clock)
        checker = TokenChecker(session, self.clock, step=step)
        self._serving(await checker.listen(self.bus))
        return checker

    def _clients(self) -> dict[str, Any]:
        return {
            "image": ImageClient(self.neighbours.client("image")),
            "network": NetworkClient(self.neighbours.client("network")),
            "volume": VolumeClient(self.neighbours.client("volume")),
            "token": self.session.token,
        }

    # -- the services ------------------------------------------------------------------------------------------------

    async def _identity(self) -> None:
        if Role.IDENTITY not in self.roles:
            return
        settings = IdentitySettings(keys_dir=self.state.keys)
        service = IdentityService(self._database(), self.bus, self.clock, settings)
        await service.start()
        self._at_end(service.close)
        await bootstrap(self._database(), passwords=self.passwords, base_url=self.base_url, settings=settings)
        self.apps["identity"] = service.app

    async def _image_and_volume(self) -> None:
        if Role.IMAGE in self.roles:
            check = await self._token_checker("glance", step="20")
            image = ImageService(
                self._database(), self.bus, check, self.clock, ImageSettings(directory=self.state.images)
            )
            await image.start()
            self._at_end(image.close)
            self.apps["image"] = image.app
        if Role.VOLUME in self.roles:
            session = self.neighbours.session("cinder", self.passwords, self.clock)
            volume = VolumeService(
                self._database(),
                self.bus,
                await self._token_checker("cinder", step="26"),
                self.clock,
                translate.volume(self.config, self.state),
                image=ImageClient(self.neighbours.client("image")),
                session=session.token,
            )
            await volume.start()
            self._at_end(volume.close)
            self.apps["volume"] = volume.app

    async def _network(self) -> None:
        if Role.NETWORK in self.roles:
            check = await self._token_checker("neutron", step="23")
            network = NetworkService(
                self._database(),
                self.bus,
                check,
                self.clock,
                translate.network(self.config),
                tell_servers=self._tell_servers,
            )
            await network.start()
            self._at_end(network.close)
            self.apps["network"] = network.app

    async def _tell_servers(self, servers: Set[str]) -> None:
        """As Neutron tells Nova: by its REST API."""
        compute = ComputeClient(self.neighbours.client("compute"))
        await compute.network_changed(await self.session.token(), sorted(servers))

    async def _placement_and_scheduler(self) -> None:
        placement: PlacementService | None = None
        if Role.PLACEMENT in self.roles:
            placement = PlacementService(self._database(), self.clock)
            self._serving(await serve(self.bus, "placement", Placement, placement))
            self.apps["placement"] = placement_application(placement, await self._token_checker("placement"))
        if Role.SCHEDULER in self.roles:
            scheduler = SchedulerService(self._database(), self.placement, self.clock, translate.scheduler(self.config))
            self.scheduler_service = scheduler
            await scheduler.start()
            self._at_end(scheduler.close)
            self._serving(await serve(self.bus, "scheduler", Scheduler, scheduler))
            if placement is not None:
                placement.listen(scheduler.hear)
        elif placement is not None:
            placement.listen(self._tell_schedulers)

    def _tell_schedulers(self, changes: tuple[ProviderChange, ...]) -> None:
        self.tasks.start(self.scheduler.placement_changed(changes), name="placement changed")

    async def _console(self) -> None:
        if Role.CONSOLEAUTH in self.roles:
            service = ConsoleAuthService(self._database(), self.clock, token_ttl_s=self.config.consoleauth.token_ttl)
            self._serving(await serve(self.bus, "consoleauth", ConsoleAuth, service))
        if Role.DASHBOARD in self.roles:
            self.apps["dashboard"] = Dashboard()
        if Role.NOVNCPROXY in self.roles:
            self.apps["console"] = ConsoleProxy(self.consoleauth, allowed_origins=self.config.console.allowed_origins)

    async def _conductor(self) -> None:
        if Role.CONDUCTOR not in self.roles:
            return
        config = self.config.default
        db = self._database()
        clients = self._clients()
        world = ConductorWorld(
            db=db,
            clock=self.clock,
            scheduler=self.scheduler,
            placement=self.placement,
            console=self.consoleauth,
            compute=self.compute,
            neighbours=ConductorNeighbours(**clients),
            hosts=Hosts(db, self.clock, down_after_s=config.service_down_time, new_id=lambda: str(uuid.uuid4())),
            shutdown_timeout_s=config.shutdown_timeout,
            resize_to_same_host=config.allow_resize_to_same_host,
            max_attempts=self.config.scheduler.max_attempts,
        )
        self.conductor_service = service = ConductorService(
            world,
            me=self._me,
            alone=Role.COMPUTE in self.roles,
            ratios=Ratios(
                cpu=config.cpu_allocation_ratio,
                ram=config.ram_allocation_ratio,
                disk=config.disk_allocation_ratio,
                reserved_cpus=config.reserved_host_cpus,
                reserved_mib=config.reserved_host_memory_mb,
                reserved_gib=-(-config.reserved_host_disk_mb // 1024),
            ),
            events=self.events,
            report_interval_s=config.report_interval,
            control=[f"nova-{role}" for role in _SEEN_WITH_CONDUCTOR if role in self.roles],
            host=config.host,
            duties=DutySettings(
                resize_confirm_window_s=config.resize_confirm_window,
                instance_build_timeout_s=config.instance_build_timeout,
                reclaim_interval_s=config.reclaim_instance_interval,
            ),
        )
        await service.start()
        self._at_end(service.close)
        self._serving(await serve(self.bus, "conductor", Conductor, service))

    async def _metadata(self) -> None:
        self.metadata: MetadataService | None = None
        if Role.METADATA not in self.roles:
            return
        self.metadata = MetadataService(
            conductor=self.conductor,
            network=NetworkClient(self.neighbours.client("network")),
            token=self.session.token,
            clock=self.clock,
            vendor=translate.vendor(self.config),
            shared_secret=self.config.neutron.metadata_proxy_shared_secret,
            cache_s=self.config.api.metadata_cache_expiration,
            domain=self.config.api.dhcp_domain,
        )
        self._at_end(self.metadata.close)
        self.apps["metadata"] = self.metadata.app
        if self.config.neutron.metadata_proxy_shared_secret:
            default = self.config.default
            await self.metadata.listen(
                socket.create_server((default.metadata_listen, default.metadata_listen_port), backlog=1024)
            )

    async def _api(self) -> None:
        if Role.API not in self.roles:
            return
        settings = translate.api(self.config, self.state, self.base_url)
        clients = self._clients()
        stream = EventStream(secrets.token_hex(4))
        self._at_end(stream.close)
        self._serving(await serve(self.bus, "events", EventListener, stream))
        world = ApiWorld(
            db=self._database(),
            conductor=self.conductor,
            scheduler=self.scheduler,
            consoleauth=self.consoleauth,
            compute=self.compute,
            image=clients["image"],
            network=clients["network"],
            volume=clients["volume"],
            events=self.events,
            stream=stream,
            clock=self.clock,
            tasks=self.tasks,
            policy=Policy(self.clock, Path(settings.policy_file)),
            settings=settings,
            new_id=lambda: str(uuid.uuid4()),
            secret=lambda length: secrets.token_urlsafe(length)[:length],
            identity=IdentityClient(self.session),
            placement=self.placement,
            service_token=self.session.token,
        )
        self.apps["compute"] = ComputeApi(world, await self._token_checker("nova", step="4-5"))

    def _begin_hypervisor(self) -> None:
        """It takes as long to start as all else together, and needs nothing of it."""
        self._hypervisor = real_hypervisor(self.config, self.state) if Role.COMPUTE in self.roles else None
        if self._hypervisor is not None:
            self.tasks.start(self._hypervisor.start(), name="hypervisor")
            self._at_end(self._hypervisor.close)

    async def _compute(self) -> None:
        if Role.COMPUTE not in self.roles:
            return
        self.hosts = ComputeHosts(
            self.config,
            self.state,
            hypervisor=self._hypervisor,
            bus=self.bus,
            conductor=self.conductor,
            metadata=self.metadata,
            clock=self.clock,
            **self._clients(),
        )
        await self.hosts.start()
        self._at_end(self.hosts.close)
