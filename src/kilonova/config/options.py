"""Every option there is: section and name as in nova.conf, type, default, and a line that says what it does.

`$state_path`, `$host` and the like in a value stand for that option of [DEFAULT], `$section.option` for another's.
None: not set, which each option explains. Durations in seconds, sizes in MiB unless the name says otherwise.
"""

import socket
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from kilonova.config.live_migration import LiveMigration
from kilonova.config.scheduling import FilterScheduler, Metrics, Scheduler
from kilonova.config.section import Section, about, repeated

Driver = Literal["auto", "libvirt", "simulated"]


PORT = {"ge": 0, "le": 65535}


class Default(Section, frozen=True):
    host: Annotated[str, about("This machine's name among the hosts; the machine's own name unless set.")] = (
        msgspec.field(default_factory=socket.gethostname)
    )
    my_ip: Annotated[str, about("This machine's address for the other hosts.")] = "127.0.0.1"
    state_path: Annotated[str, about("Where everything is kept that must survive a restart; --state-dir says it.")] = (
        msgspec.field(default_factory=lambda: str(Path.home() / ".kilonova"))
    )
    instances_path: Annotated[
        str | None, about("Guests' disks; hosts may share them. Below the state path unless set.")
    ] = None
    debug: Annotated[bool, about("Log more.")] = False
    log_file: Annotated[str | None, about("Where to log; the terminal unless set. Relative to the state path.")] = None
    transport_url: Annotated[str, about("The queue: local:// (one process) or rabbit://USER:PASSWORD@HOST:PORT/.")] = (
        "local://"
    )
    osapi_compute_listen: Annotated[str, about("The address the REST services listen on.")] = "127.0.0.1"
    osapi_compute_listen_port: Annotated[int, about("The port the REST services listen on.", **PORT)] = 8774
    metadata_listen: Annotated[str, about("The address a metadata service of its own listens on.")] = "127.0.0.1"
    metadata_listen_port: Annotated[int, about("The port of a metadata service of its own.", **PORT)] = 8775
    default_availability_zone: Annotated[str, about("The zone of hosts that are in none.")] = "nova"
    default_schedule_zone: Annotated[str | None, about("The zone of new servers that name none; any unless set.")] = (
        None
    )
    compute_driver: Annotated[str, about("auto, libvirt or simulated; Nova's libvirt.LibvirtDriver is understood.")] = (
        "auto"
    )
    report_interval: Annotated[int, about("How often a service says it is alive.", ge=1)] = 10
    service_down_time: Annotated[int, about("After how much silence a service counts as down.", ge=1)] = 60
    max_concurrent_builds: Annotated[int, about("Guests a host builds at a time; 0 for no limit.", ge=0)] = 10
    compute_monitors: Annotated[
        tuple[str, ...], about("What a host measures and reports for the scheduler: cpu.virt_driver.")
    ] = ()
    instance_build_timeout: Annotated[int, about("A build that takes longer fails; 0: no such limit.", ge=0)] = 0
    shutdown_timeout: Annotated[int, about("How long a guest may take to shut itself down.", ge=0)] = 60
    resize_confirm_window: Annotated[int, about("Resizes are confirmed after so long; 0 for never.", ge=0)] = 0
    allow_resize_to_same_host: Annotated[
        bool, about("A resize may stay on its host; a cloud of one host has no other.")
    ] = True
    reclaim_instance_interval: Annotated[int, about("Deleted servers can be restored so long; 0: at once.", ge=0)] = 0
    sync_power_state_interval: Annotated[int, about("How often records and guests are compared.", ge=1)] = 600
    default_ephemeral_format: Annotated[
        str | None, about("File system of ephemeral disks. Default: by the image's os_type, ext4, ntfs or vfat.")
    ] = None
    password_length: Annotated[int, about("Of the passwords made for servers.", ge=0)] = 12
    max_local_block_devices: Annotated[
        int, about("Local disks a new server may ask for; -1: no limit, 0: it must boot from a volume.", ge=-1)
    ] = 3
    force_config_drive: Annotated[bool, about("Give every server a config drive.")] = False
    cpu_allocation_ratio: Annotated[float, about("Virtual CPUs per CPU of a host.", gt=0)] = 4.0
    ram_allocation_ratio: Annotated[float, about("Guest memory per memory of a host.", gt=0)] = 1.0
    disk_allocation_ratio: Annotated[float, about("Guest disk per disk of a host.", gt=0)] = 1.0
    reserved_host_cpus: Annotated[int, about("CPUs of a host no guest gets.", ge=0)] = 0
    reserved_host_memory_mb: Annotated[int, about("Memory of a host no guest gets.", ge=0)] = 512
    reserved_host_disk_mb: Annotated[int, about("Disk of a host no guest gets.", ge=0)] = 0

    reserved_huge_pages: Annotated[
        tuple[str, ...], repeated("Huge pages no guest gets: node:0,size:2048,count:64, the size in KiB.")
    ] = ()

    @property
    def driver(self) -> Driver:
        """`compute_driver` in our words."""
        name = self.compute_driver.lower()
        if "libvirt" in name:
            return "libvirt"
        return "simulated" if "simulated" in name or "fake" in name else "auto"


class Database(Section, frozen=True):
    connection: Annotated[str, about("sqlite:////PATH, postgresql://… or mysql+pymysql://…")] = (
        "sqlite:///$state_path/kilonova.db"
    )
    max_pool_size: Annotated[int, about("Connections of one process to PostgreSQL or MariaDB.", ge=1)] = 16


class Api(Section, frozen=True):
    max_limit: Annotated[int, about("The most items of one page.", ge=1)] = 1000
    compute_link_prefix: Annotated[
        str | None, about("What links to this API begin with; the address it was called by unless set.")
    ] = None
    glance_link_prefix: Annotated[str | None, about("What links to images begin with; beside this API unless set.")] = (
        None
    )
    enable_instance_password: Annotated[bool, about("Tell the password made for a server in answers.")] = True
    concurrent_reads: Annotated[int, about("GETs worked on at a time; others wait their turn.", ge=1)] = 16
    concurrent_writes: Annotated[int, about("Calls that change something, worked on at a time.", ge=1)] = 16
    longest_read_wait: Annotated[float, about("A GET that waits longer is answered 503 with Retry-After.", gt=0)] = 0.4
    longest_write_wait: Annotated[float, about("The same for calls that change something.", gt=0)] = 1.5
    dhcp_domain: Annotated[str, about("What guests' host names end with, in their metadata; may be empty.")] = (
        "novalocal"
    )
    metadata_cache_expiration: Annotated[int, about("How long a guest's metadata may be old.", ge=0)] = 15
    vendordata_jsonfile_path: Annotated[str | None, about("JSON told to every guest as vendor_data.json.")] = None
    vendordata_dynamic_targets: Annotated[
        tuple[str, ...], about("NAME@URL: asked about each guest; the answers stand in vendor_data2.json.")
    ] = ()
    vendordata_dynamic_connect_timeout: Annotated[int, about("How long to wait for such a URL.", ge=1)] = 5
    vendordata_dynamic_read_timeout: Annotated[int, about("How long to wait for its answer.", ge=1)] = 5
    vendordata_dynamic_failure_fatal: Annotated[bool, about("No metadata at all when one does not answer.")] = False


class OsloMiddleware(Section, frozen=True):
    max_request_body_size: Annotated[int, about("Bytes; larger bodies are refused.", ge=1024)] = 114688


class OsloPolicy(Section, frozen=True):
    policy_file: Annotated[str, about("Rules that differ from the defaults; relative to the state path.")] = (
        "policy.yaml"
    )


class Quota(Section, frozen=True):
    instances: Annotated[int, about("Servers of a project; -1, here and below: no limit.", ge=-1)] = 10
    cores: Annotated[int, about("Virtual CPUs of a project.", ge=-1)] = 20
    ram: Annotated[int, about("Memory of a project's servers.", ge=-1)] = 51200
    metadata_items: Annotated[int, about("Metadata items of a server.", ge=-1)] = 128
    injected_files: Annotated[int, about("Files put into a server.", ge=-1)] = 5
    injected_file_content_bytes: Annotated[int, about("Bytes of such a file.", ge=-1)] = 10240
    injected_file_path_length: Annotated[int, about("Length of such a file's path.", ge=-1)] = 255
    key_pairs: Annotated[int, about("Key pairs of a user.", ge=-1)] = 100
    server_groups: Annotated[int, about("Server groups of a project.", ge=-1)] = 10
    server_group_members: Annotated[int, about("Servers of a group.", ge=-1)] = 10


class Neighbour(Section, frozen=True):
    """Where a neighbour is."""

    endpoint_override: Annotated[str | None, about("Its address; this cloud's own service unless set.")] = None
    cafile: Annotated[str | None, about("Certificates to trust there; the system's unless set.")] = None


class User(Section, frozen=True):
    """Who we are at identity. No name: the user made at the first start."""

    username: Annotated[str | None, about("The user we are to the other services.")] = None
    password: Annotated[str | None, about("That user's password.")] = None
    project_name: Annotated[str, about("That user's project.")] = "service"
    user_domain_name: Annotated[str, about("The domain of that user.")] = "Default"
    project_domain_name: Annotated[str, about("The domain of that project.")] = "Default"


class KeystoneAuthtoken(User, frozen=True):
    """Where identity is, and who we are when we ask it about tokens."""

    auth_url: Annotated[str | None, about("The identity service's address; this cloud's own unless set.")] = None
    endpoint_override: Annotated[str | None, about("The same; counts more.")] = None
    cafile: Annotated[str | None, about("Certificates to trust there; the system's unless set.")] = None


class Neutron(Neighbour, frozen=True):
    metadata_proxy_shared_secret: Annotated[str | None, about("Shared with the metadata proxies of a Neutron.")] = None


class Vnc(Section, frozen=True):
    enabled: Annotated[bool, about("Give guests a screen over VNC.")] = True
    server_listen: Annotated[
        str | None, about("This host's address for proxies on other machines; unset, proxies are on this one.")
    ] = None
    server_proxyclient_address: Annotated[
        str | None, about("What such proxies are told to connect to; server_listen unless set.")
    ] = None
    novncproxy_base_url: Annotated[str | None, about("What users get; the console of this cloud unless set.")] = None


class Spice(Section, frozen=True):
    enabled: Annotated[bool, about("Give guests a screen over SPICE.")] = False
    server_listen: Annotated[
        str | None, about("This host's address for proxies on other machines; unset, proxies are on this one.")
    ] = None
    server_proxyclient_address: Annotated[
        str | None, about("What such proxies are told to connect to; server_listen unless set.")
    ] = None
    html5proxy_base_url: Annotated[str | None, about("What users get; the console of this cloud unless set.")] = None
    spice_direct_proxy_base_url: Annotated[str, about("What users of spice-direct get: a proxy of the operator's.")] = (
        "http://127.0.0.1:13002/nova"
    )


class SerialConsole(Section, frozen=True):
    enabled: Annotated[bool, about("Give guests an interactive serial console.")] = True
    proxyclient_address: Annotated[
        str | None, about("This host's address for proxies on other machines; unset, proxies are on this one.")
    ] = None
    base_url: Annotated[str | None, about("What users get; the console of this cloud unless set.")] = None


class Compute(Section, frozen=True):
    cpu_dedicated_set: Annotated[str, about("CPUs of a host for servers that pin theirs: 4-12,^8,15.")] = ""
    cpu_shared_set: Annotated[str, about("CPUs for all others; all of them unless one of the two is set.")] = ""


class Pci(Section, frozen=True):
    alias: Annotated[
        tuple[str, ...], repeated("A name flavors ask for PCI devices by, as JSON: name, vendor_id, product_id …")
    ] = ()
    device_spec: Annotated[
        tuple[str, ...], repeated("PCI devices guests may have, as JSON: vendor_id, product_id, address …")
    ] = ()


class Consoleauth(Section, frozen=True):
    token_ttl: Annotated[int, about("How long the address of a console is good.", ge=1)] = 600


class Console(Section, frozen=True):
    allowed_origins: Annotated[tuple[str, ...], about("Other web sites that may show our consoles.")] = ()


class Libvirt(LiveMigration, frozen=True):
    virt_type: Annotated[Literal["auto", "kvm", "qemu"], about("auto: KVM where a probe shows that it works.")] = "auto"
    connection_uri: Annotated[str | None, about("The libvirt daemon; the machine's or a private one unless set.")] = (
        None
    )
    cpu_mode: Annotated[
        Literal["host-model", "host-passthrough", "custom", "none"] | None,
        about("What CPU guests see; host-model with KVM unless set."),
    ] = None
    cpu_models: Annotated[tuple[str, ...], about("For cpu_mode custom: the first one is given.")] = ()
    hw_machine_type: Annotated[
        tuple[str, ...], about("Guests' machine where their image names none, as ARCHITECTURE=MACHINE.")
    ] = ()

    @property
    def machine_type(self) -> str:
        """Of the architecture we run."""
        named = dict(entry.split("=", 1) for entry in self.hw_machine_type if "=" in entry)
        return named.get("x86_64", "pc")


class ImageCache(Section, frozen=True):
    manager_interval: Annotated[int, about("How often unused images are looked for; 0 for never.", ge=0)] = 2400
    remove_unused_original_minimum_age_seconds: Annotated[int, about("How long they are kept.", ge=0)] = 86400


class OsloMessagingRabbit(Section, frozen=True):
    heartbeat_timeout_threshold: Annotated[int, about("A silent broker counts as gone; 0: never.", ge=0)] = 60
    rabbit_qos_prefetch_count: Annotated[int, about("Messages one server works on at a time; 0: no limit.", ge=0)] = 100
    ssl: Annotated[bool, about("Speak TLS to the broker.")] = False
    ssl_ca_file: Annotated[str | None, about("Certificates to trust; the system's unless set.")] = None


class Simulated(Section, frozen=True):
    hosts: Annotated[int, about("Compute hosts the simulated driver plays.", ge=1, le=10000)] = 1
    vcpus: Annotated[int, about("CPUs of each.", ge=1)] = 64
    memory_mb: Annotated[int, about("Memory of each.", ge=1)] = 262144
    numa_cells: Annotated[int, about("NUMA cells of each; 0: they tell of none.", ge=0, le=64)] = 0
    threads_per_core: Annotated[int, about("Threads of each core.", ge=1, le=8)] = 1
    huge_pages_mb: Annotated[int, about("Memory of each NUMA cell in pages of 2 MiB.", ge=0)] = 0
    pci_device: Annotated[
        tuple[str, ...], repeated("A PCI device of each, as JSON: address, vendor_id, product_id, type, numa_node …")
    ] = ()


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All sections. The field `default` is [DEFAULT]; the others have their sections' names."""

    default: Default = msgspec.field(name="DEFAULT", default_factory=Default)
    api: Api = Api()
    cinder: Neighbour = Neighbour()
    compute: Compute = Compute()
    console: Console = Console()
    consoleauth: Consoleauth = Consoleauth()
    database: Database = Database()
    filter_scheduler: FilterScheduler = FilterScheduler()
    glance: Neighbour = Neighbour()
    image_cache: ImageCache = ImageCache()
    keystone_authtoken: KeystoneAuthtoken = KeystoneAuthtoken()
    libvirt: Libvirt = Libvirt()
    metrics: Metrics = Metrics()
    neutron: Neutron = Neutron()
    oslo_messaging_rabbit: OsloMessagingRabbit = OsloMessagingRabbit()
    oslo_middleware: OsloMiddleware = OsloMiddleware()
    oslo_policy: OsloPolicy = OsloPolicy()
    pci: Pci = Pci()
    placement: Neighbour = Neighbour()
    quota: Quota = Quota()
    scheduler: Scheduler = Scheduler()
    serial_console: SerialConsole = SerialConsole()
    service_user: User = User()
    simulated: Simulated = Simulated()
    spice: Spice = Spice()
    vnc: Vnc = Vnc()
