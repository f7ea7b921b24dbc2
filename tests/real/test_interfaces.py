"""Network cards come to a running guest and go."""

import pytest

from tests.real.cloud import RealCloud, until

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def test_a_card_on_another_network_appears_in_the_guest_with_its_address_and_goes_again(cloud: RealCloud) -> None:
    made = await cloud.network_call("POST", "/networks", network={"name": "second"})
    network = made["network"]["id"]
    subnet = {"network_id": network, "ip_version": 4, "cidr": "10.12.0.0/24", "gateway_ip": None}
    await cloud.network_call("POST", "/subnets", subnet=subnet)
    guest = await cloud.guest("two-armed")
    before = await cloud.api.ledger()

    body = {"interfaceAttachment": {"net_id": network}}
    answer = await cloud.api.http.post(f"/compute/v2.1/servers/{guest.id}/os-interface", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    card = answer.json()["interfaceAttachment"]
    address = card["fixed_ips"][0]["ip_address"]
    await guest.says(f"tiny: net eth1 {address}/24")
    assert [entry["addr"] for entry in (await guest.show())["addresses"]["second"]] == [address]
    assert await guest.inside("cat /sys/class/net/eth1/address") == card["mac_addr"]

    path = f"/compute/v2.1/servers/{guest.id}/os-interface/{card['port_id']}"
    assert (await cloud.api.http.delete(path)).status_code == 202
    await until(lambda: _only_private(cloud, guest.id))
    assert await guest.inside("ls /sys/class/net | grep -c eth1 || true") == "0"
    assert await cloud.api.ledger() == before
    await guest.delete()
    await cloud.network_call("DELETE", f"/networks/{network}")


async def _only_private(cloud: RealCloud, server_id: str) -> bool:
    return list((await cloud.api.show(server_id))["addresses"]) == ["private"]
