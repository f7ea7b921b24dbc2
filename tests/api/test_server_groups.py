"""Server groups: policies by version, members counted from living servers, quota, and whose they are."""

from typing import Any

import pytest

from kilonova.db.statement import insert_into
from kilonova.db.tables.hosts import quotas
from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.api.rows import put_servers

_OLD = {"name": "g", "policies": ["affinity"]}
_NEW = {"name": "g", "policy": "anti-affinity", "rules": {"max_server_per_host": "3"}}


async def make(cloud: Cloud, body: dict[str, Any] = _OLD, version: str = "2.1", **more: Any) -> dict[str, Any]:
    answer = await cloud.post("/os-server-groups", {"server_group": body}, version=version, **more)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()["server_group"]
    return made


async def test_one_group_is_seen_in_the_words_of_each_version(cloud: Cloud) -> None:
    made = await make(cloud, _NEW, "2.64")
    assert made["rules"] == {"max_server_per_host": 3}
    path = f"/os-server-groups/{made['id']}"
    assert (await cloud.get(path, version="2.64")).json()["server_group"] == made
    old = (await cloud.get(path)).json()["server_group"]
    assert (old["policies"], old["metadata"], old.keys()) == (
        ["anti-affinity"], {}, {"id", "name", "policies", "members", "metadata"},
    )  # fmt: skip


async def test_members_are_the_living_servers(cloud: Cloud) -> None:
    group = await make(cloud)
    alive, _ = await put_servers(cloud.db, {"group_id": group["id"]}, {"group_id": group["id"], "deleted": 1})
    (shown,) = (await cloud.get("/os-server-groups")).json()["server_groups"]
    assert shown["members"] == [alive]


async def test_lists_are_one_s_own_and_admins_may_ask_for_all(cloud: Cloud) -> None:
    for number in range(3):
        await make(cloud, {**_OLD, "name": f"g{number}"})
    await make(cloud, project=OTHER_PROJECT)

    async def names(query: str, role: str = "member") -> list[str]:
        return [
            one["name"] for one in (await cloud.get(f"/os-server-groups{query}", role=role)).json()["server_groups"]
        ]

    assert await names("?limit=2&offset=1") == ["g1", "g2"]
    assert await names("?all_projects=1") == ["g0", "g1", "g2"]
    assert await names("?all_projects=1", "admin") == ["g0", "g1", "g2", "g"]
    assert (await cloud.get("/os-server-groups?colour=red", version="2.75")).status_code == 400


async def test_somebody_else_s_is_refused_not_hidden(cloud: Cloud) -> None:
    path = f"/os-server-groups/{(await make(cloud, project=OTHER_PROJECT))['id']}"
    assert (await cloud.get(path)).status_code == 403
    assert (await cloud.delete(path)).status_code == 403
    assert (await cloud.delete(path, role="admin")).status_code == 204
    missing = await cloud.get(path)
    assert missing.json()["itemNotFound"]["message"].startswith("Instance group ")


async def test_quota_counts_the_project_s_groups(cloud: Cloud) -> None:
    async with cloud.db.begin() as tx:
        await tx.execute(insert_into(quotas), project_id=PROJECT, user_id="", resource="server_groups", hard_limit=1)
    await make(cloud)
    answer = await cloud.post("/os-server-groups", {"server_group": _OLD})
    assert answer.status_code == 403
    assert answer.json()["forbidden"]["message"] == "Quota exceeded, too many server groups."


@pytest.mark.parametrize(
    ("body", "version"),
    [
        ({"name": "g", "policies": []}, "2.1"),
        ({"name": "g", "policies": ["affinity", "anti-affinity"]}, "2.1"),
        ({"name": "g", "policies": ["soft-affinity"]}, "2.14"),
        ({"name": "g", "policies": ["affinity"]}, "2.64"),
        ({"name": "g", "policy": "affinity", "rules": {"max_server_per_host": 1}}, "2.64"),
        ({"name": "g", "policy": "anti-affinity", "rules": {"max_server_per_host": 0}}, "2.64"),
        ({"name": "g", "policy": "anti-affinity"}, "2.63"),
        ({"policies": ["affinity"]}, "2.1"),
    ],
)
async def test_what_will_not_do_is_a_400(cloud: Cloud, body: dict[str, Any], version: str) -> None:
    answer = await cloud.post("/os-server-groups", {"server_group": body}, version=version)
    assert answer.status_code == 400


async def test_soft_policies_came_with_2_15(cloud: Cloud) -> None:
    await make(cloud, {"name": "g", "policies": ["soft-affinity"]}, "2.15")
