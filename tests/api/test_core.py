"""What holds for every call: faults, request ids, project ids in URLs, links, bodies, query strings."""

import re

import pytest

from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud


async def test_every_answer_bears_a_request_id_and_never_the_caller_s(cloud: Cloud) -> None:
    for path in ("/flavors", "/flavors/nope", "/nowhere"):
        answer = await cloud.get(path, headers={"X-OpenStack-Request-ID": "req-" + "1" * 36})
        request_id = answer.headers["x-openstack-request-id"]
        assert re.fullmatch(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id)
        assert answer.headers["x-compute-request-id"] == request_id


async def test_a_thing_not_there_is_a_fault_with_nova_s_key(cloud: Cloud) -> None:
    answer = await cloud.get("/flavors/nope")
    assert answer.status_code == 404
    assert answer.json() == {"itemNotFound": {"code": 404, "message": "Flavor nope could not be found."}}
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("PATCH", "/flavors"), ("DELETE", "/flavors")])
async def test_a_url_or_method_without_a_route_is_a_plain_404(cloud: Cloud, method: str, path: str) -> None:
    answer = await cloud.call(method, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")


async def test_success_is_exactly_application_json(cloud: Cloud) -> None:
    assert (await cloud.get("/flavors")).headers["content-type"] == "application/json"


async def test_no_token_is_answered_as_keystonemiddleware_does(cloud: Cloud) -> None:
    answer = await cloud.client.get("/compute/v2.1/flavors")
    assert answer.status_code == 401
    assert answer.json()["error"]["title"] == "Unauthorized"


async def test_the_project_may_stand_in_the_url_and_then_stands_in_links(cloud: Cloud) -> None:
    plain = (await cloud.get("/flavors/1")).json()["flavor"]["links"]
    assert plain[0] == {"rel": "self", "href": "http://cloud.example/compute/v2.1/flavors/1"}
    assert plain[1] == {"rel": "bookmark", "href": "http://cloud.example/compute/flavors/1"}
    named = (await cloud.get(f"/{PROJECT}/flavors/1")).json()["flavor"]["links"]
    assert named[0]["href"] == f"http://cloud.example/compute/v2.1/{PROJECT}/flavors/1"
    assert named[1]["href"] == f"http://cloud.example/compute/{PROJECT}/flavors/1"


async def test_another_project_in_the_url_is_a_bad_request(cloud: Cloud) -> None:
    answer = await cloud.get(f"/{OTHER_PROJECT}/flavors")
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"] == (
        f"Malformed request URL: URL's project_id '{OTHER_PROJECT}' doesn't match Context's project_id '{PROJECT}'"
    )


async def test_what_is_gone_answers_410_at_every_version(cloud: Cloud) -> None:
    for version in ("2.1", "2.104"):
        answer = await cloud.get("/os-cells", version=version)
        assert answer.status_code == 410
        assert answer.json()["computeFault"]["code"] == 410


async def test_unknown_query_parameters_are_dropped_below_2_75_and_refused_from_there(cloud: Cloud) -> None:
    assert (await cloud.get("/flavors?colour=red", version="2.74")).status_code == 200
    answer = await cloud.get("/flavors?colour=red", version="2.75")
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"] == ("Additional properties are not allowed ('colour' was unexpected)")


async def test_a_page_that_is_exactly_full_has_a_next_link(cloud: Cloud) -> None:
    answer = (await cloud.get("/flavors?limit=2&minDisk=0")).json()
    assert [flavor["id"] for flavor in answer["flavors"]] == ["1", "2"]
    (link,) = answer["flavors_links"]
    assert link == {"rel": "next", "href": "http://cloud.example/compute/v2.1/flavors?limit=2&marker=2&minDisk=0"}
    last = (await cloud.get("/flavors?limit=2&marker=2")).json()
    assert [flavor["id"] for flavor in last["flavors"]] == ["3"]
    assert "flavors_links" not in last


async def test_an_unknown_marker_is_a_bad_request(cloud: Cloud) -> None:
    answer = await cloud.get("/flavors?marker=nope")
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"] == "marker [nope] not found"


async def test_a_bad_limit_is_told_in_nova_s_words(cloud: Cloud) -> None:
    answer = await cloud.get("/flavors?limit=-1")
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"] == (
        "Invalid input for query parameters limit. Value: -1. '-1' does not match '^[0-9]*$'"
    )
