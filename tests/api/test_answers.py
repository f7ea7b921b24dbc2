"""Answers fit the schemas by which the API describes them, at every version."""

from typing import Any

import jsonschema_rs
import pytest

from kilonova.api.openapi.answers import ANSWERS, FORMS, FREE, answer_of, components, name_of
from kilonova.api.openapi.document import document
from kilonova.api.routes.table import ROUTES
from kilonova.api.version import HIGHEST, LOWEST
from kilonova.bus.local import LocalBus
from tests.api.cloud import Cloud
from tests.api.described import misfits
from tests.api.rows import put_servers
from tests.api.test_samples import SAMPLES, call_for, furnish
from tests.counts import Count


def test_every_operation_that_answers_with_a_body_has_a_form() -> None:
    known = ANSWERS.keys() | FREE.keys()
    assert known == {name_of(route) for route in ROUTES if not route.gone} & known
    silent = {
        name_of(route)
        for route in ROUTES
        if not route.gone and route.method == "GET" and route.success == 200 and answer_of(route, HIGHEST) is None
    }
    assert silent == {"GET /servers/events"}


@pytest.mark.parametrize("version", [LOWEST, 36, 53, 75, HIGHEST])
def test_every_form_is_a_schema_at_every_version(version: int) -> None:
    forms = components(version)
    assert forms.keys() == FORMS.keys()
    for route in ROUTES:
        schema = answer_of(route, version)
        if schema is not None:
            jsonschema_rs.Draft202012Validator({**schema, "components": {"schemas": forms}})


async def test_answers_fit_their_schemas(whole: Cloud, bus: LocalBus, count: Count) -> None:
    ids = await furnish(whole, bus)
    wrong: dict[str, str] = {}
    asked = [sample for sample in SAMPLES if not sample[0].startswith("versions/")]
    for name, version, _ in asked:
        method, path, answer = await call_for(whole, ids, name, version)
        if found := misfits(document(ROUTES, version), method, path, answer):
            wrong[f"{name} at 2.{version}"] = found
    count(len(asked) - len(wrong), len(asked), "answers fit the schemas of the API's description")
    assert wrong == {}


@pytest.mark.parametrize("role", ["member", "admin"])
async def test_servers_fit_their_schemas_at_every_version(cloud: Cloud, role: str) -> None:
    fault: dict[str, Any] = {"code": 500, "message": "m", "details": "d", "created": "2026-01-01T00:00:00.000000"}
    shown, *_ = await put_servers(
        cloud.db, {}, {"vm_state": "error", "fault": fault}, {"host": None, "vm_state": "building", "addresses": {}}
    )
    wrong: dict[str, str] = {}
    for version in range(LOWEST, HIGHEST + 1):
        for path in ("/servers", "/servers/detail", f"/servers/{shown}"):
            answer = await cloud.get(path, role=role, version=f"2.{version}")
            assert answer.status_code == 200, answer.text
            if found := misfits(document(ROUTES, version), "GET", path, answer):
                wrong[f"{path} at 2.{version}"] = found
    assert wrong == {}
