"""What a guest is told about itself: the OpenStack tree, for the metadata service and the config drive.

Pure. Versions, names and members as Nova publishes them (API surface, metadata service).
"""

import base64
import ipaddress
from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.contract.compute import BlockDevice, ServerRecord, Vif

VERSIONS = (
    "2012-08-10",
    "2013-04-04",
    "2013-10-17",
    "2015-10-15",
    "2016-06-30",
    "2016-10-06",
    "2017-02-22",
    "2018-08-27",
    "2020-10-14",
    "2025-04-04",
    "latest",
)

# nova.conf: [api]dhcp_domain.
DOMAIN = "novalocal"
_CERTIFICATE = "-----BEGIN CERTIFICATE"


class SubnetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What network_data.json needs of a subnet. `address_mode` (IPv6 only) in Neutron's words."""

    network_id: str
    cidr: str
    gateway: str | None
    dns: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()  # (destination, next hop)
    dhcp: bool = True
    address_mode: str | None = None


class VendorData(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator tells all guests (`static`), and what other services tell this one (`dynamic`, by name)."""

    static: Any = {}
    dynamic: dict[str, Any] = {}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Everything both trees are made of. `domain` '' leaves host names bare."""

    record: ServerRecord
    subnets: tuple[SubnetInfo, ...] = ()
    vendor: VendorData = VendorData()
    domain: str = DOMAIN

    @property
    def hostname(self) -> str:
        return f"{self.record.hostname}.{self.domain}" if self.domain else self.record.hostname


def since(version: str, first: str) -> bool:
    """Whether `version` has what came with `first`."""
    return version == "latest" or version >= first


def meta_data(told: Told, *, version: str, random_seed: bytes, on_drive: bool) -> dict[str, Any]:
    """meta_data.json. `random_seed` is new on every read; the password is told on the config drive only."""
    record = told.record
    document: dict[str, Any] = {
        "uuid": record.id,
        "hostname": told.hostname,
        "name": record.name,
        "launch_index": record.launch_index,
        "availability_zone": record.availability_zone,
    }
    if record.metadata:
        document["meta"] = record.metadata
    if record.key_name and record.key_data:
        kind = "x509" if record.key_data.startswith(_CERTIFICATE) else "ssh"
        document["public_keys"] = {record.key_name: record.key_data}
        document["keys"] = [{"name": record.key_name, "type": kind, "data": record.key_data}]
    if on_drive and record.admin_password:
        document["admin_pass"] = record.admin_password
    if on_drive and record.files:
        document["files"] = [
            {"path": file.path, "content_path": f"/content/{number:04}"} for number, file in enumerate(record.files)
        ]
    if since(version, "2013-04-04"):
        document["random_seed"] = base64.b64encode(random_seed).decode()
    if since(version, "2015-10-15"):
        document["project_id"] = record.project_id
    if since(version, "2016-06-30"):
        document["devices"] = _devices(record, version)
    if since(version, "2020-10-14"):
        document["dedicated_cpus"] = []
    return document


def _devices(record: ServerRecord, version: str) -> list[dict[str, Any]]:
    """Those with a tag. Where they sit on the guest's buses is the hypervisor's secret: MAC and serial tell them."""
    shown = [_card(vif, version) for vif in record.vifs if vif.tag]
    return shown + [_disk(device) for device in record.block_devices if device.tag]


def _card(vif: Vif, version: str) -> dict[str, Any]:
    trusted = {"vf_trusted": False} if since(version, "2018-08-27") else {}
    return {"type": "nic", "mac": vif.mac, **trusted, "bus": "none", "address": "none", "tags": [vif.tag]}


def _disk(device: BlockDevice) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": "disk"}
    if device.volume_id is not None:
        shown["serial"] = device.volume_id
    if device.device_name is not None:
        shown["path"] = device.device_name
    return shown | {"bus": "none", "address": "none", "tags": [device.tag]}


def vendor_data(told: Told) -> Any:
    """vendor_data.json."""
    return told.vendor.static


def vendor_data2(told: Told) -> dict[str, Any]:
    """vendor_data2.json."""
    return {"static": told.vendor.static, **told.vendor.dynamic}


def user_data(record: ServerRecord) -> bytes | None:
    """Decoded, as the guest sees it; None when the server has none."""
    return base64.b64decode(record.user_data) if record.user_data else None


def network_data(vifs: Sequence[Vif], subnets: Sequence[SubnetInfo]) -> dict[str, Any]:
    """network_data.json: links, networks, services."""
    links = []
    networks: list[dict[str, Any]] = []
    services: dict[str, dict[str, str]] = {}
    for vif in vifs:
        link = f"tap{vif.port_id[:11]}"
        links.append(
            {
                "id": link,
                "vif_id": vif.port_id,
                "type": "bridge",
                "mtu": vif.mtu,
                "ethernet_mac_address": vif.mac,
            }
        )
        for address, version in vif.addresses:
            subnet = _subnet_of(address, vif.network_id, subnets)
            networks.append(_network(f"network{len(networks)}", link, address, version, vif.network_id, subnet))
            for server in subnet.dns if subnet else ():
                services[server] = {"type": "dns", "address": server}
    return {"links": links, "networks": networks, "services": list(services.values())}


def _network(
    name: str, link: str, address: str, version: int, network_id: str, subnet: SubnetInfo | None
) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": name, "link": link, "network_id": network_id}
    mode = subnet.address_mode if subnet is not None else None
    if subnet is None or (subnet.dhcp and mode is None):
        return shown | {"type": f"ipv{version}_dhcp"}
    return shown | {
        "type": f"ipv{version}" + (f"_{mode}" if mode else ""),
        "ip_address": address,
        "netmask": str(ipaddress.ip_network(subnet.cidr).netmask),
        "routes": _routes(subnet, version),
        "services": [{"type": "dns", "address": server} for server in subnet.dns],
    }


def _routes(subnet: SubnetInfo, version: int) -> list[dict[str, str]]:
    default = [("0.0.0.0/0" if version == 4 else "::/0", subnet.gateway)] if subnet.gateway else []
    nets = [(ipaddress.ip_network(to), hop) for to, hop in [*default, *subnet.routes]]
    return [{"network": str(net.network_address), "netmask": str(net.netmask), "gateway": hop} for net, hop in nets]


def _subnet_of(address: str, network_id: str, subnets: Sequence[SubnetInfo]) -> SubnetInfo | None:
    for subnet in subnets:
        if subnet.network_id == network_id and ipaddress.ip_address(address) in ipaddress.ip_network(subnet.cidr):
            return subnet
    return None
