"""policy.yaml: parsed by oslo.policy, turned into plain functions. Loaded only where there is such a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from oslo_policy import _checks, _parser

from kilonova.api.policy_checks import Check, Target, always, never
from kilonova.model.caller import Caller


def compiled(file: Path, defaults: Mapping[str, str]) -> dict[str, Check]:
    """All rules, those of `file` in place of the defaults. Errors: OSError, yaml.YAMLError, ValueError."""
    overrides = yaml.safe_load(file.read_text()) or {}
    if not isinstance(overrides, dict):
        raise ValueError("a policy file maps rule names to checks")
    checks: dict[str, Check] = {}
    for name, text in {**defaults, **overrides}.items():
        checks[name] = _function(_parser.parse_rule(text), checks)
    return checks


def _function(check: Any, rules: Mapping[str, Check]) -> Check:
    if isinstance(check, _checks.TrueCheck):
        return always
    if isinstance(check, _checks.FalseCheck):
        return never
    if isinstance(check, _checks.NotCheck):
        inner = _function(check.rule, rules)
        return lambda caller, target: not inner(caller, target)
    if isinstance(check, _checks.AndCheck):
        every = [_function(rule, rules) for rule in check.rules]
        return lambda caller, target: all(one(caller, target) for one in every)
    if isinstance(check, _checks.OrCheck):
        some = [_function(rule, rules) for rule in check.rules]
        return lambda caller, target: any(one(caller, target) for one in some)
    if isinstance(check, _checks.RuleCheck):
        name = check.match
        # Looked up when it is asked: rules may name later ones.
        return lambda caller, target: rules.get(name, never)(caller, target)
    if isinstance(check, _checks.RoleCheck):
        role = check.match.lower()
        return lambda caller, target: role in caller.roles
    return _comparison(check.kind, check.match)


def _comparison(kind: str, match: str) -> Check:
    """`project_id:%(project_id)s`, `user_id:abc`, `'member':%(role)s`, `is_admin:True`."""

    def compare(caller: Caller, target: Target) -> bool:
        owned = {"project_id": target.project_id, "user_id": target.user_id, "tenant_id": target.project_id}
        try:
            wanted = match % owned
        except KeyError:
            return False
        return _attribute(caller, kind) == wanted

    return compare


def _attribute(caller: Caller, name: str) -> str | None:
    if name[:1] in "'\"":
        return name.strip("'\"")
    if name == "is_admin":
        return str(caller.is_admin)
    if name == "tenant_id":
        name = "project_id"
    value = getattr(caller, name, None)
    return None if value is None else str(value)
