"""The API describes itself: a valid OpenAPI 3.1 document of each microversion, and a page that is up to date."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from openapi_spec_validator import validate

from kilonova.api.openapi.document import document
from kilonova.api.openapi.page import page
from kilonova.api.routes.table import ROUTES
from kilonova.api.version import HIGHEST, LOWEST
from tests.api.cloud import Cloud

EVERY_VERSION = range(LOWEST, HIGHEST + 1)
PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield method, path, operation


# The validator takes half a second for each: the ends of the range, and where much begins or ends.
@pytest.mark.parametrize("version", [1, 36, 75, HIGHEST])
def test_it_is_a_valid_openapi_document(version: int) -> None:
    validate(msgspec.json.decode(msgspec.json.encode(document(ROUTES, version))))


def test_at_every_version_it_tells_of_what_the_router_serves_and_of_nothing_else() -> None:
    for version in EVERY_VERSION:
        told = {(method.upper(), path) for method, path, _ in operations(document(ROUTES, version))}
        served = {(route.method, route.path) for route in ROUTES if not route.gone and route.serves(version)}
        assert told == served, version


def test_at_every_version_operations_have_names_of_their_own_and_the_parameters_of_their_paths() -> None:
    for version in EVERY_VERSION:
        described = document(ROUTES, version)
        names = [operation["operationId"] for _, _, operation in operations(described)]
        assert len(names) == len(set(names)), version
        for path, methods in described["paths"].items():
            wanted = re.findall(r"\{([^}]+)\}", path)
            assert [one["name"] for one in methods.get("parameters", [])] == wanted, path


def test_every_reference_is_to_something_that_is_there() -> None:
    described = document(ROUTES, HIGHEST)
    for reference in set(re.findall(rb'"\$ref":"#/([^"]+)"', msgspec.json.encode(described))):
        found: Any = described
        for part in reference.decode().split("/"):
            found = found[part]
        assert found


@pytest.mark.parametrize("version", [LOWEST, HIGHEST])
def test_every_body_is_a_json_schema(version: int) -> None:
    bodies = [
        operation["requestBody"]
        for *_, operation in operations(document(ROUTES, version))
        if "requestBody" in operation
    ]
    assert bodies
    for body in bodies:
        jsonschema.Draft202012Validator.check_schema(body["content"]["application/json"]["schema"])


def test_each_action_of_a_server_has_a_body_and_a_rule_of_its_own() -> None:
    action = document(ROUTES, HIGHEST)["paths"]["/servers/{server_id}/action"]["post"]
    named = {one["title"] for one in action["requestBody"]["content"]["application/json"]["schema"]["oneOf"]}
    served = {
        route.action for route in ROUTES if route.path.endswith("{server_id}/action") and route.serves(HIGHEST)
    } - {route.action for route in ROUTES if route.gone}
    assert named == served
    assert "`os_compute_api:servers:resize`" in action["description"]


async def test_it_is_served_to_anybody_at_the_version_asked_for(cloud: Cloud) -> None:
    answer = await cloud.client.get("/compute/v2.1/openapi.json?version=2.36")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    shown = answer.json()
    assert shown["info"]["version"] == "2.36"
    assert shown["servers"] == [{"url": "http://cloud.example/compute/v2.1"}]
    assert "/images" not in shown["paths"]
    assert "/images" in (await cloud.client.get("/compute/v2.1/openapi.json")).json()["paths"]
    by_header = await cloud.get("/openapi.json", version="2.90")
    assert by_header.json()["info"]["version"] == "2.90"


@pytest.mark.parametrize(("asked", "status"), [("2.105", 406), ("two", 400), ("3.1", 406)])
async def test_a_version_that_is_not_there_has_no_document(cloud: Cloud, asked: str, status: int) -> None:
    assert (await cloud.client.get(f"/compute/v2.1/openapi.json?version={asked}")).status_code == status


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(ROUTES), "make it anew: ./kilonova openapi --page >docs/api.md"
