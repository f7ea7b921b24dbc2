"""Policy: Nova's rules by role, and an operator's own file over them."""

import os
from pathlib import Path

import pytest

from kilonova.api.policy import Policy
from kilonova.api.policy_checks import Target
from kilonova.api.policy_rules import DEFAULTS
from kilonova.model.caller import Caller
from kilonova.model.time import Timestamp, stamp_of_unix
from tests.api.cloud import OTHER_PROJECT, PROJECT, caller


class Clock:
    """Moves only when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def time(self) -> float:
        return self.seconds

    def now(self) -> Timestamp:
        return stamp_of_unix(self.seconds)

    def after(self, seconds: float) -> Timestamp:
        return stamp_of_unix(self.seconds + seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


OWN = Target(PROJECT, "user-member")


def test_there_are_nova_s_214_rules() -> None:
    assert len(DEFAULTS) == 214


@pytest.mark.parametrize(
    ("rule", "passing"),
    [
        ("os_compute_api:servers:show", {"reader", "member", "manager", "admin"}),
        ("os_compute_api:servers:create", {"member", "manager", "admin"}),
        ("os_compute_api:os-migrate-server:migrate", {"manager", "admin"}),
        ("os_compute_api:os-flavor-manage:create", {"admin"}),
        ("os_compute_api:os-server-external-events:create", {"admin", "service"}),
        ("os_compute_api:limits", {"nobody", "reader", "member", "manager", "admin", "service"}),
        ("compute:servers:resize:cross_cell", set()),
        ("os_compute_api:no-such-rule", set()),
    ],
)
def test_who_passes_by_role(rule: str, passing: set[str]) -> None:
    policy = Policy(Clock())
    roles = ("nobody", "reader", "member", "manager", "admin", "service")
    assert {role for role in roles if policy.permits(rule, caller(role), OWN)} == passing


def test_another_project_s_thing_is_for_admins_only() -> None:
    policy = Policy(Clock())
    theirs = Target(OTHER_PROJECT, "somebody")
    assert not policy.permits("os_compute_api:servers:show", caller("manager"), theirs)
    assert policy.permits("os_compute_api:servers:show", caller("admin"), theirs)


def test_a_key_pair_is_its_user_s() -> None:
    policy = Policy(Clock())
    assert policy.permits("os_compute_api:os-keypairs:show", caller("reader"), Target("", "user-reader"))
    assert not policy.permits("os_compute_api:os-keypairs:show", caller("manager"), Target("", "user-reader"))


def test_a_system_scoped_token_is_refused() -> None:
    somebody = caller("admin")
    system = Caller(
        user_id=somebody.user_id, user_name="a", roles=somebody.roles, system=True, expires_at=somebody.expires_at,
        token="t",
    )  # fmt: skip
    assert not Policy(Clock()).permits("os_compute_api:servers:show", system, OWN)


def test_a_policy_file_overrides_and_is_read_again_when_it_changes(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "policy.yaml"
    policy = Policy(clock, file)
    create, reader = "os_compute_api:servers:create", caller("reader")
    assert not policy.permits(create, reader, OWN)

    file.write_text(f'"{create}": "role:reader and project_id:%(project_id)s"\n"mine": "not role:reader or !"\n')
    clock.seconds += 2
    assert policy.permits(create, reader, OWN)
    assert not policy.permits(create, reader, Target(OTHER_PROJECT, ""))
    assert policy.permits("mine", caller("nobody"), OWN)
    assert policy.permits("os_compute_api:servers:show", reader, OWN)

    file.write_text(f'"{create}": "rule:nonsense"\n')
    os.utime(file, (1, 1))
    clock.seconds += 2
    assert not policy.permits(create, reader, OWN)

    file.write_text("][")
    os.utime(file, (2, 2))
    clock.seconds += 2
    assert not policy.permits(create, reader, OWN)

    file.unlink()
    clock.seconds += 2
    assert policy.permits(create, caller("member"), OWN)
