"""Servers with CPUs, pages and devices of their own, through the whole cloud: claimed, shown, moved, given back."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kilonova.conductor.definitions import DEFINITIONS
from kilonova.model.fitting.host import Fit
from kilonova.model.ids import HostName
from kilonova.saga.trial import faults_of
from tests.cloud.moved import ANY_HOST, act, change_service, host_names, host_of
from tests.cloud.running import VERSION, RunningCloud, running_cloud
from tests.cloud.stored import guests_of
from tests.cloud.test_saga_trials import Subject

GPU = {"vendor_id": "10de", "product_id": "1eb8"}
PINNED = {"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "require"}

SECTIONS: dict[str, dict[str, Any]] = {
    "simulated": {
        "hosts": 2,
        "vcpus": 16,
        "memory_mb": 16384,
        "numa_cells": 2,
        "threads_per_core": 2,
        "huge_pages_mb": 1024,
        "pci_device": tuple(json.dumps(GPU | {"address": f"0000:0{node}:00.0", "numa_node": node}) for node in (0, 1)),
    },
    "compute": {"cpu_dedicated_set": "2-7,10-15", "cpu_shared_set": "0-1,8-9"},
    "pci": {
        "alias": (json.dumps(GPU | {"name": "gpu", "numa_policy": "required"}),),
        "device_spec": (json.dumps(GPU),),
    },
}


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    async with running_cloud(tmp_path / "state", sections=SECTIONS) as started:
        yield started


async def flavor(cloud: RunningCloud, name: str, specs: Mapping[str, str], *, vcpus: int = 2, ram: int = 512) -> str:
    """A flavor with extra specs."""
    body = {"flavor": {"name": name, "vcpus": vcpus, "ram": ram, "disk": 1}}
    made = (await cloud.admin.post("/compute/v2.1/flavors", json=body)).json()["flavor"]["id"]
    wanted = {"extra_specs": specs}
    answer = await cloud.admin.post(
        f"/compute/v2.1/flavors/{made}/os-extra_specs", json=wanted, headers={"OpenStack-API-Version": "compute 2.86"}
    )
    assert answer.status_code == 200, answer.text
    return str(made)


async def pinned(cloud: RunningCloud, name: str = "pinned", *, vcpus: int = 2, **specs: str) -> str:
    """Colons in the names of extra specs are written as `__`."""
    return await flavor(cloud, name, PINNED | {key.replace("__", ":"): specs[key] for key in specs}, vcpus=vcpus)


async def topology(cloud: RunningCloud, server: str, *, admin: bool = True) -> dict[str, Any]:
    client = cloud.admin if admin else cloud.http
    answer = await client.get(f"/compute/v2.1/servers/{server}/topology", headers=VERSION)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def claimed(cloud: RunningCloud) -> dict[tuple[str, str], Fit]:
    """(host, consumer) → what is claimed; no CPU and no device twice."""
    names = tuple(HostName(name) for name in sorted(host_names(cloud)))
    found = await cloud.cloud.placement.fits(names)
    for fits in found.values():
        for consumer, fit in fits.of.items():
            assert fit.clashes(other for name, other in fits.of.items() if name != consumer) is None
    return {(host, consumer): fit for host, fits in found.items() for consumer, fit in fits.of.items()}


async def of_guests(cloud: RunningCloud) -> dict[tuple[str, str], Fit | None]:
    """(host, guest) → what the guest was defined with."""
    return {
        place: msgspec.convert(record["spec"].get("fit"), Fit | None, strict=False)
        for place, record in guests_of(cloud.cloud.state.simulated).items()
    }


async def test_a_pinned_server_has_its_cpus_and_shows_them_to_those_who_may_know(cloud: RunningCloud) -> None:
    await pinned(cloud, vcpus=4, hw__numa_nodes="2", hw__mem_page_size="2MB", hw__cpu_threads="2")
    server = (await cloud.active(flavor="pinned"))["id"]

    shown = await topology(cloud, server)
    nodes = shown["nodes"]
    assert shown["pagesize_kb"] == 2048
    assert [node["vcpu_set"] for node in nodes] == [[0, 1], [2, 3]]
    assert [node["siblings"] for node in nodes] == [[[0, 1]], [[2, 3]]]
    assert [node["memory_mb"] for node in nodes] == [256, 256]
    assert [node["host_node"] for node in nodes] == [0, 1]
    assert [node["cpu_pinning"] for node in nodes] == [{"0": 2, "1": 3}, {"2": 10, "3": 11}]
    mine = await topology(cloud, server, admin=False)
    assert all(node.keys() == {"vcpu_set", "siblings", "memory_mb"} for node in mine["nodes"])
    assert await of_guests(cloud) == await claimed(cloud)
    held = (await cloud.cloud.placement.consumers())[server]
    assert next(iter(held.values())) == {"PCPU": 4, "MEMORY_MB": 512, "DISK_GB": 1}


async def test_a_server_without_such_wishes_has_no_topology(cloud: RunningCloud) -> None:
    server = (await cloud.active())["id"]

    assert await topology(cloud, server) == {"nodes": [], "pagesize_kb": None}
    assert await claimed(cloud) == {}


async def test_cpus_and_devices_come_and_go_with_every_move(cloud: RunningCloud) -> None:
    await pinned(cloud, pci_passthrough__alias="gpu:1")
    bigger = await pinned(cloud, "bigger", vcpus=4)
    server = (await cloud.active(flavor="pinned"))["id"]
    first = await claimed(cloud)
    assert await of_guests(cloud) == first
    ((source, _),) = first

    await act(cloud, server, "migrate")
    await cloud.until(server, {"VERIFY_RESIZE"})
    assert len(await claimed(cloud)) == 2
    await cloud.act(server, "revertResize")
    await cloud.until(server, {"ACTIVE"})
    assert await claimed(cloud) == first
    assert await of_guests(cloud) == first

    await cloud.act(server, "resize", {"flavorRef": bigger})
    await cloud.until(server, {"VERIFY_RESIZE"})
    await cloud.act(server, "confirmResize", ok=204)
    await cloud.until(server, {"ACTIVE"})
    ((_, consumer),) = after = await claimed(cloud)
    assert consumer == server
    assert [len(fit.cells[0].pinning) for fit in after.values()] == [4]
    assert await of_guests(cloud) == after

    await act(cloud, server, "os-migrateLive", ANY_HOST)
    await cloud.until(server, {"ACTIVE"})
    moved = await claimed(cloud)
    assert list(moved) == [(await host_of(cloud, server), server)]
    assert await of_guests(cloud) == moved
    assert source in host_names(cloud)

    await cloud.act(server, "shelve")
    await cloud.until(server, {"SHELVED_OFFLOADED"})
    assert await claimed(cloud) == {}
    await cloud.act(server, "unshelve")
    await cloud.until(server, {"ACTIVE"})
    back = await claimed(cloud)
    assert len(back) == 1
    assert await of_guests(cloud) == back

    lost = await host_of(cloud, server)
    await change_service(cloud, lost, forced_down=True)
    await act(cloud, server, "evacuate", {}, ok=200)
    await cloud.until(server, {"ACTIVE", "SHUTOFF"})
    ((refuge, _),) = await claimed(cloud)
    assert refuge != lost
    assert (await of_guests(cloud)).items() >= (await claimed(cloud)).items()

    await cloud.delete(server)
    await cloud.gone(server)
    assert await claimed(cloud) == {}


async def test_a_resize_on_its_own_host_takes_other_cpus_and_a_revert_the_old_ones(tmp_path: Path) -> None:
    sections = {**SECTIONS, "simulated": {**SECTIONS["simulated"], "hosts": 1}}
    async with running_cloud(tmp_path / "state", sections=sections) as cloud:
        await pinned(cloud)
        bigger = await pinned(cloud, "bigger", vcpus=4)
        server = (await cloud.active(flavor="pinned"))["id"]
        before = await claimed(cloud)

        await cloud.act(server, "resize", {"flavorRef": bigger})
        await cloud.until(server, {"VERIFY_RESIZE"})
        during = await claimed(cloud)
        assert len(during) == 2
        assert (await of_guests(cloud)).items() <= during.items()
        await cloud.act(server, "revertResize")
        await cloud.until(server, {"ACTIVE"})

        assert await claimed(cloud) == before
        assert await of_guests(cloud) == before


async def test_who_finds_no_room_is_told_which_cell_lacks_what(cloud: RunningCloud) -> None:
    await pinned(cloud, "half", vcpus=4)
    for number in range(2):
        await cloud.active(f"server-{number}", flavor="half")
        await cloud.active(f"another-{number}", flavor="half")

    refused = await cloud.create("late", flavor="half")
    shown = await cloud.until(refused["id"], {"ERROR"})
    assert "NUMATopologyFilter 2→0" in shown["fault"]["message"]
    assert "NUMA cell 0: 2 of 6 dedicated CPUs free, wanted 4" in shown["fault"]["message"]
    assert len(await claimed(cloud)) == 4


@pytest.mark.parametrize(
    ("specs", "words"),
    [
        ({"hw:numa_nodes": "3"}, "Instance CPUs and/or memory cannot be evenly distributed across instance NUMA nodes"),
        ({"hw:cpu_thread_policy": "isolate"}, "Cannot set cpu thread pinning policy in a non dedicated cpu pinning"),
        ({"pci_passthrough:alias": "nic:1"}, "PCI alias nic is not defined"),
        (
            {"hw:cpu_max_sockets": "1", "hw:cpu_max_cores": "1", "hw:cpu_max_threads": "1"},
            "Requested vCPU limits",
        ),
    ],
)
async def test_nonsense_is_refused_before_anything_is_stored(
    cloud: RunningCloud, specs: dict[str, str], words: str
) -> None:
    bad = await flavor(cloud, "bad", specs)
    body = {"name": "x", "flavorRef": bad, "imageRef": await cloud.image(), "networks": "none"}
    answer = await cloud.http.post("/compute/v2.1/servers", json={"server": body}, headers=VERSION)
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"].startswith(words)

    server = (await cloud.active())["id"]
    answer = await cloud.act(server, "resize", {"flavorRef": bad}, ok=400)
    assert answer.json()["badRequest"]["message"].startswith(words)


async def test_a_rebuild_may_not_change_the_cells(cloud: RunningCloud) -> None:
    server = (await cloud.active())["id"]
    other = await cloud.image("other")
    patch = [{"op": "add", "path": "/hw_numa_nodes", "value": "1"}]
    answer = await cloud.http.patch(
        f"/image/v2/images/{other}",
        content=json.dumps(patch),
        headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
    )
    assert answer.status_code == 200, answer.text

    answer = await cloud.act(server, "rebuild", {"imageRef": other}, ok=400)
    assert answer.json()["badRequest"]["message"].startswith("An instance's NUMA topology cannot be changed")


@pytest.mark.parametrize("name", ["server_migrate", "server_resize"])
async def test_whatever_goes_wrong_in_a_move_cpus_and_devices_have_one_owner(cloud: RunningCloud, name: str) -> None:
    await pinned(cloud, pci_passthrough__alias="gpu:1")
    bigger = await pinned(cloud, "bigger", vcpus=4, pci_passthrough__alias="gpu:1")
    subject = Subject(cloud)
    subject.id = (await cloud.active(flavor="pinned"))["id"]
    conductor = cloud.cloud.conductor_service
    # On its own host: the two stand side by side there.
    (other,) = host_names(cloud) - {await host_of(cloud, subject.id)}
    for fault in faults_of(DEFINITIONS[name]):
        await change_service(cloud, other, status="disabled" if name == "server_resize" else "enabled")
        before = await claimed(cloud)
        await conductor.restart_sagas(fault.meddle)
        await (subject.migrate() if name == "server_migrate" else subject.act("resize", {"flavorRef": bigger}))
        status = await subject.rest(fault)
        await conductor.restart_sagas()

        assert fault.struck, fault
        assert status == ("ACTIVE" if fault.undone else "VERIFY_RESIZE"), fault
        if not fault.undone:
            assert len(await claimed(cloud)) == 2, fault
            await subject.act("revertResize")
            await subject.rest()
        assert await claimed(cloud) == before, fault
        assert await of_guests(cloud) == before, fault
