"""The keys that make and read tokens."""

from pathlib import Path

import pytest

from kilonova.identity.keys import KeyRing
from tests.identity.conftest import IdentityCloud


def modes(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir() if path.is_file()}


def test_keys_are_made_once_and_are_for_nobody_else_to_read(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    ring.ensure()
    before = {name: (tmp_path / "keys" / name).read_bytes() for name in ("0", "1")}
    ring.ensure()

    assert modes(tmp_path / "keys") == {"0": 0o600, "1": 0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {name: (tmp_path / "keys" / name).read_bytes() for name in ("0", "1")} == before


def test_rotation_makes_the_staged_key_primary_and_drops_the_oldest(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path, max_active=3)
    ring.ensure()
    staged = (tmp_path / "0").read_bytes()
    ring.rotate()
    assert sorted(modes(tmp_path)) == ["0", "1", "2"]
    assert (tmp_path / "2").read_bytes() == staged
    assert (tmp_path / "0").read_bytes() != staged
    ring.rotate()
    assert sorted(modes(tmp_path)) == ["0", "2", "3"]


def test_another_process_reads_what_the_new_primary_sealed_and_the_old_until_it_is_dropped(tmp_path: Path) -> None:
    ours, theirs = KeyRing(tmp_path), KeyRing(tmp_path)
    ours.ensure()
    old = ours.seal(b"old", at=0)
    assert theirs.open(old) == b"old"

    ours.rotate()
    assert theirs.open(ours.seal(b"new", at=0)) == b"new"
    assert theirs.open(old) == b"old"
    ours.rotate()
    assert theirs.open(old) is None


def test_a_key_file_that_others_can_read_is_closed(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    ring.ensure()
    (tmp_path / "1").chmod(0o644)

    ring.seal(b"x", at=0)
    assert modes(tmp_path)["1"] == 0o600


@pytest.mark.parametrize("rotations", [1, 2])
async def test_tokens_live_through_one_rotation_and_no_more_than_the_kept_keys(
    cloud: IdentityCloud, rotations: int
) -> None:
    token = await cloud.token("demo", "demo")
    for _ in range(rotations):
        cloud.service.keys.rotate()

    assert (await cloud.validate(token)).status_code == (200 if rotations == 1 else 401)
    assert (await cloud.login("demo", "demo")).status_code == 201
