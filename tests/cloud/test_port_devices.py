"""Ports on PCI devices of the host (SR-IOV), through the whole cloud: claimed, bound, moved, given back."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kilonova.conductor.definitions import DEFINITIONS
from kilonova.model.fitting.host import Fit
from kilonova.saga.trial import faults_of
from tests.cloud.moved import ANY_HOST, act, change_service, host_names, host_of
from tests.cloud.running import VERSION, RunningCloud, running_cloud
from tests.cloud.stored import guests_of
from tests.cloud.test_hardware import claimed, flavor
from tests.cloud.test_saga_trials import Subject

PF, VFS = "0000:81:00.0", ("0000:81:02.0", "0000:81:02.1")
CARD = [
    {"address": PF, "vendor_id": "8086", "product_id": "1572", "type": "type-PF"},
    *({"address": at, "vendor_id": "8086", "product_id": "154c", "type": "type-VF", "parent": PF} for at in VFS),
]
GPU = {"address": "0000:0a:00.0", "vendor_id": "10de", "product_id": "1eb8"}
SECTIONS: dict[str, dict[str, Any]] = {
    "simulated": {"hosts": 2, "pci_device": tuple(map(json.dumps, [GPU, *CARD]))},
    "pci": {
        "device_spec": (
            json.dumps({"address": PF, "physical_network": "blue"}),
            json.dumps({"vendor_id": "10de"}),
        ),
    },
}


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    async with running_cloud(tmp_path / "state", sections=SECTIONS) as started:
        yield started


async def network(cloud: RunningCloud, name: str = "blue") -> str:
    """A network that is the physical one of that name."""
    wanted = {"name": name, "shared": True, "provider:network_type": "flat", "provider:physical_network": name}
    answer = await cloud.admin.post("/network/v2.0/networks", json={"network": wanted})
    assert answer.status_code == 201, answer.text
    made = str(answer.json()["network"]["id"])
    subnet = {"network_id": made, "cidr": "10.77.0.0/24", "ip_version": 4}
    answer = await cloud.admin.post("/network/v2.0/subnets", json={"subnet": subnet})
    assert answer.status_code == 201, answer.text
    return made


async def port(cloud: RunningCloud, network_id: str, kind: str = "direct") -> str:
    wanted = {"network_id": network_id, "binding:vnic_type": kind}
    answer = await cloud.http.post("/network/v2.0/ports", json={"port": wanted})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["port"]["id"])


async def bound(cloud: RunningCloud, port_id: str) -> dict[str, Any]:
    return dict((await cloud.admin.get(f"/network/v2.0/ports/{port_id}")).json()["port"])


def device_of(fit: Fit, port_id: str) -> str:
    return next(device.address for device in fit.devices if device.name == port_id)


async def agreed(cloud: RunningCloud, server: str, port_id: str) -> tuple[str, str]:
    """Host and device of the port: the same by the claim, by the port's binding and by the guest there."""
    host = await host_of(cloud, server)
    device = device_of((await claimed(cloud))[host, server], port_id)
    shown = await bound(cloud, port_id)
    assert (shown["binding:host_id"], shown["binding:vif_type"], shown["status"]) == (host, "hw_veb", "ACTIVE")
    assert shown["binding:profile"] == {
        "pci_slot": device,
        "pci_vendor_info": "8086:154c",
        "physical_network": "blue",
    }
    spec = guests_of(cloud.cloud.state.simulated)[host, server]["spec"]
    (nic,) = spec["nics"]
    assert nic["on"] == {"address": device, "kind": "direct", "vlan": None}
    assert device_of(msgspec.convert(spec["fit"], Fit, strict=False), port_id) == device
    return host, device


async def served(cloud: RunningCloud, port_id: str, name: str = "one", **more: Any) -> str:
    return str((await cloud.active(name, networks=[{"port": port_id}], **more))["id"])


async def test_a_direct_port_has_a_device_of_its_network_until_its_server_goes(cloud: RunningCloud) -> None:
    mine = await port(cloud, await network(cloud))
    server = await served(cloud, mine)

    _, device = await agreed(cloud, server, mine)
    assert device in VFS
    assert (await bound(cloud, mine))["binding:vif_details"]["port_filter"] is False
    assert (await cloud.http.get(f"/network/v2.0/ports/{mine}")).json()["port"].keys().isdisjoint({"binding:profile"})

    await cloud.delete(server)
    await cloud.gone(server)
    assert await claimed(cloud) == {}
    free = await bound(cloud, mine)
    assert (free["device_id"], free["binding:host_id"], free["binding:profile"]) == ("", "", {})


async def test_a_port_goes_along_with_every_move(cloud: RunningCloud) -> None:
    mine = await port(cloud, await network(cloud))
    bigger = await flavor(cloud, "bigger", {}, vcpus=2)
    server = await served(cloud, mine)
    first = await agreed(cloud, server, mine)

    await act(cloud, server, "migrate")
    await cloud.until(server, {"VERIFY_RESIZE"})
    assert (await agreed(cloud, server, mine))[0] != first[0]
    assert len(await claimed(cloud)) == 2
    await cloud.act(server, "revertResize")
    await cloud.until(server, {"ACTIVE"})
    assert await agreed(cloud, server, mine) == first

    (other,) = host_names(cloud) - {first[0]}
    await change_service(cloud, other, status="disabled")
    await cloud.act(server, "resize", {"flavorRef": bigger})
    await cloud.until(server, {"VERIFY_RESIZE"})
    beside = await agreed(cloud, server, mine)
    assert (beside[0], beside[1] != first[1]) == (first[0], True)
    await cloud.act(server, "confirmResize", ok=204)
    await cloud.until(server, {"ACTIVE"})
    await change_service(cloud, other, status="enabled")

    await act(cloud, server, "os-migrateLive", ANY_HOST)
    await cloud.until(server, {"ACTIVE"})
    assert (await agreed(cloud, server, mine))[0] == other
    assert len(await claimed(cloud)) == 1

    await cloud.act(server, "shelve")
    await cloud.until(server, {"SHELVED_OFFLOADED"})
    assert await claimed(cloud) == {}
    assert (await bound(cloud, mine))["binding:profile"] == {}
    await cloud.act(server, "unshelve")
    await cloud.until(server, {"ACTIVE"})
    lost, _ = await agreed(cloud, server, mine)

    await change_service(cloud, lost, forced_down=True)
    await act(cloud, server, "evacuate", {}, ok=200)
    await cloud.until(server, {"ACTIVE", "SHUTOFF"})
    assert (await agreed(cloud, server, mine))[0] != lost


async def test_who_finds_no_device_is_told_so(cloud: RunningCloud) -> None:
    blue = await network(cloud)
    for number in range(4):
        await served(cloud, await port(cloud, blue), f"s-{number}")
    late = await port(cloud, blue)
    body = {"name": "late", "flavorRef": await cloud.flavor("m1.nano"), "imageRef": await cloud.image()}
    body |= {"networks": [{"port": late}]}
    answer = await cloud.http.post("/compute/v2.1/servers/explain", json={"server": body}, headers=VERSION)
    told = answer.json()["explanation"]
    made = await cloud.create("late", networks=[{"port": late}])
    server = await cloud.until(made["id"], {"ACTIVE", "ERROR"})

    assert server["status"] == "ERROR"
    assert server["fault"]["message"] == told["message"]
    assert f"PciPassthroughFilter 2→0 (PCI {late}: 0 of 1 devices free (2 hosts))" in told["message"]
    assert told["filters"][-1]["asked"] == f"{late}:1"


async def test_a_port_of_a_tunnel_or_of_a_network_without_devices_has_none(cloud: RunningCloud) -> None:
    for network_id in (await cloud.network(), await network(cloud, "red")):
        made = await cloud.create(networks=[{"port": await port(cloud, network_id)}])
        assert (await cloud.until(made["id"], {"ACTIVE", "ERROR"}))["status"] == "ERROR"
    assert await claimed(cloud) == {}


async def test_a_whole_physical_function_is_taken_with_all_its_parts(cloud: RunningCloud) -> None:
    blue = await network(cloud)
    whole = await port(cloud, blue, "direct-physical")
    server = await served(cloud, whole)

    shown = await bound(cloud, whole)
    assert (shown["binding:vif_type"], shown["binding:profile"]["pci_slot"]) == ("hostdev_physical", PF)
    host = await host_of(cloud, server)
    for number in range(2):
        other = await served(cloud, await port(cloud, blue), f"s-{number}")
        assert await host_of(cloud, other) != host


async def test_a_port_taken_out_gives_its_device_back_and_none_is_put_in(cloud: RunningCloud) -> None:
    blue = await network(cloud)
    mine, late = await port(cloud, blue), await port(cloud, blue)
    server = await served(cloud, mine)

    wanted = {"interfaceAttachment": {"port_id": late}}
    answer = await cloud.http.post(f"/compute/v2.1/servers/{server}/os-interface", json=wanted, headers=VERSION)
    assert answer.status_code == 400
    assert "SR-IOV ports must be specified during server creation" in answer.json()["badRequest"]["message"]
    answer = await cloud.http.delete(f"/compute/v2.1/servers/{server}/os-interface/{mine}", headers=VERSION)
    assert answer.status_code == 202
    await cloud.until(server, {"ACTIVE"})
    async with asyncio.timeout(30):
        while (await bound(cloud, mine))["device_id"] or await claimed(cloud):
            await asyncio.sleep(0.02)

    assert (await bound(cloud, mine))["binding:profile"] == {}
    assert len((await cloud.cloud.placement.consumers())[server]) == 1
    await act(cloud, server, "migrate")
    await cloud.until(server, {"VERIFY_RESIZE"})
    assert await claimed(cloud) == {}


@pytest.mark.parametrize("name", ["server_migrate", "server_live_migrate"])
async def test_whatever_goes_wrong_in_a_move_the_port_is_where_its_device_is(cloud: RunningCloud, name: str) -> None:
    mine = await port(cloud, await network(cloud))
    subject = Subject(cloud)
    subject.id = await served(cloud, mine)
    conductor = cloud.cloud.conductor_service
    for fault in faults_of(DEFINITIONS[name]):
        before = await agreed(cloud, subject.id, mine)
        await conductor.restart_sagas(fault.meddle)
        await (subject.migrate() if name == "server_migrate" else act(cloud, subject.id, "os-migrateLive", ANY_HOST))
        status = await subject.rest(fault)
        await conductor.restart_sagas()

        assert fault.struck, fault
        after = await agreed(cloud, subject.id, mine)
        if status == "VERIFY_RESIZE":
            assert after[0] != before[0], fault
            await subject.act("revertResize")
            await subject.rest()
            after = await agreed(cloud, subject.id, mine)
        if fault.undone or name == "server_migrate":
            assert after == before, fault
        assert len(await claimed(cloud)) == 1, fault
