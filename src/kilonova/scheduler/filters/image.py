"""ImagePropertiesFilter and IsolatedHostsFilter."""

import re

from kilonova.scheduler.filters.filter import HostFilter, ProfileFilter
from kilonova.scheduler.host import HostState, Profile
from kilonova.scheduler.request import Request
from kilonova.scheduler.verdict import PASS, Verdict, reject

# Names images may use for one and the same architecture, as in Nova's arch canonicalisation.
_SAME = {"amd64": "x86_64", "x64": "x86_64", "i386": "i686", "i486": "i686", "i586": "i686", "arm64": "aarch64"}
_CONDITION = re.compile(r"\s*(?P<sign>==|=|!=|>=|<=|>|<)?\s*(?P<version>[0-9.]+)\s*")


def judge_properties(profile: Profile, request: Request) -> Verdict:
    properties = request.spec.image_properties
    architecture = properties.get("hw_architecture") or request.settings.image_properties_default_architecture
    kind = properties.get("img_hv_type")
    mode = properties.get("hw_vm_mode")
    if (architecture or kind or mode) and not any(
        (not architecture or _plain(architecture) == one)
        and (not kind or kind.lower() == other)
        and (not mode or mode.lower() == another)
        for one, other, another in profile.supported
    ):
        return reject(f"cannot run {' '.join(word for word in (architecture, kind, mode) if word)} guests")
    wanted = properties.get("img_hv_requested_version")
    if wanted and not version_fits(profile.hypervisor_version, wanted):
        return reject(f"hypervisor version is not {wanted}")
    return PASS


def _plain(architecture: str) -> str:
    return _SAME.get(architecture.lower(), architecture.lower())


def version_fits(version: int, wanted: str) -> bool:
    """`version` is libvirt's way of one number (8002000 is 8.2.0); `wanted` is like `>=6.0, <7.2`."""
    have = (version // 1_000_000, version // 1000 % 1000, version % 1000)
    for part in wanted.split(","):
        condition = _CONDITION.fullmatch(part)
        if condition is None:
            return False
        numbers = [int(number) for number in condition["version"].split(".") if number]
        asked = tuple([*numbers, 0, 0, 0][:3])
        fits = {
            "==": have == asked,
            "=": have == asked,
            "!=": have != asked,
            ">=": have >= asked,
            "<=": have <= asked,
            ">": have > asked,
            "<": have < asked,
        }
        if not fits[condition["sign"] or "=="]:
            return False
    return True


def judge_isolation(host: HostState, request: Request) -> Verdict:
    """Listed images only on listed hosts, and nothing else there unless that is allowed."""
    settings = request.settings
    special_image = request.spec.image_id in settings.isolated_images
    special_host = host.name in settings.isolated_hosts
    if special_image and not special_host:
        return reject("not kept for this image")
    if special_host and not special_image and settings.restrict_isolated_hosts_to_isolated_images:
        return reject("kept for other images")
    return PASS


IMAGE_PROPERTIES = ProfileFilter(name="ImagePropertiesFilter", judge=judge_properties, on_rebuild=True)
ISOLATED_HOSTS = HostFilter(
    name="IsolatedHostsFilter",
    judge=judge_isolation,
    applies=lambda request: bool(request.settings.isolated_images or request.settings.isolated_hosts),
    on_rebuild=True,
)
