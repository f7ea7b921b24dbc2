"""The quota resources, and which of them a version knows. Source: Nova's quota sets."""

_ALWAYS = ("instances", "cores", "ram", "metadata_items", "key_pairs")
_INJECTED = ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")
_NETWORK = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")
_GROUPS = ("server_groups", "server_group_members")


def of_sets(version: int) -> tuple[str, ...]:
    """Quotas of networks went with the proxies of 2.36, those of file injection with it in 2.57."""
    return (
        *_ALWAYS,
        *(_NETWORK if version < 36 else ()),
        *(_INJECTED if version < 57 else ()),
        *_GROUPS,
    )


def of_classes(version: int) -> tuple[str, ...]:
    return (
        *_ALWAYS,
        *(_NETWORK if version < 50 else _GROUPS),
        *(_INJECTED if version < 57 else ()),
    )
