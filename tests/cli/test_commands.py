"""Starting, stopping, and being told what is wrong."""

import json
import socket
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import kilonova, up, without_guest_image


def test_what_runs_is_stopped_and_is_the_same_cloud_when_it_comes_back(tmp_path: Path) -> None:
    state = without_guest_image(tmp_path / "state")
    with up(state) as first:
        server = first.server("kept")
        done = kilonova("down", "--state-dir", str(state))
        assert (done.returncode, "stopped" in done.stdout) == (0, True)
        assert kilonova("status", "--state-dir", str(state)).returncode == 1
        with pytest.raises(httpx.ConnectError):
            first.http.get("/")
    passwords = (state / "passwords.json").read_text()
    with up(state) as second:
        assert second.http.get(f"/compute/v2.1/servers/{server['id']}").json()["server"]["status"] == "ACTIVE"
        assert (state / "passwords.json").read_text() == passwords

    assert kilonova("down", "--all", "--state-dir", str(state)).returncode == 0
    assert not state.exists()


def test_no_log_holds_a_consoles_token_or_a_password(tmp_path: Path) -> None:
    state = without_guest_image(tmp_path / "state")
    conf = tmp_path / "nova.conf"
    conf.write_text("[DEFAULT]\ndebug = true\n")
    with up(state, "--config-file", str(conf)) as cloud:
        server = cloud.server("watched")
        asked = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
        path = f"/compute/v2.1/servers/{server['id']}/remote-consoles"
        answer = cloud.http.post(path, json=asked, headers={"OpenStack-API-Version": "compute 2.6"})
        url = answer.json()["remote_console"]["url"]
        token = url.rpartition("%3D")[2]
        cloud.http.get(url)
        handshake = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        # Used up by the first, refused to the second.
        answers = [cloud.http.get(f"/?token={token}", headers=handshake).status_code for _ in range(2)]
        assert answers == [101, 403]
        secrets = {
            token,
            cloud.http.headers["X-Auth-Token"],
            *json.loads((state / "passwords.json").read_text()).values(),
        }
    log = (state / "kilonova.log").read_text()

    assert len(token) == 36
    assert "console refused" in log
    assert [secret for secret in secrets if secret in log] == []


def test_many_simulated_hosts_are_one_word(tmp_path: Path) -> None:
    with up(without_guest_image(tmp_path / "state"), "--hosts", "12") as cloud:
        metrics = cloud.http.get("/metrics").text

    assert 'kilonova_services{binary="nova-compute",state="up"} 12.0' in metrics


@pytest.mark.parametrize("detach", [[], ["--detach"]])
def test_a_taken_port_is_named(tmp_path: Path, detach: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = kilonova("up", *detach, "--state-dir", str(tmp_path / "state"), "--driver", "simulated", "--listen",
                        f"127.0.0.1:{port}")  # fmt: skip

    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr
    assert kilonova("status", "--state-dir", str(tmp_path / "state")).returncode == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up", "--listen", "nowhere"], "--listen wants ADDRESS:PORT"),
        (["up", "--listen", "127.0.0.1:99999"], "65535"),
        (["up", "--hosts", "0"], "hosts"),
        (["up", "--hosts", "10001"], "hosts"),
        (["up", "--config-file", "/nowhere/nova.conf"], "/nowhere/nova.conf"),
        (["serve", "compute", "teapot"], "teapot"),
        (["trace", "one"], "one"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    done = kilonova(*words, "--state-dir", str(tmp_path / "state"))

    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("kilonova: ")


def test_words_that_are_no_command_are_told_with_those_that_are() -> None:
    done = kilonova("dance")

    assert done.returncode == 2
    assert "sample-config" in done.stderr


def test_help_tells_every_command() -> None:
    said = kilonova("--help").stdout

    for command in ("up", "down", "status", "doctor", "trace", "serve", "db", "test"):
        assert f"    {command} " in said


def test_doctor_tells_findings_to_programs(tmp_path: Path) -> None:
    done = kilonova("doctor", "--json", "--state-dir", str(tmp_path))

    findings = json.loads(done.stdout)
    assert {"name", "ok", "detail", "mend"} == set().union(*findings)
    assert done.returncode == (0 if all(one["ok"] for one in findings) else 1)


def test_the_sample_configuration_is_one(tmp_path: Path) -> None:
    sample = kilonova("sample-config")
    assert sample.returncode == 0
    assert "[DEFAULT]" in sample.stdout
    assert "#resize_confirm_window = 0" in sample.stdout
    conf = tmp_path / "nova.conf"
    conf.write_text(sample.stdout)

    upgraded = kilonova("db", "upgrade", "--config-file", str(conf), "--state-dir", str(tmp_path / "state"))

    assert upgraded.returncode == 0, upgraded.stderr
    assert (tmp_path / "state" / "kilonova.db").exists()


def test_down_where_nothing_runs_is_content(tmp_path: Path) -> None:
    done = kilonova("down", "--state-dir", str(tmp_path / "state"))

    assert (done.returncode, done.stdout) == (0, "nothing runs here\n")


def test_conformance_says_plainly_that_it_has_no_facts(tmp_path: Path) -> None:
    done = kilonova("conformance", "--facts", str(tmp_path))
    assert done.returncode == 1
    assert f"no facts in {tmp_path}" in done.stderr
