"""A guest comes up as its owner asked: addresses, keys, user data, and who may reach it."""

import asyncio
import base64

import pytest

from tests.real.cloud import RealCloud, reaches

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SCRIPT = "#!/bin/sh\necho told by user data >/root/proof\n"


async def test_a_guest_has_the_address_the_api_shows_and_what_its_owner_told_it(cloud: RealCloud) -> None:
    before = await cloud.api.ledger()
    guest = await cloud.guest("Web One", user_data=base64.b64encode(SCRIPT.encode()).decode())
    console = await guest.console()

    assert f"tiny: net eth0 {await guest.fixed_address()}/24" in console
    assert f"tiny: configured host=web-one source=metadata instance={guest.id}" in console
    assert "tiny: user-data exit=0" in console

    await guest.delete()
    assert await cloud.api.ledger() == before


async def test_a_guest_with_a_config_drive_needs_no_metadata_service(cloud: RealCloud) -> None:
    guest = await cloud.guest("driven", config_drive=True, user_data=base64.b64encode(SCRIPT.encode()).decode())
    console = await guest.console()

    assert (await guest.show())["config_drive"] == "True"
    assert f"tiny: configured host=driven source=configdrive instance={guest.id}" in console
    assert "tiny: user-data exit=0" in console
    await guest.delete()


async def test_the_security_group_decides_who_reaches_a_guest_at_its_floating_address(cloud: RealCloud) -> None:
    guest = await cloud.guest("guarded", user_data=base64.b64encode(SCRIPT.encode()).decode())
    address = await guest.float()
    assert not await reaches(address)

    ping = await cloud.open_to("icmp")
    async with asyncio.timeout(20):
        while not await reaches(address):
            await asyncio.sleep(0.1)
    refused = await guest.ssh(address, "true", ok=False)
    assert "timed out" in refused

    await cloud.open_to("tcp", port=22)
    assert await guest.ssh(address, "cat /root/proof") == "told by user data"
    assert await guest.ssh(address, "hostname") == "guarded"

    await cloud.close_again(ping)
    await asyncio.sleep(0.5)
    assert not await reaches(address)
    await guest.delete()
