"""A cloud that runs in the background, and what can be asked about it."""

import json
import re
import stat
import subprocess
from pathlib import Path

import openstack
import pytest
import yaml

from tests.cli.conftest import Up, kilonova


def test_status_names_every_service(cloud: Up) -> None:
    done = kilonova("status", "--state-dir", str(cloud.state), "--json")

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["running"], said["ready"], said["url"], said["driver"]) == (True, True, cloud.url, "simulated")
    wanted = {"identity", "image", "network", "volume", "placement", "scheduler", "conductor", "api", "compute"}
    assert wanted <= said["services"].keys()
    assert set(said["services"].values()) == {"ok"}
    assert cloud.url in kilonova("status", "--state-dir", str(cloud.state)).stdout


def test_a_second_up_on_the_same_directory_says_where_the_first_is(cloud: Up) -> None:
    for words in ([], ["--detach"]):
        done = kilonova("up", "--state-dir", str(cloud.state), *words)

        assert done.returncode == 1
        assert "runs already" in done.stderr
        assert "Traceback" not in done.stderr


def test_credentials_are_their_owners_alone_and_work(cloud: Up) -> None:
    for name in ("clouds.yaml", "openrc", "passwords.json"):
        assert stat.S_IMODE((cloud.state / name).stat().st_mode) == 0o600, name
    clouds = yaml.safe_load((cloud.state / "clouds.yaml").read_text())["clouds"]
    assert {name: entry["auth"]["username"] for name, entry in clouds.items()} == {
        "kilonova": "demo",
        "kilonova-admin": "admin",
    }
    for name, entry in clouds.items():
        connection = openstack.connect(load_yaml_config=False, load_envvars=False, **entry)
        assert connection.current_project.name == clouds[name]["auth"]["project_name"]
        assert {flavor.name for flavor in connection.compute.flavors()} >= {"m1.nano", "m1.large"}


def test_openrc_is_what_a_shell_takes(cloud: Up) -> None:
    words = f". {cloud.state}/openrc && env"
    said = dict(
        line.split("=", 1)
        for line in subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=True).stdout.splitlines()
        if line.startswith("OS_")
    )

    assert said["OS_AUTH_URL"] == f"{cloud.url}/identity/v3"
    assert said["OS_PASSWORD"] == json.loads((cloud.state / "passwords.json").read_text())["demo"]


def test_a_new_cloud_is_furnished(cloud: Up) -> None:
    networks = {one["name"]: one for one in cloud.http.get("/network/v2.0/networks").json()["networks"]}
    assert networks["public"]["router:external"] is True
    assert networks["private"]["subnets"]
    assert [one["name"] for one in cloud.http.get("/network/v2.0/routers").json()["routers"]] == ["router1"]
    groups = cloud.http.get("/network/v2.0/security-groups").json()["security_groups"]
    assert [one["name"] for one in groups] == ["default"]


def test_trace_tells_the_numbered_steps_of_a_create(cloud: Up) -> None:
    server = cloud.server("traced")

    by_name = kilonova("trace", "traced", "--state-dir", str(cloud.state), "--json")
    assert by_name.returncode == 0, by_name.stderr
    said = json.loads(by_name.stdout)
    assert said["server"] == server["id"]
    assert json.loads(kilonova("trace", server["id"], "--state-dir", str(cloud.state), "--json").stdout) == said
    assert {span["trace_id"] for span in said["spans"]} == {said["trace"]}
    hows = {span["kind"] for span in said["spans"]}
    assert {"rest", "call", "cast", "db"} <= hows
    numbers = {int(number) for span in said["spans"] for number in re.findall(r"\d+", span["step"])}
    assert {3, 4, 8, 12, 14, 22} <= numbers
    lines = kilonova("trace", "traced", "--state-dir", str(cloud.state)).stdout.splitlines()
    assert all(" ms " in line for line in lines[:-1])
    assert any("client → api" in line and "POST /v2.1/servers" in line for line in lines)


def test_trace_of_nobody_says_so(cloud: Up) -> None:
    done = kilonova("trace", "nobody", "--state-dir", str(cloud.state))

    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no server nobody" in done.stderr


def figures(cloud: Up) -> dict[str, float]:
    answer = cloud.http.get("/metrics", headers={"X-Auth-Token": ""})
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_metrics_count_what_was_asked_and_what_there_is(cloud: Up) -> None:
    cloud.server("counted")
    before = figures(cloud)
    cloud.http.get("/compute/v2.1/servers")
    cloud.http.request("PROPFIND", "/compute/v2.1/servers")
    after = figures(cloud)

    listed = 'kilonova_requests_total{method="GET",service="api",status="200"}'
    assert after[listed] == before[listed] + 1
    assert any('method="other"' in name for name in after)
    assert not any("PROPFIND" in name for name in after)
    assert after['kilonova_servers{vm_state="active"}'] >= 1
    assert after['kilonova_services{binary="nova-compute",state="up"}'] == 1
    assert after["kilonova_oldest_saga_seconds"] == 0


def test_healthcheck_tells_anybody_and_tells_no_secrets(cloud: Up) -> None:
    answer = cloud.http.get("/healthcheck", headers={"X-Auth-Token": ""})

    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    assert str(cloud.state) not in answer.text


@pytest.mark.parametrize("path", ["/", "/nowhere", "/healthcheckx", "/metricsx"])
def test_the_door_itself_answers_plainly(cloud: Up, path: str) -> None:
    assert cloud.http.get(path).status_code == (200 if path == "/" else 404)


def test_explain_tells_where_a_server_would_go_and_why_not(cloud: Up, tmp_path: Path) -> None:
    there = ("--state-dir", str(cloud.state))
    server_id = cloud.server("explained")["id"]
    asked = ("explain", *there, "--flavor", "m1.nano", "--image", "blank", "--no-network")
    before = cloud.http.get("/compute/v2.1/servers").json()["servers"]

    told = json.loads(kilonova(*asked, "--count", "2", "--json").stdout)
    assert (told["placed"], told["message"]) == (2, None)
    table = kilonova(*asked, "--count", "2")
    assert table.returncode == 0, table.stderr
    assert f"placed 2 of 2: {told['hosts'][0]}" in table.stdout
    assert "ComputeFilter" in table.stdout
    assert "RAM" in table.stdout

    refused = kilonova(*asked, "--host", told["hosts"][0], "--hint", f"different_host={server_id}", "--count", "1")
    assert refused.returncode == 1
    assert "the nearest host, " in refused.stdout
    as_tenant = kilonova(*asked, "--user", "demo").stdout
    assert told["hosts"][0] not in as_tenant

    body = tmp_path / "body.json"
    flavor = cloud.http.get("/compute/v2.1/flavors").json()["flavors"][0]["id"]
    image = cloud.http.get("/image/v2/images", params={"name": "blank"}).json()["images"][0]["id"]
    server = {"name": "filed", "flavorRef": flavor, "imageRef": image, "networks": "none"}
    body.write_text(json.dumps({"server": server}))
    assert kilonova("explain", *there, "--file", str(body)).returncode == 0
    assert kilonova("explain", *there, "explained").returncode == 0
    assert "there is no server nobody" in kilonova("explain", *there, "nobody").stderr
    assert "there are m1.nano" in kilonova("explain", *there).stderr
    assert cloud.http.get("/compute/v2.1/servers").json()["servers"] == before
