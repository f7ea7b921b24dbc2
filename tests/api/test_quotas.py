"""Limits, quota sets of projects and users, quota classes."""

from typing import Any

import pytest

from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.api.rows import put_servers

_SET = f"/os-quota-sets/{PROJECT}"


async def put_quota(cloud: Cloud, path: str = _SET, **limits: Any) -> Any:
    return await cloud.put(path, {"quota_set": limits}, role="admin")


async def test_limits_show_what_may_be_had_and_what_is(cloud: Cloud) -> None:
    await put_servers(cloud.db, {}, {})
    shown = (await cloud.get("/limits", role="nobody")).json()["limits"]
    assert shown["rate"] == []
    absolute = shown["absolute"]
    assert (absolute["maxTotalInstances"], absolute["totalInstancesUsed"], absolute["totalRAMUsed"]) == (10, 2, 1024)
    other = await cloud.get(f"/limits?tenant_id={OTHER_PROJECT}", role="admin")
    assert other.json()["limits"]["absolute"]["totalInstancesUsed"] == 0
    assert (await cloud.get(f"/limits?tenant_id={OTHER_PROJECT}")).status_code == 403


async def test_a_set_limit_holds_and_is_shown_alike_everywhere(cloud: Cloud) -> None:
    changed = await put_quota(cloud, cores="45")
    assert changed.json()["quota_set"]["cores"] == 45
    assert "id" not in changed.json()["quota_set"]
    assert (await cloud.get(_SET)).json()["quota_set"]["cores"] == 45
    assert (await cloud.get("/limits")).json()["limits"]["absolute"]["maxTotalCores"] == 45
    assert (await cloud.get(f"{_SET}/defaults")).json()["quota_set"]["cores"] == 20
    assert (await cloud.delete(_SET, role="admin")).status_code == 202
    assert (await cloud.get(_SET)).json()["quota_set"]["cores"] == 20


async def test_detail_counts_and_reserves_nothing(cloud: Cloud) -> None:
    await put_servers(cloud.db, {}, {"user_id": "somebody"})
    whole = (await cloud.get(f"{_SET}/detail")).json()["quota_set"]
    assert whole["instances"] == {"limit": 10, "in_use": 2, "reserved": 0}
    mine = (await cloud.get(f"{_SET}/detail?user_id=somebody")).json()["quota_set"]
    assert mine["instances"]["in_use"] == 1


async def test_a_limit_below_what_is_used_needs_force(cloud: Cloud) -> None:
    await put_servers(cloud.db, {}, {})
    refused = await put_quota(cloud, instances=1)
    assert refused.status_code == 400
    assert refused.json()["badRequest"]["message"] == (
        "Quota limit 1 for instances must be greater than or equal to already used and reserved 2."
    )
    assert (await put_quota(cloud, instances=1, force="True")).status_code == 200


async def test_a_user_s_limit_comes_out_of_the_project_s(cloud: Cloud) -> None:
    await put_quota(cloud, instances=5)
    assert (await put_quota(cloud, f"{_SET}?user_id=anna", instances=3)).status_code == 200
    assert (await cloud.get(f"{_SET}?user_id=anna")).json()["quota_set"]["instances"] == 3
    assert (await cloud.get(_SET)).json()["quota_set"]["instances"] == 5
    too_much = await put_quota(cloud, f"{_SET}?user_id=bert", instances=3)
    assert too_much.json()["badRequest"]["message"] == ("Quota limit 3 for instances must be less than or equal to 2.")
    assert (await put_quota(cloud, instances=2)).status_code == 400
    assert (await cloud.delete(f"{_SET}?user_id=anna", role="admin")).status_code == 202
    assert (await put_quota(cloud, instances=2)).status_code == 200


async def test_the_class_default_is_everybody_s_and_others_are_their_own(cloud: Cloud) -> None:
    for name in ("default", "silver"):
        answer = await cloud.put(
            f"/os-quota-class-sets/{name}", {"quota_class_set": {"cores": 33}}, role="admin", version="2.57"
        )
        assert answer.json()["quota_class_set"]["cores"] == 33
    assert (await cloud.get(_SET)).json()["quota_set"]["cores"] == 33
    assert (await cloud.get(f"{_SET}/defaults")).json()["quota_set"]["cores"] == 33
    shown = (await cloud.get("/os-quota-class-sets/silver", role="admin")).json()["quota_class_set"]
    assert (shown["id"], shown["cores"], shown["instances"]) == ("silver", 33, 10)
    assert (await cloud.get("/os-quota-class-sets/default")).status_code == 403


@pytest.mark.parametrize(
    ("limits", "version"),
    [
        ({"nonsense": 1}, "2.1"),
        ({"cores": -2}, "2.1"),
        ({"cores": "many"}, "2.1"),
        ({"floating_ips": 1}, "2.36"),
        ({"injected_files": 1}, "2.57"),
    ],
)
async def test_what_is_no_limit_is_refused(cloud: Cloud, limits: dict[str, Any], version: str) -> None:
    answer = await cloud.put(_SET, {"quota_set": limits}, role="admin", version=version)
    assert answer.status_code == 400


async def test_quota_sets_are_the_project_s_own(cloud: Cloud) -> None:
    path = f"/os-quota-sets/{OTHER_PROJECT}"
    assert (await cloud.get(path)).status_code == 403
    assert (await cloud.get(path, role="admin")).status_code == 200
    assert (await cloud.get(f"{path}/defaults", role="nobody")).status_code == 200
    assert (await cloud.put(_SET, {"quota_set": {}}, role="manager")).status_code == 403
    assert (await cloud.get(f"{_SET}?colour=red", version="2.75")).status_code == 400
    assert (await cloud.get(f"{_SET}/defaults?colour=red", version="2.104")).status_code == 200
