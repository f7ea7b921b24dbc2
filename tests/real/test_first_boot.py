"""A guest comes up as its owner asked: addresses, keys, user data, and who may reach it."""

import base64

import pytest

from tests.real.cloud import Guest, RealCloud, answers, reaches, until

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SCRIPT = "#!/bin/sh\necho told by user data >/root/proof\n"


async def test_guests_have_the_address_the_api_shows_and_what_their_owner_told_them(cloud: RealCloud) -> None:
    before = await cloud.api.ledger()
    told = base64.b64encode(SCRIPT.encode()).decode()
    # The one asks the metadata service, the other has a config drive.
    asking = await cloud.guest("Web One", user_data=told, booted=False)
    driven = await cloud.guest("driven", user_data=told, config_drive=True, booted=False)
    for guest, host, source in ((asking, "web-one", "metadata"), (driven, "driven", "configdrive")):
        console = await guest.says("tiny: boot finished")
        assert f"tiny: net eth0 {await guest.fixed_address()}/24" in console
        assert f"tiny: configured host={host} source={source} instance={guest.id}" in console
        assert "tiny: user-data exit=0" in console
    assert (await driven.show())["config_drive"] == "True"
    await driven.delete()

    await the_security_group_decides(cloud, asking)
    await asking.delete()
    assert await cloud.api.ledger() == before


async def the_security_group_decides(cloud: RealCloud, guest: Guest) -> None:
    """Who reaches the guest at its floating address."""
    address = await guest.float()
    assert not await reaches(address)

    ping = await cloud.open_to("icmp")
    await until(lambda: reaches(address))
    assert not await answers(address, 22)

    await cloud.allow_ssh()
    await until(lambda: answers(address, 22))
    assert await guest.ssh(address, "hostname; cat /root/proof") == "web-one\ntold by user data"

    await cloud.close_again(ping)
    await until(lambda: unreached(address))


async def unreached(address: str) -> bool:
    return not await reaches(address)
