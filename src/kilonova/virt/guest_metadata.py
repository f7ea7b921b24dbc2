"""What a guest is told about itself: the OpenStack tree, for the metadata service and the config drive.

Pure. Versions, names and members as Nova publishes them (API surface, metadata service).
"""

import base64
import ipaddress
from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.contract.compute import ServerRecord, Vif

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

DOMAIN = "novalocal"


class SubnetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What network_data.json needs of a subnet."""

    network_id: str
    cidr: str
    gateway: str | None
    dns: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()  # (destination, next hop)
    dhcp: bool = True


def meta_data(record: ServerRecord, *, version: str, random_seed: bytes, on_drive: bool) -> dict[str, Any]:
    """meta_data.json. `random_seed` is new on every read; the password is told on the config drive only."""
    document: dict[str, Any] = {
        "uuid": record.id,
        "hostname": record.hostname if on_drive else f"{record.hostname}.{DOMAIN}",
        "name": record.name,
        "launch_index": record.launch_index,
        "availability_zone": record.availability_zone,
    }
    if record.metadata:
        document["meta"] = record.metadata
    if record.key_name and record.key_data:
        kind = "ssh" if not record.key_data.startswith("-----BEGIN CERTIFICATE") else "x509"
        document["public_keys"] = {record.key_name: record.key_data}
        document["keys"] = [{"name": record.key_name, "type": kind, "data": record.key_data}]
    if on_drive and record.admin_password:
        document["admin_pass"] = record.admin_password
    if _since(version, "2013-04-04"):
        document["random_seed"] = base64.b64encode(random_seed).decode()
    if _since(version, "2015-10-15"):
        document["project_id"] = record.project_id
    if _since(version, "2016-06-30"):
        document["devices"] = []
    if _since(version, "2020-10-14"):
        document["dedicated_cpus"] = []
    return document


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
    if subnet is None or (subnet.dhcp and version == 4):
        return shown | {"type": f"ipv{version}_dhcp" if version == 4 else "ipv6_slaac"}
    net = ipaddress.ip_network(subnet.cidr)
    default = "0.0.0.0" if version == 4 else "::"
    routes = [
        {"network": str(ipaddress.ip_network(to).network_address), "netmask": str(ipaddress.ip_network(to).netmask),
         "gateway": hop}
        for to, hop in subnet.routes
    ]  # fmt: skip
    if subnet.gateway:
        routes.append({"network": default, "netmask": default, "gateway": subnet.gateway})
    return shown | {
        "type": f"ipv{version}",
        "ip_address": address,
        "netmask": str(net.netmask),
        "routes": routes,
        "services": [{"type": "dns", "address": server} for server in subnet.dns],
    }


def _subnet_of(address: str, network_id: str, subnets: Sequence[SubnetInfo]) -> SubnetInfo | None:
    for subnet in subnets:
        if subnet.network_id == network_id and ipaddress.ip_address(address) in ipaddress.ip_network(subnet.cidr):
            return subnet
    return None


def drive_files(
    record: ServerRecord, vifs: Sequence[Vif], subnets: Sequence[SubnetInfo], *, random_seed: bytes
) -> dict[str, bytes]:
    """All files of the config drive by path."""
    files: dict[str, bytes] = {}
    network = msgspec.json.encode(network_data(vifs, subnets))
    data = user_data(record)
    for version in VERSIONS:
        root = f"openstack/{version}"
        told = meta_data(record, version=version, random_seed=random_seed, on_drive=True)
        files[f"{root}/meta_data.json"] = msgspec.json.encode(told)
        if data is not None:
            files[f"{root}/user_data"] = data
        if _since(version, "2013-10-17"):
            files[f"{root}/vendor_data.json"] = b"{}"
        if _since(version, "2015-10-15"):
            files[f"{root}/network_data.json"] = network
        if _since(version, "2016-10-06"):
            files[f"{root}/vendor_data2.json"] = b"{}"
    return files


def _since(version: str, first: str) -> bool:
    return version == "latest" or version >= first
