"""What an agent has: its host's hypervisor and plugger, the conductor, the neighbours, its directories."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from kilonova.aio.clock import Clock
from kilonova.compute.console_relay import Lending
from kilonova.contract.conductor import Conductor
from kilonova.contract.network_agent import PortPlugger
from kilonova.model.fitting.offer import Offer
from kilonova.model.ids import HostName
from kilonova.peers.image import ImageClient
from kilonova.peers.network import NetworkClient
from kilonova.peers.vendor_data import VendorSource
from kilonova.peers.volume import VolumeClient
from kilonova.virt.guest_metadata import DOMAIN
from kilonova.virt.hypervisor import Hypervisor
from kilonova.virt.image_cache import ImageCache


class HostSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`host_ip` is where consoles and migrations reach the host (nova.conf: my_ip). Times in seconds."""

    host_ip: str = "127.0.0.1"
    report_interval_s: float = 10.0
    zone: str = "nova"
    force_config_drive: bool = False
    # What guests' host names end with, on their config drives.
    domain: str = DOMAIN
    # What guests may have of its CPUs, pages and devices.
    offer: Offer = Offer()
    # Of ephemeral disks, where nothing else is asked for.
    ephemeral_format: str | None = None
    # How often records and guests are compared.
    sync_interval_s: float = 600.0
    # Guests built at a time; 0 for no limit.
    max_concurrent_builds: int = 10
    # How proxies on other machines reach consoles, by kind; those not named are for proxies on this one.
    lendings: dict[str, Lending] = {}
    # What it measures of itself for the scheduler.
    monitors: tuple[str, ...] = ()


class Host:
    def __init__(
        self,
        name: HostName,
        *,
        node_id: str,
        hypervisor: Hypervisor,
        plugger: PortPlugger,
        conductor: Conductor,
        image: ImageClient,
        network: NetworkClient,
        volume: VolumeClient,
        token: Callable[[], Awaitable[str]],
        vendor: VendorSource,
        cache: ImageCache,
        work_dir: Path,
        clock: Clock,
        settings: HostSettings,
    ) -> None:
        """`token` gives a token of the compute service's own user."""
        self.name = name
        self.node_id = node_id
        self.hypervisor = hypervisor
        self.plugger = plugger
        self.conductor = conductor
        self.image = image
        self.network = network
        self.volume = volume
        self.token = token
        self.vendor = vendor
        self.cache = cache
        self.work_dir = work_dir
        self.clock = clock
        self.settings = settings
