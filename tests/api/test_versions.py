"""Version documents and the negotiation of microversions."""

import pytest

from tests.api.cloud import PROJECT, Cloud


async def test_the_root_lists_both_versions_without_a_token(cloud: Cloud) -> None:
    answer = await cloud.client.get("/compute/")
    assert answer.status_code == 200
    versions = {version["id"]: version for version in answer.json()["versions"]}
    assert versions["v2.1"]["version"] == "2.104"
    assert versions["v2.1"]["min_version"] == "2.1"
    assert versions["v2.0"]["version"] == ""
    assert versions["v2.1"]["links"] == [{"rel": "self", "href": "http://cloud.example/compute/v2.1/"}]
    assert "openstack-api-version" not in answer.headers


async def test_anything_else_unversioned_answers_with_choices(cloud: Cloud) -> None:
    answer = await cloud.client.get("/compute/servers")
    assert answer.status_code == 300
    assert [choice["id"] for choice in answer.json()["choices"]] == ["v2.0", "v2.1"]
    assert set(answer.json()["choices"][0]) == {"id", "status", "links", "media-types"}


@pytest.mark.parametrize(
    ("path", "identifier"), [("/v2.1", "v2.1"), ("/v2.1/", "v2.1"), ("/v2", "v2.0"), ("/v2/", "v2.0")]
)
async def test_each_version_describes_itself_without_a_token(cloud: Cloud, path: str, identifier: str) -> None:
    answer = await cloud.client.get(f"/compute{path}")
    assert answer.status_code == 200
    version = answer.json()["version"]
    assert version["id"] == identifier
    assert [link["rel"] for link in version["links"]] == ["self", "describedby"]
    assert set(version) == {"id", "status", "version", "min_version", "updated", "links", "media-types"}


async def test_the_project_s_root_needs_a_token(cloud: Cloud) -> None:
    bare = await cloud.client.get(f"/compute/v2.1/{PROJECT}/")
    assert bare.status_code == 401
    assert bare.headers["www-authenticate"].startswith("Keystone uri=")
    assert (await cloud.get(f"/{PROJECT}/")).json()["version"]["id"] == "v2.1"


@pytest.mark.parametrize(
    ("headers", "served"),
    [
        ({}, "2.1"),
        ({"OpenStack-API-Version": "compute 2.61"}, "2.61"),
        ({"OpenStack-API-Version": "volume 3.7, compute 2.61"}, "2.61"),
        ({"OpenStack-API-Version": "volume 3.7"}, "2.1"),
        ({"X-OpenStack-Nova-API-Version": "2.55"}, "2.55"),
        ({"OpenStack-API-Version": "compute 2.3", "X-OpenStack-Nova-API-Version": "2.55"}, "2.3"),
        ({"OpenStack-API-Version": "compute latest"}, "2.104"),
    ],
)
async def test_the_version_served_is_told_in_both_headers(cloud: Cloud, headers: dict[str, str], served: str) -> None:
    answer = await cloud.client.get("/compute/v2.1/flavors", headers={"X-Auth-Token": "member", **headers})
    assert answer.status_code == 200
    assert answer.headers["openstack-api-version"] == f"compute {served}"
    assert answer.headers["x-openstack-nova-api-version"] == served
    assert answer.headers.get_list("vary") == ["OpenStack-API-Version", "X-OpenStack-Nova-API-Version"]


@pytest.mark.parametrize("asked", ["2.105", "2.0", "3.1", "1.1", "2.999"])
async def test_a_version_out_of_range_is_not_acceptable_and_echoed(cloud: Cloud, asked: str) -> None:
    answer = await cloud.get("/flavors", version=asked)
    assert answer.status_code == 406
    assert answer.json()["computeFault"] == {
        "code": 406,
        "message": f"Version {asked} is not supported by the API. Minimum is 2.1 and maximum is 2.104.",
    }
    assert answer.headers["openstack-api-version"] == f"compute {asked}"
    assert answer.headers["x-openstack-nova-api-version"] == asked


@pytest.mark.parametrize("asked", ["2", "two", "2.01", "02.1", "2.1.1", "-2.1"])
async def test_a_malformed_version_is_a_bad_request(cloud: Cloud, asked: str) -> None:
    answer = await cloud.get("/flavors", version=asked)
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["code"] == 400


async def test_the_old_api_ignores_version_headers(cloud: Cloud) -> None:
    cloud.base = "/compute/v2"
    answer = await cloud.get("/flavors/1", version="2.999")
    assert answer.status_code == 200
    assert answer.json()["flavor"]["swap"] == ""
    assert "openstack-api-version" not in answer.headers
