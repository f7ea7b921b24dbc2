"""Creating, reading, changing and deleting images."""

import uuid

from tests.image.conftest import ImageCloud


async def test_a_new_image_is_queued_and_belongs_to_its_maker(images: ImageCloud) -> None:
    image = await images.image(name="one", os_distro="debian", tags=["b", "a", "b"])

    assert image["status"] == "queued"
    assert image["owner"] == "red"
    assert image["visibility"] == "shared"
    assert image["os_distro"] == "debian"
    assert image["tags"] == ["a", "b"]
    assert image["size"] is None
    assert image["file"] == f"/v2/images/{image['id']}/file"
    assert await images.show(image["id"]) == image


async def test_an_id_can_be_chosen_once(images: ImageCloud) -> None:
    chosen = str(uuid.uuid4())
    assert (await images.image(id=chosen))["id"] == chosen
    assert (await images.call("POST", "/images", json={"id": chosen})).status_code == 409


async def test_what_the_service_sets_nobody_else_may(images: ImageCloud) -> None:
    for body, status in (
        ({"status": "active"}, 403),
        ({"checksum": "0" * 32}, 403),
        ({"locations": []}, 403),
        ({"os_glance_stage_host": "http://x"}, 403),
        ({"owner": "blue"}, 403),
        ({"visibility": "public"}, 403),
        ({"min_ram": -1}, 400),
        ({"min_disk": "1"}, 400),
        ({"disk_format": "floppy"}, 400),
        ({"name": "x" * 256}, 400),
        ({"hw_disk_bus": 5}, 400),
        ({"id": "../../etc/passwd"}, 400),
        ({"": "no name"}, 400),
        ({"tags": ["x" * 256]}, 400),
        ([], 400),
    ):
        answer = await images.call("POST", "/images", json=body)
        assert answer.status_code == status, (body, answer.text)
    assert await images.names() == []


async def test_malformed_bodies_are_the_callers_fault(images: ImageCloud) -> None:
    assert (await images.call("POST", "/images", content=b"{")).status_code == 400
    assert (await images.call("POST", "/images", content=b"\xff")).status_code == 400
    assert (await images.call("POST", "/images", content=b"[" * 100_000)).status_code == 400
    assert (await images.call("POST", "/images", content=b" " * 200_000)).status_code == 413


async def test_readers_and_strangers_do_not_write(images: ImageCloud) -> None:
    assert (await images.call("POST", "/images", "rita", json={})).status_code == 403
    assert (await images.call("POST", "/images", "nobody", json={})).status_code == 401
    image = await images.image("admin", visibility="public")
    assert (await images.patch(image["id"], {"op": "replace", "path": "/name", "value": "x"})).status_code == 403
    assert (await images.call("DELETE", f"/images/{image['id']}")).status_code == 403


async def test_patches_change_whole_attributes(images: ImageCloud) -> None:
    image = await images.image(name="one", os_distro="debian", tags=["a"])
    answer = await images.patch(
        image["id"],
        {"op": "replace", "path": "/name", "value": "two"},
        {"op": "add", "path": "/hw~1odd", "value": "yes"},
        {"op": "remove", "path": "/os_distro"},
        {"op": "replace", "path": "/tags", "value": ["c"]},
        {"op": "replace", "path": "/min_disk", "value": 3},
        {"op": "replace", "path": "/visibility", "value": "community"},
    )

    assert answer.status_code == 200
    changed = await images.show(image["id"])
    assert changed == answer.json()
    assert (changed["name"], changed["hw/odd"], changed["tags"], changed["min_disk"]) == ("two", "yes", ["c"], 3)
    assert changed["visibility"] == "community"
    assert "os_distro" not in changed


async def test_the_old_form_of_patches_is_understood(images: ImageCloud) -> None:
    image = await images.image(name="one")
    kind = {"Content-Type": "application/openstack-images-v2.0-json-patch"}
    body = [{"replace": "/name", "value": "two"}]
    assert (await images.call("PATCH", f"/images/{image['id']}", json=body, headers=kind)).json()["name"] == "two"


async def test_wrong_patches_change_nothing(images: ImageCloud) -> None:
    image = await images.image(name="one")
    for change, status in (
        ({"op": "replace", "path": "/absent", "value": "x"}, 409),
        ({"op": "remove", "path": "/absent"}, 409),
        ({"op": "remove", "path": "/name"}, 403),
        ({"op": "replace", "path": "/status", "value": "active"}, 403),
        ({"op": "replace", "path": "/id", "value": str(uuid.uuid4())}, 403),
        ({"op": "replace", "path": "/owner", "value": "blue"}, 403),
        ({"op": "replace", "path": "/visibility", "value": "public"}, 403),
        ({"op": "add", "path": "/locations/-", "value": {"url": "file:///etc/passwd"}}, 400),
        ({"op": "add", "path": "/locations", "value": []}, 403),
        ({"op": "replace", "path": "/name", "value": 7}, 400),
        ({"op": "replace", "path": "name", "value": "x"}, 400),
        ({"op": "replace", "path": "/name"}, 400),
        ({"op": "move", "path": "/name", "from": "/x"}, 400),
    ):
        answer = await images.patch(image["id"], {"op": "add", "path": "/good", "value": "x"}, change)
        assert answer.status_code == status, (change, answer.text)
    plain = {"Content-Type": "application/json"}
    assert (await images.call("PATCH", f"/images/{image['id']}", json=[], headers=plain)).status_code == 415
    assert await images.show(image["id"]) == image


async def test_the_format_of_bits_is_settled_with_them(images: ImageCloud) -> None:
    image = await images.active()
    answer = await images.patch(image["id"], {"op": "replace", "path": "/disk_format", "value": "qcow2"})
    assert answer.status_code == 403
    assert (await images.show(image["id"]))["disk_format"] == "raw"


async def test_protected_images_stay(images: ImageCloud) -> None:
    image = await images.active(protected=True)
    answer = await images.call("DELETE", f"/images/{image['id']}")
    assert answer.status_code == 403
    assert answer.json()["message"] == f"Image {image['id']} is protected and cannot be deleted."

    await images.patch(image["id"], {"op": "replace", "path": "/protected", "value": False})
    assert (await images.call("DELETE", f"/images/{image['id']}")).status_code == 204
    assert (await images.call("GET", f"/images/{image['id']}")).status_code == 404
    assert images.files() == []


async def test_tags_come_and_go_one_by_one(images: ImageCloud) -> None:
    image = await images.image()
    url = f"/images/{image['id']}/tags"
    assert (await images.call("PUT", f"{url}/gold")).status_code == 204
    assert (await images.call("PUT", f"{url}/gold")).status_code == 204
    assert (await images.show(image["id"]))["tags"] == ["gold"]
    assert (await images.call("DELETE", f"{url}/gold")).status_code == 204
    assert (await images.call("DELETE", f"{url}/gold")).status_code == 404
    assert (await images.call("PUT", f"{url}/{'x' * 300}")).status_code == 413


async def test_errors_are_pages_unless_json_is_preferred(images: ImageCloud) -> None:
    page = await images.call("GET", "/images/<b>", headers={"Accept": "*/*"})
    assert page.status_code == 404
    assert "<title>404 Not Found</title>" in page.text
    assert "<b>" not in page.text
    assert (await images.call("GET", "/images/x")).json()["message"] == "No image found with ID x"
    assert (await images.call("GET", "/nothing")).status_code == 404


async def test_version_documents_need_no_token(images: ImageCloud) -> None:
    for path, status in (("/image/", 300), ("/image/versions", 200), ("/image/v2/", 300), ("/image/v2", 300)):
        answer = await images.http.get(path)
        assert answer.status_code == status
        current = answer.json()["versions"][0]
        assert current["status"] == "CURRENT"
        assert current["links"] == [{"rel": "self", "href": "http://cloud/image/v2/"}]


async def test_imports_are_truthfully_absent(images: ImageCloud) -> None:
    answer = await images.call("GET", "/info/import")
    assert answer.json()["import-methods"]["value"] == []
    assert (await images.call("GET", "/info/stores")).status_code == 404
    image = await images.image()
    body = {"method": {"name": "web-download", "uri": "http://127.0.0.1/"}}
    assert (await images.call("POST", f"/images/{image['id']}/import", json=body)).status_code == 400


async def test_schemas_are_served(images: ImageCloud) -> None:
    for name in ("image", "images", "member", "members"):
        assert (await images.call("GET", f"/schemas/{name}")).json()["name"] == name
