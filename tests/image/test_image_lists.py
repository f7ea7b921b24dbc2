"""Lists: what is seen, filtered, sorted, in pages."""

import pytest

from tests.image.conftest import ImageCloud


async def test_lists_show_ones_own_and_public_images(images: ImageCloud) -> None:
    await images.image(name="mine", visibility="private")
    await images.image("bert", name="theirs", visibility="private")
    await images.image("bert", name="theirs-shared")
    await images.image("bert", name="community", visibility="community")
    await images.image("admin", name="public", visibility="public")

    assert set(await images.names()) == {"mine", "public"}
    assert set(await images.names("?visibility=community")) == {"community"}
    assert set(await images.names("?visibility=all")) == {"mine", "public", "community"}
    assert set(await images.names("?visibility=private")) == {"mine"}
    assert len(await images.names(who="admin")) == 5


async def test_filters_narrow(images: ImageCloud) -> None:
    await images.active(b"x" * 10, name="a", tags=["t1", "t2"], os_distro="debian")
    await images.active(b"x" * 20, name="b", tags=["t1"], protected=True)
    await images.image(name="c,d", os_hidden=True)
    await images.image(name="c", disk_format="qcow2")

    for query, expected in (
        ("name=a", "a"),
        ("name=in:a,b", "ab"),
        ("status=active", "ab"),
        ("status=in:active,queued", "abc"),
        ("tag=t1", "ab"),
        ("tag=t1&tag=t2", "a"),
        ("size_min=11", "b"),
        ("size_max=11", "a"),
        ("os_distro=debian", "a"),
        ("os_distro=fedora", ""),
        ("protected=true", "b"),
        ("disk_format=qcow2", "c"),
        ("owner=red", "abc"),
        ("owner=blue", ""),
        ("created_at=gt:2001-01-01T00:00:00Z", "abc"),
        ("created_at=lt:2001-01-01T00:00:00Z", ""),
    ):
        assert sorted(await images.names(f"?{query}")) == list(expected), query
    assert await images.names("?os_hidden=true") == ["c,d"]
    assert await images.names('?os_hidden=true&name=in:"c,d",x') == ["c,d"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1", "limit=x", "limit=99999999999999999999", "marker=nothing", "sort=x:asc", "sort=name:up",
        "sort_key=x", "sort_dir=up", "sort=name&sort_key=name", "visibility=x", "member_status=x",
        "size_min=x", "protected=x",
        "created_at=x", "created_at=gt:x", "created_at=foo:2001-01-01", "os_hidden=x", 'name=in:"a',
    ],
)  # fmt: skip
async def test_wrong_parameters_are_refused(images: ImageCloud, query: str) -> None:
    assert (await images.call("GET", f"/images?{query}")).status_code == 400


async def test_an_empty_id_is_no_image_rather_than_the_list(images: ImageCloud) -> None:
    await images.image(name="one")

    assert (await images.call("GET", "/images/")).status_code == 404
    assert await images.names() == ["one"]


async def test_sorting_by_several_keys(images: ImageCloud) -> None:
    for name, disk in (("b", 1), ("a", 2), ("a", 1), ("c", 1)):
        await images.image(name=name, min_disk=disk)
    answer = await images.call("GET", "/images?sort=name:asc,min_disk:desc")
    assert [(one["name"], one["min_disk"]) for one in answer.json()["images"]] == [
        ("a", 2),
        ("a", 1),
        ("b", 1),
        ("c", 1),
    ]
    assert await images.names("?sort_key=name&sort_dir=desc") == ["c", "b", "a", "a"]
    assert await images.names() == ["c", "a", "a", "b"]  # the newest first


async def test_pages_together_are_the_whole_list(images: ImageCloud) -> None:
    for number in range(7):
        await images.image(name=f"n{number % 3}" if number else None, tags=["x"])
    seen: list[str] = []
    link = "/v2/images?limit=2&sort=name:desc&tag=x"
    while link:
        page = (await images.call("GET", link.removeprefix("/v2"))).json()
        seen += [one["id"] for one in page["images"]]
        link = page.get("next", "")
    whole = (await images.call("GET", "/images?sort=name:desc")).json()
    assert "next" not in whole
    assert seen == [one["id"] for one in whole["images"]]
    assert len(seen) == 7


async def test_a_page_costs_three_queries_however_long_it_is(images: ImageCloud) -> None:
    for number in range(30):
        await images.image(name=str(number), tags=["a", "b"], os_distro="x")
    before = images.db.executed
    assert len(await images.names("?limit=30")) == 30
    assert images.db.executed - before == 3
