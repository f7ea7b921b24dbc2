"""Create servers: everything wrong is told now, everything else happens after the 202."""

from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.api.accept import accepting, store, tell
from kilonova.api.idempotency import Once, once
from kilonova.api.parameters import TRUE_TEXTS
from kilonova.api.quota import check_metadata, how_many_fit, limits
from kilonova.api.request import Request
from kilonova.api.servers import names
from kilonova.api.servers.access import access_addresses
from kilonova.api.servers.block_devices import asked_devices, columns_of, is_volume_backed
from kilonova.api.servers.create_checks import check_counts, check_personality, check_policy, check_volumes, kept_files
from kilonova.api.servers.hardware import check_asked
from kilonova.api.servers.image_mapping import mapping_of, with_mapping
from kilonova.api.servers.images import check_fit, properties_of, usable_image
from kilonova.api.servers.network_needs import NetworkNeeds, needs_of
from kilonova.api.servers.networks import Networks, wanted_networks
from kilonova.api.servers.placing import Place, check_group_room, wanted_place
from kilonova.api.servers.security_groups import wanted_groups
from kilonova.api.servers.view import Views
from kilonova.contract.compute import BlockDevice, FlavorOf
from kilonova.contract.events import ServerChanged
from kilonova.contract.scheduler import RequestSpec
from kilonova.contract.work import CreateServer
from kilonova.db.database import Reader, Transaction
from kilonova.db.repository import flavors, keypairs, servers
from kilonova.db.repository.quotas import Usage
from kilonova.model.errors import BadRequest
from kilonova.model.flavor import Flavor, FlavorNotFound
from kilonova.model.ids import ServerId
from kilonova.model.image import Image
from kilonova.model.server import TaskState, VmState
from kilonova.web.response import json_response

_encode = msgspec.json.Encoder().encode


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A create, understood and checked; what is left is to store it. `devices` without ids of their own yet."""

    body: dict[str, Any]
    least: int
    most: int
    flavor: FlavorOf
    image: Image | None
    properties: dict[str, str]
    devices: tuple[BlockDevice, ...]
    networks: Networks
    needs: NetworkNeeds
    groups: tuple[str, ...]
    place: Place
    key_name: str | None
    key_data: str | None
    password: str
    reservation_id: str


async def create(request: Request) -> Response:
    """202 once the servers and their sagas are stored. Errors: BadRequest, Conflict, Forbidden as Nova has them."""

    async def create_once(this: Once) -> Response:
        wanted = await understood(request)
        async with accepting(request) as tx:
            await this.claim(tx)
            count = await checked_count(request, tx, wanted, turn=tx)
            ids = [await _store_one(request, tx, wanted, index, count) for index in range(count)]
            answer = _answer(request, wanted, ids[0])
            await this.keep(tx, answer)
        return answer

    return await once(request, create_once)


async def understood(request: Request) -> Wanted:
    body = request.body["server"]
    least, most = check_counts(body)
    check_policy(request, body)
    check_personality(request, body)
    flavor = await usable_flavor(request, body["flavorRef"])
    image_id = body.get("imageRef") or None
    image = None if image_id is None else await usable_image(request, image_id)
    mapped = [] if image is None else mapping_of(image)
    devices = asked_devices(
        with_mapping(body, mapped),
        # Such an image has no bits: nothing comes from it but its mapping.
        image_id=None if mapped else image_id,
        flavor=flavor,
        most_local=request.world.settings.max_local_block_devices,
        new_id=request.world.new_id,
    )
    if not devices:
        raise BadRequest("Invalid imageRef provided.")
    if image is not None:
        check_fit(request, image, flavor, local_root=not is_volume_backed(devices))
    known = await check_volumes(request, devices, count=most, imageless=image is None)
    properties = properties_of(known, flavor) if image is None else image.properties
    check_asked(request, flavor, properties)
    networks = await wanted_networks(request, body.get("networks"), count=most)
    place = await wanted_place(request, request.body)
    key_name = body.get("key_name")
    return Wanted(
        body=body,
        least=least,
        most=most,
        flavor=flavor,
        image=image,
        properties=properties,
        devices=devices,
        networks=networks,
        needs=await needs_of(request, networks),
        groups=await wanted_groups(request, body.get("security_groups"), networks),
        place=place,
        key_name=key_name,
        key_data=None if key_name is None else await public_key(request, key_name),
        password=body.get("adminPass") or request.world.secret(request.world.settings.password_length),
        reservation_id="r-" + request.world.new_id()[:8],
    )


async def usable_flavor(request: Request, reference: Any) -> FlavorOf:
    """The flavor of an id or of a link that ends in one. Errors: BadRequest (a wrong flavor is a wrong body)."""
    flavor_id = str(reference).rstrip("/").rsplit("/", 1)[-1]
    project = None if request.caller.is_admin else request.project_id
    try:
        flavor = await flavors.get(request.world.db, flavor_id, project_id=project)
    except FlavorNotFound as error:
        raise BadRequest(error.message) from error
    if flavor.disabled:
        raise BadRequest(f"Flavor {flavor_id} could not be found.")
    return copy_of(flavor)


def copy_of(flavor: Flavor) -> FlavorOf:
    """What a server keeps of its flavor."""
    return FlavorOf(
        id=flavor.id,
        name=flavor.name,
        vcpus=flavor.vcpus,
        memory_mib=flavor.memory_mib,
        root_gib=flavor.root_gib,
        ephemeral_gib=flavor.ephemeral_gib,
        swap_mib=flavor.swap_mib,
        rxtx_factor=flavor.rxtx_factor,
        extra_specs=flavor.specs(),
        description=flavor.description,
    )


async def public_key(request: Request, name: str) -> str:
    """The caller's own key of that name. Errors: BadRequest."""
    found = await keypairs.public_key(request.world.db, request.caller.user_id, name)
    if found is None:
        raise BadRequest("Invalid key_name provided.")
    return found


async def checked_count(request: Request, reader: Reader, wanted: Wanted, *, turn: Transaction | None = None) -> int:
    """How many of the servers are made. Errors: QuotaExceeded."""
    held = await limits(request, reader, request.project_id)
    check_metadata(held, len(wanted.body.get("metadata", {})))
    count = await how_many_fit(
        reader,
        held,
        Usage(1, wanted.flavor.vcpus, wanted.flavor.memory_mib),
        least=wanted.least,
        most=wanted.most,
        project_id=request.project_id,
        user_id=request.caller.user_id,
        turn=turn,
    )
    if wanted.place.group_id is not None:
        await check_group_room(request, reader, wanted.place.group_id, count)
    return count


async def _store_one(request: Request, tx: Transaction, wanted: Wanted, index: int, count: int) -> ServerId:
    world = request.world
    server_id = ServerId(world.new_id())
    now = world.clock.now()
    # The caller's mapping has ids already; each further server needs its own.
    devices = [
        device if index == 0 else msgspec.structs.replace(device, id=world.new_id()) for device in wanted.devices
    ]
    await servers.insert(
        tx,
        **_columns(request, wanted, server_id, index, count),
        volumes_attached=_shown_volumes(devices),
        created_at=now,
        updated_at=now,
    )
    for device in devices:
        await servers.insert_device(tx, server_id=server_id, created_at=now, **columns_of(device))
    await store(request, tx, CreateServer(server_id=server_id))
    tell(
        request,
        tx,
        ServerChanged(
            server_id=server_id,
            project_id=request.project_id,
            vm_state=VmState.BUILDING.value,
            task_state=TaskState.SCHEDULING.value,
            power_state=0,
            at=now,
        ),
    )
    return server_id


def _columns(request: Request, wanted: Wanted, server_id: ServerId, index: int, count: int) -> dict[str, Any]:
    body = wanted.body
    name = names.numbered(body["name"], index, count)
    hostname = body.get("hostname")
    certificates = body.get("trusted_image_certificates")
    return {
        "id": server_id,
        "project_id": request.project_id,
        "user_id": request.caller.user_id,
        "name": name,
        "hostname": names.numbered(hostname, index, count) if hostname else names.hostname_of(name, server_id),
        # Below 2.19 the name was kept as description too.
        "description": body.get("description") if request.version >= 19 else body["name"],
        # A server whose root is a volume has no image, even where one was named beside the mapping.
        "image_id": None if wanted.image is None or is_volume_backed(wanted.devices) else wanted.image.id,
        "flavor_id": wanted.flavor.id,
        "flavor": _encode(wanted.flavor).decode(),
        "key_name": wanted.key_name,
        "key_data": wanted.key_data,
        "user_data": body.get("user_data"),
        "pinned_zone": wanted.place.zone,
        "reservation_id": wanted.reservation_id,
        "launch_index": index,
        "vm_state": VmState.BUILDING.value,
        "task_state": TaskState.SCHEDULING.value,
        "config_drive": int(body.get("config_drive") in (True, *TRUE_TEXTS)),
        "disk_config": body.get("OS-DCF:diskConfig", "MANUAL"),
        **{"access_ip_v4": "", "access_ip_v6": ""},
        **access_addresses(body),
        "metadata": _encode(body.get("metadata", {})).decode(),
        "system_metadata": _encode(_kept(wanted)).decode(),
        "tags": _encode(sorted(set(body.get("tags", [])))).decode(),
        "security_groups": _encode([{"name": name} for name in wanted.groups]).decode(),
        "request_spec": _encode(spec_of(request, wanted, server_id)).decode(),
        "networks": _encode(wanted.networks).decode(),
        "hints": _encode(wanted.place.hints).decode(),
        "trusted_certs": None if certificates is None else _encode(certificates).decode(),
        "group_id": wanted.place.group_id,
    }


def _kept(wanted: Wanted) -> dict[str, str]:
    kept = {"admin_password": wanted.password, **kept_files(wanted.body)}
    return {name: value for name, value in kept.items() if value is not None}


def spec_of(request: Request, wanted: Wanted, server_id: ServerId) -> RequestSpec:
    flavor, image, place = wanted.flavor, wanted.image, wanted.place
    return RequestSpec(
        server_id=server_id,
        project_id=request.project_id,
        user_id=request.caller.user_id,
        flavor_id=flavor.id,
        flavor_name=flavor.name,
        vcpus=flavor.vcpus,
        memory_mib=flavor.memory_mib,
        root_gib=flavor.root_gib,
        ephemeral_gib=flavor.ephemeral_gib,
        swap_mib=flavor.swap_mib,
        extra_specs=flavor.extra_specs,
        image_id=None if image is None else image.id,
        image_properties=wanted.properties,
        boots_from_volume=is_volume_backed(wanted.devices),
        availability_zone=place.zone,
        force_host=place.force_host,
        requested_host=place.requested_host,
        hints=place.hints,
        group_id=place.group_id,
        remote_managed_ports=wanted.needs.remote_managed_ports,
        port_devices=wanted.needs.port_devices,
        segment_aggregates=wanted.needs.segment_aggregates,
    )


def _shown_volumes(devices: list[BlockDevice]) -> str:
    return _encode(
        [
            {"id": device.volume_id, "delete_on_termination": device.delete_on_termination}
            for device in devices
            if device.volume_id is not None
        ]
    ).decode()


def _answer(request: Request, wanted: Wanted, server_id: ServerId) -> Response:
    body = wanted.body
    if body.get("return_reservation_id") in (True, *TRUE_TEXTS):
        return json_response({"reservation_id": wanted.reservation_id}, 202)
    links = Views(request).links(server_id)
    shown: dict[str, Any] = {
        "id": server_id,
        "links": links,
        "OS-DCF:diskConfig": body.get("OS-DCF:diskConfig", "MANUAL"),
        "security_groups": [{"name": name} for name in wanted.groups],
    }
    if request.world.settings.enable_instance_password:
        shown["adminPass"] = wanted.password
    return json_response({"server": shown}, 202, {"Location": links[0]["href"]})
