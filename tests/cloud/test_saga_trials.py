"""Every saga, failed, killed and run twice at every step: the ledger is as before, or as if all had been well."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from kilonova.conductor.definitions import DEFINITIONS
from kilonova.contract.work import SoftDeleteServer
from kilonova.db.repository import server_state
from kilonova.model.ids import ServerId
from kilonova.saga import store
from kilonova.saga.trial import Fault, faults_of
from tests.cloud import moved
from tests.cloud.running import VERSION, RunningCloud, running_cloud, state_in_memory

pytestmark = pytest.mark.asyncio(loop_scope="module")

GONE = "gone"


class Subject:
    """A server under trial, and what was made for it that outlives it."""

    def __init__(self, cloud: RunningCloud) -> None:
        self.cloud = cloud
        self.id = ""
        self.port = ""
        self.volume = ""

    # -- how it gets to where a trial begins -----------------------------------------------------------------------

    async def create(self) -> None:
        """With a port made for it, a port given to it, and a volume made for it."""
        cloud = self.cloud
        network = await cloud.network()
        given = (await cloud.http.post("/network/v2.0/ports", json={"port": {"network_id": network}})).json()["port"]
        self.port = given["id"]
        disk = {"boot_index": 0, "uuid": await cloud.image(), "source_type": "image", "destination_type": "local"}
        volume = {"boot_index": -1, "volume_size": 1, "source_type": "blank", "destination_type": "volume"}
        goes = {"delete_on_termination": True}
        made = await cloud.create(
            "trial",
            networks=[{"uuid": network}, {"port": self.port}],
            block_device_mapping_v2=[disk | goes, volume | goes],
        )
        self.id = made["id"]

    async def plain(self) -> None:
        self.id = (await self.cloud.create("trial"))["id"]

    async def act(self, action: str, value: Any = None, *, ok: int = 202) -> None:
        await self.cloud.act(self.id, action, value, ok=ok)

    async def rest(self, fault: Fault | None = None) -> str:
        """Its status once nothing is done to it any more; who died of `fault` is brought back meanwhile."""
        cloud, lives = self.cloud.cloud, 0
        assert cloud.db is not None
        async with asyncio.timeout(60):
            while True:
                if fault is not None and fault.deaths > lives:
                    lives = fault.deaths
                    await cloud.conductor_service.restart_sagas(fault.meddle)
                if await store.holder_of(cloud.db, self.id) is None:
                    break
                await asyncio.sleep(0.005)
        answer = await self.cloud.http.get(f"/compute/v2.1/servers/{self.id}", headers=VERSION)
        if answer.status_code == 404:
            return GONE
        server = answer.json()["server"]
        assert server["OS-EXT-STS:task_state"] is None
        return str(server["status"])

    async def new_volume(self) -> None:
        body = {"volume": {"size": 1}}
        self.volume = (await self.cloud.http.post("/volume/v3/volumes", json=body)).json()["volume"]["id"]
        await self._volume_is("available")

    async def _volume_is(self, status: str) -> None:
        async with asyncio.timeout(30):
            while await self._volume_status() != status:
                await asyncio.sleep(0.005)

    async def _volume_status(self) -> str:
        answer = await self.cloud.http.get(f"/volume/v3/volumes/{self.volume}")
        return str(answer.json()["volume"]["status"]) if answer.status_code == 200 else GONE

    async def attach_volume(self) -> None:
        path = f"/compute/v2.1/servers/{self.id}/os-volume_attachments"
        body = {"volumeAttachment": {"volumeId": self.volume}}
        answer = await self.cloud.http.post(path, json=body, headers=VERSION)
        assert answer.status_code == 200, answer.text

    async def detach_volume(self) -> None:
        path = f"/compute/v2.1/servers/{self.id}/os-volume_attachments/{self.volume}"
        answer = await self.cloud.http.delete(path, headers=VERSION)
        assert answer.status_code == 202, answer.text

    async def swap_volume(self) -> None:
        """To a new volume, as the volume service asks for it that migrates one."""
        cloud, body = self.cloud, {"volume": {"size": 2}}
        new = (await cloud.http.post("/volume/v3/volumes", json=body)).json()["volume"]["id"]
        async with asyncio.timeout(30):
            while (await cloud.http.get(f"/volume/v3/volumes/{new}")).json()["volume"]["status"] != "available":
                await asyncio.sleep(0.005)
        for volume, status in ((self.volume, "migrating"), (new, f"target:{self.volume}")):
            reset = {"os-reset_status": {"migration_status": status}}
            assert (await cloud.admin.post(f"/volume/v3/volumes/{volume}/action", json=reset)).status_code == 202
        path = f"/compute/v2.1/servers/{self.id}/os-volume_attachments/{self.volume}"
        swap = {"volumeAttachment": {"volumeId": new}}
        answer = await cloud.admin.put(path, json=swap, headers=VERSION)
        assert answer.status_code == 202, answer.text

    async def attach_interface(self) -> None:
        path = f"/compute/v2.1/servers/{self.id}/os-interface"
        body = {"interfaceAttachment": {"net_id": await self.cloud.network()}}
        answer = await self.cloud.http.post(path, json=body, headers=VERSION)
        assert answer.status_code == 200, answer.text

    async def detach_interface(self) -> None:
        path = f"/compute/v2.1/servers/{self.id}/os-interface"
        port = (await self.cloud.http.get(path)).json()["interfaceAttachments"][0]["port_id"]
        answer = await self.cloud.http.delete(f"{path}/{port}", headers=VERSION)
        assert answer.status_code == 202, answer.text

    async def delete(self) -> None:
        await self.cloud.delete(self.id)

    async def resize(self) -> None:
        await self.act("resize", {"flavorRef": await self.cloud.flavor("m1.micro")})

    async def resize_here(self) -> None:
        """On its host: the other one takes nothing new for now."""
        (other,) = moved.host_names(self.cloud) - {await moved.host_of(self.cloud, self.id)}
        await moved.change_service(self.cloud, other, status="disabled")
        await self.resize()

    async def hosts_enabled(self) -> None:
        for host in moved.host_names(self.cloud):
            await moved.change_service(self.cloud, host, status="enabled")

    async def migrate(self) -> None:
        await moved.act(self.cloud, self.id, "migrate")

    async def migrate_live(self) -> None:
        await moved.act(self.cloud, self.id, "os-migrateLive", moved.ANY_HOST)

    async def abort_live(self) -> None:
        await moved.abort(self.cloud, self.id, await moved.migrate_live_slowly(self.cloud, self.id))

    async def evacuate(self) -> None:
        await moved.change_service(self.cloud, await moved.host_of(self.cloud, self.id), forced_down=True)
        await moved.act(self.cloud, self.id, "evacuate", {}, ok=200)

    async def hosts_back(self) -> None:
        """Who was said to be down is not, and begins anew."""
        for host in moved.host_names(self.cloud):
            await moved.change_service(self.cloud, host, forced_down=False)
        await moved.restart_agents(self.cloud)

    async def from_volume(self) -> None:
        """Booted from a volume that goes with it."""
        image = await self.cloud.image()
        root = {"boot_index": 0, "uuid": image, "source_type": "image", "destination_type": "volume", "volume_size": 1}
        goes = {"delete_on_termination": True}
        self.id = (await self.cloud.create("trial", imageRef="", block_device_mapping_v2=[root | goes]))["id"]

    async def soft_delete(self) -> None:
        """As the api begins it in a cloud that keeps deleted servers for a while."""
        await moved.begin(self.cloud, SoftDeleteServer(server_id=ServerId(self.id)))

    async def restore(self) -> None:
        await moved.act(self.cloud, self.id, "restore")

    async def rebuild(self) -> None:
        await self.act("rebuild", {"imageRef": await self.cloud.image()})

    async def mark_shelved(self) -> None:
        """As a cloud leaves it that waits before it takes a shelved server from its host."""
        await self.act("os-stop")
        await self.rest()
        cloud = self.cloud.cloud
        assert cloud.db is not None
        async with cloud.db.begin() as tx:
            await server_state.change(tx, ServerId(self.id), cloud.clock.now(), vm_state="shelved")

    async def offload(self) -> None:
        """Administrators' work."""
        path = f"/compute/v2.1/servers/{self.id}/action"
        answer = await self.cloud.admin.post(path, json={"shelveOffload": None}, headers=VERSION)
        assert answer.status_code == 202, answer.text

    async def clear(self) -> None:
        """The server goes, and what outlives it, too."""
        for snapshot in (await self.cloud.http.get("/volume/v3/snapshots")).json()["snapshots"]:
            await self.cloud.http.delete(f"/volume/v3/snapshots/{snapshot['id']}")
        async with asyncio.timeout(30):
            while (await self.cloud.http.get("/volume/v3/snapshots")).json()["snapshots"]:
                await asyncio.sleep(0.005)
        if self.id and await self.rest() != GONE:
            await self.delete()
            assert await self.rest() == GONE
        if self.volume:
            await self.cloud.http.delete(f"/volume/v3/volumes/{self.volume}")
            await self._volume_is(GONE)
        if self.port:
            await self.cloud.http.delete(f"/network/v2.0/ports/{self.port}")
        for image in (await self.cloud.http.get("/image/v2/images")).json()["images"]:
            if image["name"] != "blank":
                await self.cloud.http.delete(f"/image/v2/images/{image['id']}")

    async def ended(self, name: str) -> str:
        """`finished` or `failed`: the last saga of that name on the server."""
        with contextlib.closing(sqlite3.connect(self.cloud.cloud.state.database)) as db:
            last = "SELECT state FROM sagas WHERE holds = ? AND name = ? ORDER BY created_at DESC LIMIT 1"
            return str(db.execute(last, (self.id, name)).fetchone()[0])


Does = Callable[[Subject], Awaitable[None]]


def act(action: str, value: Any = None, *, ok: int = 202) -> Does:
    async def does(subject: Subject) -> None:
        await subject.act(action, value, ok=ok)

    return does


@dataclass(frozen=True)
class Trial:
    """`begin` starts the saga on a server brought there by `first`; it rests as `done`, or `undone` when it failed."""

    begin: Does
    done: str = "ACTIVE"
    undone: str = "ACTIVE"
    first: tuple[Does, ...] = field(default=(Subject.plain,))
    # What is to be done before one looks at what is left.
    last: Does | None = None

    async def run(self, subject: Subject, fault: Fault | None = None) -> str:
        """Its status at the end."""
        await self.begin(subject)
        status = await subject.rest(fault)
        if self.last is not None:
            await self.last(subject)
        return status


RESCUE = act("rescue", {}, ok=200)
SHELVE = act("shelve")

TRIALS: dict[str, Trial] = {
    "server_create": Trial(Subject.create, undone="ERROR", first=()),
    "server_delete": Trial(Subject.delete, done=GONE, first=(Subject.create, Subject.migrate)),
    "server_start": Trial(act("os-start"), undone="SHUTOFF", first=(Subject.plain, act("os-stop"))),
    "server_stop": Trial(act("os-stop"), done="SHUTOFF"),
    "server_pause": Trial(act("pause"), done="PAUSED"),
    "server_unpause": Trial(act("unpause"), undone="PAUSED", first=(Subject.plain, act("pause"))),
    "server_suspend": Trial(act("suspend"), done="SUSPENDED"),
    "server_resume": Trial(act("resume"), undone="SUSPENDED", first=(Subject.plain, act("suspend"))),
    "server_set_password": Trial(act("changePassword", {"adminPass": "secret"})),
    "server_crash_dump": Trial(act("trigger_crash_dump")),
    "server_reboot": Trial(act("reboot", {"type": "HARD"}), first=(Subject.create,)),
    "server_soft_delete": Trial(Subject.soft_delete, done="SOFT_DELETED", first=(Subject.create,)),
    "server_restore": Trial(Subject.restore, undone="SOFT_DELETED", first=(Subject.create, Subject.soft_delete)),
    "server_backup": Trial(act("createBackup", {"name": "copy", "backup_type": "daily", "rotation": 1})),
    "server_snapshot_volumes": Trial(act("createImage", {"name": "copy"}), first=(Subject.from_volume,)),
    "server_snapshot": Trial(act("createImage", {"name": "copy"})),
    "server_rebuild": Trial(Subject.rebuild, undone="ERROR", first=(Subject.create,)),
    "server_rescue": Trial(RESCUE, done="RESCUE"),
    "server_unrescue": Trial(act("unrescue"), undone="RESCUE", first=(Subject.plain, RESCUE)),
    "server_resize": Trial(
        Subject.resize_here, done="VERIFY_RESIZE", first=(Subject.create,), last=Subject.hosts_enabled
    ),
    "server_migrate": Trial(Subject.migrate, done="VERIFY_RESIZE", first=(Subject.create,)),
    "server_live_migrate": Trial(Subject.migrate_live, first=(Subject.create,)),
    "server_live_migrate_abort": Trial(Subject.abort_live, first=(Subject.create,)),
    "server_evacuate": Trial(
        Subject.evacuate, done="SHUTOFF", undone="ERROR", first=(Subject.create,), last=Subject.hosts_back
    ),
    "server_resize_confirm": Trial(act("confirmResize", ok=204), first=(Subject.create, Subject.migrate)),
    "server_resize_revert": Trial(act("revertResize"), first=(Subject.create, Subject.migrate)),
    "server_shelve": Trial(SHELVE, done="SHELVED_OFFLOADED", first=(Subject.create,)),
    "server_shelve_offload": Trial(
        Subject.offload, done="SHELVED_OFFLOADED", first=(Subject.plain, Subject.mark_shelved)
    ),
    "server_unshelve": Trial(act("unshelve"), undone="SHELVED_OFFLOADED", first=(Subject.create, SHELVE)),
    "volume_attach": Trial(Subject.attach_volume, first=(Subject.plain, Subject.new_volume)),
    "volume_detach": Trial(Subject.detach_volume, first=(Subject.plain, Subject.new_volume, Subject.attach_volume)),
    "volume_swap": Trial(Subject.swap_volume, first=(Subject.plain, Subject.new_volume, Subject.attach_volume)),
    "interface_attach": Trial(Subject.attach_interface),
    "interface_detach": Trial(Subject.detach_interface, first=(Subject.plain, Subject.attach_interface)),
}


class Bench:
    """The cloud all trials share, what it has when nothing is tried, and the server of the last trial if still good."""

    def __init__(self, cloud: RunningCloud) -> None:
        self.cloud = cloud
        self.clean: dict[str, Any] = {}
        self._whole: dict[str, Any] = {}
        self._left: tuple[str, Subject] | None = None
        self._open: list[Subject] = []

    async def start(self) -> None:
        await self.cloud.image()
        self.clean = await self.cloud.ledger()

    async def subject(self, name: str) -> Subject:
        """A server where the trial of `name` begins: the last one, when it was left so."""
        if self._left is not None and self._left[0] == name:
            subject = self._left[1]
            self._left = None
            return subject
        if self._left is not None:
            await self.clear(self._left[1])
            self._left = None
        subject = Subject(self.cloud)
        self._open.append(subject)
        for does in TRIALS[name].first:
            await does(subject)
            if subject.id:
                await subject.rest()
        return subject

    def keep(self, name: str, subject: Subject) -> None:
        """It is again where the trial began."""
        self._left = (name, subject)

    async def clear(self, subject: Subject) -> None:
        """Take it away; nothing of it is left."""
        await subject.clear()
        self._open.remove(subject)
        assert await self.cloud.ledger() == self.clean

    async def mend(self) -> None:
        """After a trial that went wrong the next one shall have a clean cloud all the same."""
        await self.cloud.cloud.conductor_service.restart_sagas()
        for subject in self._open:
            await subject.clear()
        self._open.clear()
        self._left = None
        self.clean = await self.cloud.ledger()

    async def whole(self, name: str) -> dict[str, Any]:
        """How the ledger looks when nothing goes wrong in the saga, ids aside."""
        if name not in self._whole:
            subject = await self.subject(name)
            assert await TRIALS[name].run(subject) == TRIALS[name].done
            assert await subject.ended(name) == "finished"
            self._whole[name] = anonymous(await self.cloud.ledger(), subject.id)
            await self.clear(subject)
        return self._whole[name]


def anonymous(ledger: dict[str, Any], server: str) -> dict[str, Any]:
    """A ledger without what differs from one server to the next: ids, and which of the hosts are its."""
    hosts = dict.fromkeys(ledger["claims"].get(server, ()), "its host")
    return {
        "claims": sorted(
            repr(sorted((hosts.get(host, host and "another"), amounts) for host, amounts in claim.items()))
            for claim in ledger["claims"].values()
        ),
        "ports": sorted((bool(device), hosts.get(host, host and "another")) for _, device, host, _ in ledger["ports"]),
        "volumes": sorted(status for _, status in ledger["volumes"]),
        "attachments": len(ledger["attachments"]),
        "images": sorted(status for _, status in ledger["images"]),
        "guests": sorted((state, len(cards), len(volumes)) for _, state, cards, volumes in ledger["guests"]),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncIterator[Bench]:
    with state_in_memory("trials") as state:
        async with running_cloud(state, hosts=2) as started:
            bench = Bench(started)
            await bench.start()
            yield bench


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def mended(bench: Bench, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        await bench.mend()


async def test_every_saga_has_a_trial() -> None:
    assert set(TRIALS) == set(DEFINITIONS)


def _every_fault() -> list[Any]:
    return [
        pytest.param(name, fault, id=f"{name}: {fault!r}")
        for name in TRIALS
        if name in DEFINITIONS
        for fault in faults_of(DEFINITIONS[name])
    ]


@pytest.mark.parametrize(("name", "fault"), _every_fault())
async def test_a_saga_is_done_or_undone_whatever_goes_wrong(bench: Bench, name: str, fault: Fault) -> None:
    trial, sagas = TRIALS[name], bench.cloud.cloud.conductor_service
    whole = await bench.whole(name)
    subject = await bench.subject(name)
    before = await bench.cloud.ledger()
    await sagas.restart_sagas(fault.meddle)
    status = await trial.run(subject, fault)
    await sagas.restart_sagas()
    after = await bench.cloud.ledger()

    assert fault.struck
    assert await subject.ended(name) == ("failed" if fault.undone else "finished")
    if fault.undone:
        assert status == trial.undone
        assert _without(after, subject.port) == _without(before, subject.port)
    else:
        assert status == trial.done
        assert anonymous(after, subject.id) == whole
    if fault.undone and trial.undone != "ERROR":
        bench.keep(name, subject)
    else:
        await bench.clear(subject)


def _without(ledger: dict[str, Any], given: str) -> dict[str, Any]:
    """The port a server was to be given is there before or after its create, and nobody's."""
    return ledger | {"ports": [port for port in ledger["ports"] if port[0] != given or port[1]]}
