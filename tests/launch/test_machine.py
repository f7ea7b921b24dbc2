"""What `doctor` looks at, on the machine the tests run on."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from kilonova.launch.machine import Finding, examine
from kilonova.launch.packages import Ability, packages


async def findings(state_dir: Path, port: int) -> dict[str, Finding]:
    return {finding.name: finding for finding in await examine(state_dir, port=port)}


async def test_a_taken_port_is_found_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finding = (await findings(tmp_path, port))["port"]

    assert not finding.ok
    assert f"--listen 127.0.0.1:{port + 1}" in finding.mend
    assert (await findings(tmp_path, port))["port"].ok


async def test_a_state_directory_that_is_not_there_yet_is_measured_where_it_will_be(tmp_path: Path) -> None:
    finding = (await findings(tmp_path / "not" / "yet", 0))["disk"]

    assert finding.detail.endswith(f"MiB free at {tmp_path}")


async def test_whatever_is_not_well_comes_with_its_mend_and_nothing_else_does(tmp_path: Path) -> None:
    found = await findings(tmp_path, 0)

    assert {name for name, finding in found.items() if finding.ok == bool(finding.mend)} == set()


async def test_a_tool_is_well_exactly_when_it_is_installed(tmp_path: Path) -> None:
    found = await findings(tmp_path, 0)

    for tool in ("qemu-img", "dnsmasq", "nft"):
        assert found[tool].ok == bool(shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin")), found[tool]


def test_every_list_of_packages_names_some_and_none_twice() -> None:
    names = [name for ability in Ability for name in packages(ability)]

    assert all(packages(ability) for ability in Ability)
    assert len(names) == len(set(names))


@pytest.mark.skipif(shutil.which("apt-cache") is None, reason="only where apt is")
def test_the_distribution_has_every_package() -> None:
    names = [name for ability in Ability for name in packages(ability)]
    known = subprocess.run(["apt-cache", "pkgnames"], capture_output=True, text=True, check=True).stdout.split()

    # Ubuntu has Chromium as a snap only; its tests use the browser that playwright brings.
    assert set(names) - set(known) <= {"chromium"}
