"""`conformance` gives a rig a cloud, and takes the rig's word for how it went."""

import sys
from pathlib import Path

import pytest

from kilonova.cli.conformance import run_rig

_SETUP = 'mkdir -p "$CONF_ROOT/clients/bin" && ln -s /bin/true "$CONF_ROOT/clients/bin/python"\n'
_SCRIPT = f"""
test -x "$CONF_ROOT/clients/bin/python" && grep -q "^  $OS_CLOUD:" "$1" || exit 1
url=$(sed -n 's/ *auth_url: //p' "$1" | head -1)
"{sys.executable}" -c 'import httpx, sys; print(httpx.get(sys.argv[1], trust_env=False).text)' "$url" \\
    | grep -q stable && echo "clients: 1 passed, 0 failed"
"""


def rigs_of(folder: Path, *, setup: str) -> Path:
    (folder / "clients").mkdir(parents=True)
    (folder / "setup.sh").write_text(setup)
    (folder / "clients" / "smoke.sh").write_text(_SCRIPT)
    return folder


def test_a_rig_is_installed_where_it_is_missing_and_reaches_a_cloud_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONF_ROOT", str(tmp_path / "installed"))
    rigs = rigs_of(tmp_path / "rigs", setup=_SETUP)

    assert run_rig(rigs, "clients", "smoke.sh", driver="simulated")
    assert "clients: 1 passed, 0 failed" in capfd.readouterr().out


def test_a_rig_that_cannot_be_installed_has_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONF_ROOT", str(tmp_path / "installed"))
    assert not run_rig(rigs_of(tmp_path / "rigs", setup="exit 1\n"), "clients", "smoke.sh", driver="simulated")
