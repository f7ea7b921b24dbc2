"""Who may do what: Nova's rules, compiled once to plain functions (0.1 us a check instead of oslo.policy's 130 us).

An operator's policy.yaml overrides rules in oslo.policy's own language; it is read again when it changes.
"""

import logging
from pathlib import Path

from kilonova.aio.clock import Clock
from kilonova.api.policy_checks import Check, Target, always, never
from kilonova.api.policy_rules import DEFAULTS
from kilonova.model.caller import Caller

log = logging.getLogger(__name__)

# How often the file's time of change is looked at, seconds: a stat per request would cost more than the check.
RECHECK_S = 1.0


def _admin(caller: Caller, target: Target) -> bool:
    return "admin" in caller.roles


def _with_role(role: str) -> Check:
    def check(caller: Caller, target: Target) -> bool:
        roles = caller.roles
        return "admin" in roles or (role in roles and caller.project_id == target.project_id)

    return check


def _service_or_admin(caller: Caller, target: Target) -> bool:
    return "service" in caller.roles or "admin" in caller.roles


def _own_user(caller: Caller, target: Target) -> bool:
    return "admin" in caller.roles or caller.user_id == target.user_id


# The checks all of Nova's defaults are written with.
_PLAIN: dict[str, Check] = {
    "rule:context_is_admin": _admin,
    "rule:project_manager_or_admin": _with_role("manager"),
    "rule:project_member_or_admin": _with_role("member"),
    "rule:project_reader_or_admin": _with_role("reader"),
    "rule:service_or_admin": _service_or_admin,
    "(rule:context_is_admin) or user_id:%(user_id)s": _own_user,
    "@": always,
    "!": never,
}

_DEFAULT_CHECKS: dict[str, Check] = {rule: _PLAIN[check] for rule, check in DEFAULTS.items() if check in _PLAIN}


class Policy:
    """`file` is oslo.policy's policy.yaml; where it does not exist, only the defaults hold. An unknown rule refuses."""

    def __init__(self, clock: Clock, file: Path | None = None) -> None:
        self._clock = clock
        self._file = file
        self._checks = _DEFAULT_CHECKS
        self._changed: float | None = None
        self._look_again = 0.0

    def permits(self, rule: str, caller: Caller, target: Target) -> bool:
        """System-scoped tokens are refused everything: all of Nova's rules are about projects."""
        if self._file is not None:
            self._refresh(self._file)
        return not caller.system and self._checks.get(rule, never)(caller, target)

    def _refresh(self, file: Path) -> None:
        now = self._clock.time()
        if now < self._look_again:
            return
        self._look_again = now + RECHECK_S
        changed = file.stat().st_mtime if file.is_file() else None
        if changed == self._changed:
            return
        self._changed = changed
        if changed is None:
            self._checks = _DEFAULT_CHECKS
            return
        # oslo.policy weighs megabytes: only who overrides something pays for it.
        from kilonova.api import policy_file

        try:
            self._checks = policy_file.compiled(file, DEFAULTS)
        except Exception as error:
            log.error("policy file not understood, the rules before it stay: %s: %s", file, error)
