"""The clients people have, unmodified, over a socket."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import openstack
import pytest
from keystoneauth1 import exceptions, session
from keystoneauth1.identity import v3

from tests.identity.conftest import IdentityCloud


def connection(auth_url: str, name: str, project: str) -> Any:
    return openstack.connect(
        auth_url=auth_url,
        username=name,
        password=f"{name}-secret",
        project_name=project,
        user_domain_id="default",
        project_domain_id="default",
        region_name="RegionOne",
        identity_api_version="3",
    )


def cycle(auth_url: str) -> tuple[list[str], list[str], str]:
    """As an administrator does it with openstacksdk: a project, a user, a role, and the user's own log-in."""
    admin = connection(auth_url, "admin", "admin")
    project = admin.identity.create_project(name="garden", domain_id="default")
    user = admin.identity.create_user(name="eva", password="eva-secret", domain_id="default")
    role = admin.identity.find_role("member")
    admin.identity.assign_project_role_to_user(project, user, role)
    eva = connection(auth_url, "eva", "garden")
    roles = [one["name"] for one in eva.session.auth.get_access(eva.session)._data["token"]["roles"]]
    credential = eva.identity.create_application_credential(user=user.id, name="robot")
    robot = openstack.connect(
        auth_url=auth_url,
        auth_type="v3applicationcredential",
        application_credential_id=credential.id,
        application_credential_secret=credential.secret,
    )
    projects = [one["name"] for one in robot.identity.get(f"/users/{user.id}/projects").json()["projects"]]
    endpoint = str(robot.compute.get_endpoint())
    admin.identity.delete_user(user)
    admin.identity.delete_project(project)
    return roles, projects, endpoint


async def test_openstacksdk_makes_projects_users_and_credentials(auth_url: str) -> None:
    roles, projects, endpoint = await asyncio.to_thread(cycle, auth_url)

    assert roles == ["member", "reader"]
    assert projects == ["garden"]
    assert endpoint == auth_url.replace("/identity", "/compute/v2.1")


async def test_keystoneauth_finds_v3_and_tells_a_wrong_password(auth_url: str) -> None:
    def log_in(password: str) -> str:
        auth = v3.Password(auth_url, username="demo", password=password, user_domain_id="default")
        found = session.Session(auth=auth).get_endpoint(service_type="identity", auth_url=auth_url)
        return str(found)

    with pytest.raises(exceptions.Unauthorized):
        await asyncio.to_thread(log_in, "wrong")


async def test_the_openstack_client_works(cloud: IdentityCloud, auth_url: str, tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OS_")},
        **{"OS_AUTH_URL": auth_url, "OS_USERNAME": "admin", "OS_PASSWORD": "admin-secret", "OS_PROJECT_NAME": "admin"},
        **{"OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default", "OS_IDENTITY_API_VERSION": "3"},
        "HOME": str(tmp_path),
    }

    async def client(*words: str) -> str:
        command = [str(Path(sys.executable).with_name("openstack")), *words]
        done = await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert len((await client("token", "issue", "-f", "value", "-c", "id")).strip()) > 100
    assert "placement" in await client("catalog", "list", "-f", "value", "-c", "Type")
    await client("user", "create", "--project", "demo", "--password", "eva-secret", "eva")
    await client("role", "add", "--user", "eva", "--project", "demo", "member")
    shown = await client("role", "assignment", "list", "--names", "--user", "eva", "-f", "value")
    assert shown.split()[:2] == ["member", "eva@Default"]
    assert (await cloud.login("eva", "demo")).status_code == 201
