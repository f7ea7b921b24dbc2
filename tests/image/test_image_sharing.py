"""Members of shared images."""

from tests.image.conftest import ImageCloud


async def test_a_member_sees_the_image_and_lists_it_once_accepted(images: ImageCloud) -> None:
    image = await images.active(name="shared")
    url = f"/images/{image['id']}/members"
    assert (await images.call("GET", f"/images/{image['id']}", "bert")).status_code == 404

    added = await images.call("POST", url, json={"member": "blue"})
    assert added.status_code == 200
    assert added.json()["status"] == "pending"
    assert (await images.call("GET", f"/images/{image['id']}", "bert")).status_code == 200
    assert await images.names(who="bert") == []
    assert await images.names("?member_status=pending&visibility=shared", who="bert") == ["shared"]

    answered = await images.call("PUT", f"{url}/blue", "bert", json={"status": "accepted"})
    assert answered.json()["status"] == "accepted"
    assert await images.names(who="bert") == ["shared"]
    assert (await images.call("GET", f"/images/{image['id']}/file", "bert")).content == b"bits"

    assert (await images.call("DELETE", f"{url}/blue", "bert")).status_code == 403
    assert (await images.call("DELETE", f"{url}/blue")).status_code == 204
    assert (await images.call("GET", f"/images/{image['id']}", "bert")).status_code == 404


async def test_only_the_owner_shares_and_only_the_member_answers(images: ImageCloud) -> None:
    image = await images.image(name="shared")
    url = f"/images/{image['id']}/members"
    await images.call("POST", url, json={"member": "blue"})

    assert (await images.call("POST", url, json={"member": "blue"})).status_code == 409
    assert (await images.call("POST", url, json={"member": 5})).status_code == 400
    assert (await images.call("POST", url, "bert", json={"member": "green"})).status_code == 403
    assert (await images.call("POST", url, "rita", json={"member": "green"})).status_code == 403
    assert (await images.call("PUT", f"{url}/blue", json={"status": "accepted"})).status_code == 403
    assert (await images.call("PUT", f"{url}/blue", "bert", json={"status": "maybe"})).status_code == 400
    assert (await images.call("PUT", f"{url}/green", "bert", json={"status": "accepted"})).status_code == 404


async def test_members_see_only_themselves(images: ImageCloud) -> None:
    image = await images.image(name="shared")
    url = f"/images/{image['id']}/members"
    for member in ("blue", "green"):
        await images.call("POST", url, json={"member": member})
    listed = (await images.call("GET", url)).json()["members"]
    assert [one["member_id"] for one in listed] == ["blue", "green"]
    seen = (await images.call("GET", url, "bert")).json()["members"]
    assert [one["member_id"] for one in seen] == ["blue"]
    assert (await images.call("GET", f"{url}/green", "bert")).status_code == 404
    assert (await images.call("GET", url, "bert@yellow")).status_code == 404


async def test_private_images_have_no_members(images: ImageCloud) -> None:
    image = await images.image(visibility="private")
    answer = await images.call("POST", f"/images/{image['id']}/members", json={"member": "blue"})
    assert answer.status_code == 403


async def test_members_are_bounded(images: ImageCloud) -> None:
    image = await images.image()
    url = f"/images/{image['id']}/members"
    statuses = [(await images.call("POST", url, json={"member": f"p{n}"})).status_code for n in range(129)]
    assert statuses == [200] * 128 + [413]
