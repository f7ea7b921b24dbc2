"""A server as clients see it, at every microversion and by role. Source of members and types: the API samples.

By policy, members are left out, not null. Structured members are stored the way they are shown and pass through.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from kilonova.api.request import Request
from kilonova.contract.compute import FlavorOf
from kilonova.model.server import SHOWS_FAULT, SHOWS_PROGRESS, Server, host_id, instance_name
from kilonova.model.time import short

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_flavor = msgspec.json.Decoder(FlavorOf).decode
Raw = msgspec.Raw

_EMPTY_LIST = "[]"


@lru_cache(maxsize=1024)
def _embedded_flavor(flavor: str, with_specs: bool) -> Raw:
    """The flavor's values as they were when the server got them (2.47 on)."""
    copy = _flavor(flavor)
    shown: dict[str, Any] = {
        "vcpus": copy.vcpus,
        "ram": copy.memory_mib,
        "disk": copy.root_gib,
        "ephemeral": copy.ephemeral_gib,
        "swap": copy.swap_mib,
        "original_name": copy.name,
    }
    if with_specs:
        shown["extra_specs"] = copy.extra_specs
    return Raw(_encode(shown))


def _quoted(text: str) -> str:
    """`text` as it stands between the quotes of a JSON text."""
    return _encode(text).decode()[1:-1]


class Views:
    """Made once per request: what version and role decide is decided here, not once per server.

    `host_statuses` maps hosts to UP, DOWN, MAINTENANCE or UNKNOWN; needed where `shows_host_status`.
    """

    def __init__(self, request: Request) -> None:
        self._version = version = request.version
        self._self_base = f"{request.self_base}/servers/"
        self._bookmark_base = request.bookmark_base
        self._attributes = request.permits("os_compute_api:os-extended-server-attributes")
        self._specs = version >= 47 and request.permits("os_compute_api:servers:show:flavor-extra-specs")
        self._admin = request.caller.is_admin
        self._every_status = version >= 16 and request.permits("os_compute_api:servers:show:host_status")
        self._unknown_status = version >= 16 and request.permits("os_compute_api:servers:show:host_status:unknown-only")
        self.host_statuses: Mapping[str, str] = {}
        # Many servers are of few images, and every one has links: as text they are put together in no time.
        self._images: dict[str, Raw] = {}
        self._link_texts = (
            f'[{{"rel":"self","href":"{_quoted(self._self_base)}',
            f'"}},{{"rel":"bookmark","href":"{_quoted(self._bookmark_base)}/servers/',
            '"}]',
        )

    @property
    def shows_host_status(self) -> bool:
        return self._every_status or self._unknown_status

    @property
    def wanted(self) -> tuple[str, ...]:
        """The long columns this view shows something of."""
        if self._version >= 3 and self._attributes:
            return ("user_data", "request_spec")
        return ("request_spec",) if self._version >= 98 else ()

    def links(self, server_id: str) -> list[dict[str, str]]:
        return [
            {"rel": "self", "href": self._self_base + server_id},
            {"rel": "bookmark", "href": f"{self._bookmark_base}/servers/{server_id}"},
        ]

    def _links(self, server_id: str) -> Raw:
        before, between, behind = self._link_texts
        return Raw(before + server_id + between + server_id + behind)

    def brief(self, server_id: str, name: str) -> dict[str, Any]:
        return {"id": server_id, "name": name, "links": self._links(server_id)}

    def detail(self, server: Server) -> dict[str, Any]:
        """One of a list."""
        shown = self._small(server)
        self._extend(shown, server)
        return shown

    def show(self, server: Server) -> dict[str, Any]:
        shown = self.detail(server)
        self._groups(shown, server)
        return shown

    def changed(self, server: Server, *, show_user_data: bool = True) -> dict[str, Any]:
        """The answer to an update or a rebuild: smaller than `show` below 2.75."""
        shown = self._small(server)
        if self._version >= 75:
            self._extend(shown, server)
            if not show_user_data:
                shown.pop("OS-EXT-SRV-ATTR:user_data", None)
        else:
            shown["addresses"] = plain_addresses(server.addresses)
            if self._version >= 90:
                shown["OS-EXT-SRV-ATTR:hostname"] = server.hostname
        self._groups(shown, server)
        return shown

    def _small(self, server: Server) -> dict[str, Any]:
        version = self._version
        status = server.status
        shown: dict[str, Any] = {
            "id": server.id,
            "name": server.name,
            "status": status,
            "tenant_id": server.project_id,
            "user_id": server.user_id,
            "metadata": Raw(server.metadata),
            "hostId": host_id(server.project_id, server.host),
            "image": self._image(server),
            "flavor": self._flavor_of(server),
            "created": short(server.created_at),
            "updated": short(server.updated_at),
            "addresses": Raw(server.addresses),
            "accessIPv4": server.access_ip_v4,
            "accessIPv6": server.access_ip_v6,
            "OS-DCF:diskConfig": server.disk_config,
            "links": self._links(server.id),
        }
        if status in SHOWS_FAULT and server.fault is not None:
            shown["fault"] = self._fault(server.fault)
        if status in SHOWS_PROGRESS:
            shown["progress"] = server.progress
        if version >= 9:
            shown["locked"] = server.locked_by is not None
        if version >= 19:
            shown["description"] = server.description
        if version >= 26:
            shown["tags"] = Raw(server.tags)
        if version >= 63:
            certificates = server.trusted_certs
            shown["trusted_image_certificates"] = None if certificates is None else Raw(certificates)
        if version >= 73:
            shown["locked_reason"] = server.locked_reason
        if version >= 96:
            shown["pinned_availability_zone"] = server.pinned_zone
        if version >= 100:
            shown["scheduler_hints"] = Raw(server.hints)
        return shown

    def _extend(self, shown: dict[str, Any], server: Server) -> None:
        version = self._version
        shown["key_name"] = server.key_name
        shown["config_drive"] = "True" if server.config_drive else ""
        shown["OS-EXT-AZ:availability_zone"] = server.availability_zone or ""
        shown["OS-SRV-USG:launched_at"] = server.launched_at
        shown["OS-SRV-USG:terminated_at"] = server.terminated_at
        shown["OS-EXT-STS:task_state"] = server.task_state
        shown["OS-EXT-STS:vm_state"] = server.vm_state
        shown["OS-EXT-STS:power_state"] = server.power_state
        attached = server.volumes_attached
        shown["os-extended-volumes:volumes_attached"] = Raw(attached) if version >= 3 else _ids(attached)
        if server.security_groups != _EMPTY_LIST:
            shown["security_groups"] = Raw(server.security_groups)
        if self._attributes:
            self._extend_for_admins(shown, server)
        if version >= 90:
            shown["OS-EXT-SRV-ATTR:hostname"] = server.hostname
        if self._every_status or self._unknown_status:
            status = self._host_status(server)
            if self._every_status or status == "UNKNOWN":
                shown["host_status"] = status

    def _extend_for_admins(self, shown: dict[str, Any], server: Server) -> None:
        shown["OS-EXT-SRV-ATTR:host"] = server.host
        shown["OS-EXT-SRV-ATTR:hypervisor_hostname"] = server.node
        shown["OS-EXT-SRV-ATTR:instance_name"] = instance_name(server.number)
        if self._version < 3:
            return
        properties = image_properties(server.request_spec)
        shown["OS-EXT-SRV-ATTR:hostname"] = server.hostname
        shown["OS-EXT-SRV-ATTR:reservation_id"] = server.reservation_id
        shown["OS-EXT-SRV-ATTR:launch_index"] = server.launch_index
        shown["OS-EXT-SRV-ATTR:kernel_id"] = properties.get("kernel_id", "")
        shown["OS-EXT-SRV-ATTR:ramdisk_id"] = properties.get("ramdisk_id", "")
        shown["OS-EXT-SRV-ATTR:root_device_name"] = server.root_device_name
        shown["OS-EXT-SRV-ATTR:user_data"] = server.user_data

    def _groups(self, shown: dict[str, Any], server: Server) -> None:
        if self._version >= 71:
            shown["server_groups"] = [] if server.group_id is None else [server.group_id]

    def _host_status(self, server: Server) -> str:
        return self.host_statuses.get(server.host, "UNKNOWN") if server.host else ""

    def _image(self, server: Server) -> Any:
        if not server.image_id:
            return ""
        if self._version >= 98:
            return {**self._linked_image(server.image_id), "properties": image_properties(server.request_spec)}
        if server.image_id not in self._images:
            self._images[server.image_id] = Raw(_encode(self._linked_image(server.image_id)))
        return self._images[server.image_id]

    def _linked_image(self, image_id: str) -> dict[str, Any]:
        href = f"{self._bookmark_base}/images/{image_id}"
        return {"id": image_id, "links": [{"rel": "bookmark", "href": href}]}

    def _flavor_of(self, server: Server) -> Any:
        if self._version >= 47:
            return _embedded_flavor(server.flavor, self._specs)
        href = f"{self._bookmark_base}/flavors/{server.flavor_id}"
        return {"id": server.flavor_id, "links": [{"rel": "bookmark", "href": href}]}

    def _fault(self, fault: str) -> dict[str, Any]:
        """Details for admins, or where the user can do something about it."""
        shown: dict[str, Any] = _decode(fault)
        shown["created"] = short(shown["created"]) if len(shown["created"]) > 20 else shown["created"]
        if not self._admin and shown.get("code") == 500:
            shown.pop("details", None)
        return shown


class _Properties(msgspec.Struct):
    image_properties: dict[str, str] = {}


_properties = msgspec.json.Decoder(_Properties).decode


def image_properties(request_spec: str | None) -> dict[str, str]:
    """Those kept with the server when it was made."""
    return {} if request_spec is None else _properties(request_spec).image_properties


def plain_addresses(addresses: str) -> dict[str, list[dict[str, Any]]]:
    """Without the members of extensions: version and addr only."""
    return {
        network: [{"version": one["version"], "addr": one["addr"]} for one in listed]
        for network, listed in _decode(addresses).items()
    }


def _ids(attached: str) -> Any:
    return [] if attached == _EMPTY_LIST else [{"id": volume["id"]} for volume in _decode(attached)]
