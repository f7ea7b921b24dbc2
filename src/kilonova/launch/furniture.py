"""What a new cloud comes with: flavors, the image `tiny`, the networks `private` and `public` with a router between
them, and a type of volumes that several servers may have at once.

Everything but the flavors is made over the public REST APIs, once; what an operator removed later stays removed. The
image takes seconds to build: it is shown as queued at once, and gets its bits when the cloud is up.
"""

import logging
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from kilonova.aio.blocking import blocking
from kilonova.db.database import Transaction
from kilonova.db.statement import insert_into
from kilonova.db.tables.flavors import flavors
from kilonova.image.tiny.build import cached_tiny
from kilonova.launch.neighbours import Neighbours
from kilonova.model.errors import KilonovaError
from kilonova.network.agent.ranges import free_external_range
from kilonova.peers.image import ImageClient
from kilonova.web.client import RestClient

if TYPE_CHECKING:
    from kilonova.launch.cloud import Cloud

log = logging.getLogger(__name__)

# name, vCPUs, MiB of memory, GiB of root disk
FLAVORS = (
    ("m1.nano", 1, 128, 1),
    ("m1.micro", 1, 256, 1),
    ("m1.tiny", 1, 512, 1),
    ("m1.small", 1, 2048, 20),
    ("m1.medium", 2, 4096, 40),
    ("m1.large", 4, 8192, 80),
)

SHARED_VOLUMES = "multiattach"

PRIVATE_CIDR = "10.11.0.0/24"


Tell = Callable[[str], None]

# What a new cloud has from its first moment on.
AT_ONCE = ("flavors", "network", "volume_type")


async def furnish(cloud: "Cloud", only: Collection[str] = AT_ONCE) -> None:
    """Once per state directory; a part that failed is tried again at the next start."""
    for name, make in (
        ("flavors", _flavors),
        ("network", _network),
        ("image", _image),
        ("volume_type", _volume_type),
    ):
        mark = _mark(cloud, name)
        if name not in only or mark.exists():
            continue
        try:
            await make(cloud)
        except KilonovaError as error:
            log.error("%s: %s", name, error.message)
            continue
        mark.touch()


async def _flavors(cloud: "Cloud") -> None:
    async def add(tx: Transaction) -> None:
        for number, (name, vcpus, memory_mib, root_gib) in enumerate(FLAVORS, start=1):
            await tx.execute(
                insert_into(flavors),
                id=str(number),
                name=name,
                vcpus=vcpus,
                memory_mib=memory_mib,
                root_gib=root_gib,
                created_at=cloud.clock.now(),
            )

    assert cloud.db is not None
    await cloud.db.run(add)


async def promise_image(cloud: "Cloud") -> bool:
    """Show the image as queued; False when it was furnished before."""
    if _mark(cloud, "image").exists():
        return False
    await _unfinished_image(cloud)
    return True


async def furnish_image(cloud: "Cloud", tell: Tell) -> None:
    """What `tell` hears is for people: where the work stands."""
    began = time.monotonic()
    try:
        await _image(cloud, tell)
    except (KilonovaError, OSError) as error:
        tell(f"cannot be made: {error}")
        return
    _mark(cloud, "image").touch()
    tell(f"is ready after {time.monotonic() - began:.1f} s")


def _mark(cloud: "Cloud", name: str) -> Path:
    done = cloud.state.root / "furnished"
    done.mkdir(exist_ok=True)
    return done / name


async def _image(cloud: "Cloud", tell: Tell = log.info) -> None:
    """Errors: GuestToolMissing and others of `image.tiny`, which say what to install."""
    image_id = await _unfinished_image(cloud)
    if image_id is None:
        return
    client = ImageClient(cloud.neighbours.client("image"))
    try:
        path = await cached_tiny(cloud.state.tiny, tell=tell)
        await client.upload(image_id, path, await _admin(cloud))
    except (KilonovaError, OSError):
        # Nobody should wait for what will not come.
        await client.delete(image_id, await _admin(cloud))
        raise


async def _unfinished_image(cloud: "Cloud") -> str | None:
    """The id of the image `tiny` that waits for its bits, made where there is none; None: it has them."""
    token = await _admin(cloud)
    client = ImageClient(cloud.neighbours.client("image"))
    for old in await client.list(token, name="tiny"):
        if old.status == "active":
            return None
        if old.status == "queued":
            return old.id
        await client.delete(old.id, token)
    made = await client.create(
        token, name="tiny", disk_format="qcow2", container_format="bare", visibility="public", min_ram=96, min_disk=1
    )
    return made.id


async def _admin(cloud: "Cloud") -> str:
    return await cloud.neighbours.session("admin", cloud.passwords, cloud.clock, project="admin").token()


async def _volume_type(cloud: "Cloud") -> None:
    rest = cloud.neighbours.client("volume")
    token = await _admin(cloud)
    known = await rest.json("GET", "/v3/types", token=token)
    if all(one["name"] != SHARED_VOLUMES for one in known["volume_types"]):
        wanted = {"name": SHARED_VOLUMES, "extra_specs": {"multiattach": "<is> True"}}
        await rest.json("POST", "/v3/types", token=token, json={"volume_type": wanted})


async def _network(cloud: "Cloud") -> None:
    neighbours: Neighbours = cloud.neighbours
    rest = neighbours.client("network")
    admin = await _admin(cloud)
    demo = await neighbours.session("demo", cloud.passwords, cloud.clock, project="demo").token()
    public = await _ensure(rest, admin, "networks", "network", {"name": "public", "router:external": True})
    cidr = await blocking(free_external_range)
    start, end = cidr.replace("0/24", "10"), cidr.replace("0/24", "250")
    await _ensure(
        rest,
        admin,
        "subnets",
        "subnet",
        {
            "name": "public-subnet",
            "network_id": public,
            "ip_version": 4,
            "cidr": cidr,
            "enable_dhcp": False,
            "allocation_pools": [{"start": start, "end": end}],
        },
    )
    private = await _ensure(rest, demo, "networks", "network", {"name": "private"})
    subnet = await _ensure(
        rest,
        demo,
        "subnets",
        "subnet",
        {"name": "private-subnet", "network_id": private, "ip_version": 4, "cidr": PRIVATE_CIDR},
    )
    router = await _ensure(
        rest, demo, "routers", "router", {"name": "router1", "external_gateway_info": {"network_id": public}}
    )
    ports = await rest.json("GET", f"/v2.0/ports?device_id={router}&network_id={private}", token=demo)
    if not ports["ports"]:
        path = f"/v2.0/routers/{router}/add_router_interface"
        await rest.json("PUT", path, token=demo, json={"subnet_id": subnet})


async def _ensure(rest: RestClient, token: str, collection: str, member: str, wanted: dict[str, object]) -> str:
    """The id of the resource of that name, made where there is none."""
    found = await rest.json("GET", f"/v2.0/{collection}?name={wanted['name']}", token=token)
    if found[collection]:
        return str(found[collection][0]["id"])
    made = await rest.json("POST", f"/v2.0/{collection}", token=token, json={member: wanted})
    return str(made[member]["id"])
