"""A server with a CPU of its own on this machine, from the flavor to QEMU's threads."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.cloud.running import VERSION
from tests.real.cloud import Guest, RealCloud, real_cloud

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

OWN, OTHERS = 1, 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealCloud]:
    if os.geteuid() != 0 or (os.cpu_count() or 1) < 2:
        pytest.skip("a private libvirtd needs root, and a CPU of one's own a second one")
    sections = {"compute": {"cpu_dedicated_set": str(OWN), "cpu_shared_set": str(OTHERS)}}
    async with real_cloud(tmp_path_factory.mktemp("pinned"), sections=sections) as started:
        yield started


async def runs_on(guest: Guest) -> set[int]:
    """The CPUs that the guest's first CPU may run on."""
    tasks = Path(f"/proc/{await guest.pid()}/task")
    (thread,) = [path for path in tasks.iterdir() if (path / "comm").read_text().startswith("CPU 0/")]
    return os.sched_getaffinity(int(thread.name))


async def test_a_pinned_server_has_its_cpu_and_others_keep_off(cloud: RealCloud) -> None:
    admin = cloud.api.admin
    body = {"flavor": {"name": "pinned", "vcpus": 1, "ram": 128, "disk": 1}}
    flavor = (await admin.post("/compute/v2.1/flavors", json=body)).json()["flavor"]["id"]
    specs = {"extra_specs": {"hw:cpu_policy": "dedicated", "hw:numa_nodes": "1"}}
    assert (await admin.post(f"/compute/v2.1/flavors/{flavor}/os-extra_specs", json=specs)).is_success

    mine = await cloud.guest("mine", flavor="pinned", networks="none")
    other = await cloud.guest("other", networks="none", booted=False)
    assert await runs_on(mine) == {OWN}
    assert await runs_on(other) == {OTHERS}
    shown = (await admin.get(f"/compute/v2.1/servers/{mine.id}/topology", headers=VERSION)).json()
    (node,) = shown["nodes"]
    assert (node["vcpu_set"], node["host_node"], node["cpu_pinning"]) == ([0], 0, {"0": OWN})
    await other.delete()

    late = (await cloud.api.create("late", flavor="pinned", imageRef=await cloud.api.image("tiny")))["id"]
    refused = await cloud.api.until(late, {"ERROR"})
    assert "PCPU: wanted 1, the most free on any host is 0" in refused["fault"]["message"]
    await mine.act("reboot", {"type": "HARD"})
    assert await runs_on(mine) == {OWN}
    await mine.delete()
