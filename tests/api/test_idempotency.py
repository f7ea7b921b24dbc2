"""A create that is sent again with its Idempotency-Key makes nothing more and is answered as the first time."""

import asyncio
import random
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from kilonova.api.idempotency import KEPT_S
from kilonova.db.statement import Statement, update_columns
from kilonova.db.tables.sagas import idempotency_keys, sagas
from kilonova.db.tables.servers import servers
from tests.api.cloud import OTHER_PROJECT, Cloud
from tests.api.test_server_create import image  # noqa: F401


async def create(cloud: Cloud, image_id: str, key: str | None, *, name: str = "web", **more: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"name": name, "flavorRef": "1", "imageRef": image_id, "networks": "none"}
    return await cloud.post("/servers", {"server": body}, version="2.90", headers=headers, **more)


async def count(cloud: Cloud, table: Any) -> int:
    return int(await cloud.db.fetch_value(Statement(select(func.count()).select_from(table))))


async def test_a_retry_gets_the_first_answer_and_makes_no_second_server(cloud: Cloud, image: str) -> None:  # noqa: F811
    first = await create(cloud, image, "deploy-7")
    again = await create(cloud, image, "deploy-7")
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == "application/json"
    assert await count(cloud, servers) == await count(cloud, sagas) == 1


async def test_another_key_and_no_key_make_another_server(cloud: Cloud, image: str) -> None:  # noqa: F811
    for key in ("a", "b", None, None):
        assert (await create(cloud, image, key)).status_code == 202
    assert await count(cloud, servers) == 4


async def test_a_key_used_for_something_else_is_a_conflict(cloud: Cloud, image: str) -> None:  # noqa: F811
    await create(cloud, image, "deploy-7")
    answer = await create(cloud, image, "deploy-7", name="other")
    assert answer.status_code == 409
    assert answer.json() == {
        "conflictingRequest": {"code": 409, "message": "Idempotency-Key deploy-7 was used for another request."}
    }
    assert await count(cloud, servers) == 1


async def test_another_user_of_the_project_does_not_get_the_answer(cloud: Cloud, image: str) -> None:  # noqa: F811
    await create(cloud, image, "deploy-7")
    assert (await create(cloud, image, "deploy-7", role="admin")).status_code == 409


async def test_keys_of_another_project_are_others(cloud: Cloud) -> None:
    volume_less = {"server": {"name": "x", "flavorRef": "1", "imageRef": "", "networks": "none"}}
    for project in (OTHER_PROJECT, OTHER_PROJECT):
        answer = await cloud.post(
            "/servers", volume_less, version="2.90", project=project, headers={"Idempotency-Key": "k"}
        )
        assert answer.status_code == 400
    assert await count(cloud, idempotency_keys) == 0


async def test_what_failed_may_be_tried_again_with_its_key(cloud: Cloud, image: str) -> None:  # noqa: F811
    missing = "00000000-0000-4000-8000-000000000000"
    assert (await create(cloud, missing, "k")).status_code == 400
    assert (await create(cloud, image, "k")).status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
async def test_a_malformed_key_is_refused(cloud: Cloud, image: str, key: str) -> None:  # noqa: F811
    assert (await create(cloud, image, key)).status_code == 400
    assert await count(cloud, servers) == 0


async def test_a_key_is_forgotten_after_a_day(cloud: Cloud, image: str) -> None:  # noqa: F811
    await create(cloud, image, "k")
    clock = cloud.world.clock
    async with cloud.db.begin() as tx:
        await tx.execute(
            update_columns(idempotency_keys, ("created_at",), ("key",)), by_key="k", created_at=clock.after(-KEPT_S - 1)
        )
    assert (await create(cloud, image, "k", name="other")).status_code == 202
    assert await count(cloud, servers) == 2


async def test_a_thousand_random_retries_at_once_make_one_server_per_key(cloud: Cloud, image: str) -> None:  # noqa: F811
    """Ten servers are all the quota has: a retry near it is not refused either."""
    keys = [f"key-{number}" for number in range(10)]
    rng = random.Random(7)
    wanted = keys + [rng.choice(keys) for _ in range(990)]
    rng.shuffle(wanted)
    answers: dict[str, set[bytes]] = {key: set() for key in keys}
    room = asyncio.Semaphore(32)

    async def one(key: str) -> None:
        async with room:
            answer = await create(cloud, image, key)
        assert answer.status_code == 202, answer.text
        answers[key].add(answer.content)

    await asyncio.gather(*(one(key) for key in wanted))

    assert {len(bodies) for bodies in answers.values()} == {1}
    assert await count(cloud, servers) == len(keys)
