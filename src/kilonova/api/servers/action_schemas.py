"""Bodies of the calls on one server, by version. Source: Nova's schemas."""

from typing import Any

from kilonova.api import parameters as p
from kilonova.api.parameters import Schema
from kilonova.api.servers import body as b
from kilonova.api.validation import Query, Schemas

_NULLABLE_NAME: Schema = {"oneOf": [p.name, {"type": "null"}]}
_NULLABLE_USER_DATA: Schema = {"oneOf": [b.user_data, {"type": "null"}]}
_TEXT: Schema = {"type": "string"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_NUMBER: Schema = {"type": "string", "pattern": "^[0-9]*$"}


def ignored(action: str) -> Schemas:
    """The action's value may be anything."""
    return Schemas.every(p.only(action, {}))


def _update(version: int) -> Schema:
    server: dict[str, Any] = {
        "name": p.name,
        "OS-DCF:diskConfig": p.disk_config,
        "accessIPv4": b.access_ipv4,
        "accessIPv6": b.access_ipv6,
    }
    if version >= 19:
        server["description"] = p.description
    if version >= 90:
        server["hostname"] = b.hostname if version < 94 else b.fqdn
    if version >= 104:
        server["pinned_availability_zone"] = _NULLABLE_NAME
    return p.body("server", server)


def _rebuild(version: int) -> Schema:
    rebuild: dict[str, Any] = {
        "name": p.name,
        "imageRef": p.uuid,
        "adminPass": p.admin_password,
        "metadata": p.metadata,
        "preserve_ephemeral": p.boolean,
        "OS-DCF:diskConfig": p.disk_config,
        "accessIPv4": b.access_ipv4,
        "accessIPv6": b.access_ipv6,
    }
    if version < 57:
        rebuild["personality"] = b.personality
    else:
        rebuild["user_data"] = _NULLABLE_USER_DATA
    if version >= 19:
        rebuild["description"] = p.description
    if version >= 54:
        rebuild["key_name"] = _NULLABLE_NAME
    if version >= 63:
        rebuild["trusted_image_certificates"] = b.trusted_certificates
    if version >= 90:
        rebuild["hostname"] = b.hostname if version < 94 else b.fqdn
    return p.body("rebuild", rebuild, ("imageRef",))


UPDATE = Schemas(*((since, _update(since)) for since in (1, 19, 90, 94, 104)))
REBUILD = Schemas(*((since, _rebuild(since)) for since in (1, 19, 54, 57, 63, 90, 94)))
RESIZE = Schemas.every(
    p.body("resize", {"flavorRef": p.flavor_ref, "OS-DCF:diskConfig": p.disk_config}, ("flavorRef",))
)
_TARGET: Schema = {"oneOf": [p.host, {"type": "null"}]}
MIGRATE = Schemas(
    (1, p.only("migrate", {})),
    (
        56,
        p.only(
            "migrate",
            {
                "type": ["object", "null"],
                "properties": {"host": _TARGET},
                "required": ["host"],
                "additionalProperties": False,
            },
        ),
    ),
)


def _migrate_live(version: int) -> Schema:
    block: Schema = p.boolean if version < 25 else {**p.boolean, "enum": [*p.boolean["enum"], "auto"]}
    properties: dict[str, Any] = {"host": _TARGET, "block_migration": block}
    required = ["host", "block_migration"]
    if version < 25:
        properties["disk_over_commit"] = p.boolean
        required.append("disk_over_commit")
    if 30 <= version < 68:
        properties["force"] = p.boolean
    return p.body("os-migrateLive", properties, tuple(required))


MIGRATE_LIVE = Schemas(*((since, _migrate_live(since)) for since in (1, 25, 30, 68)))


def _evacuate(version: int) -> Schema:
    properties: dict[str, Any] = {"host": p.host}
    if version < 95:
        properties["adminPass"] = p.admin_password
    if version < 14:
        properties["onSharedStorage"] = p.boolean
    if 29 <= version < 68:
        properties["force"] = p.boolean
    return p.body("evacuate", properties, ("onSharedStorage",) if version < 14 else ())


EVACUATE = Schemas(*((since, _evacuate(since)) for since in (1, 14, 29, 68, 95)))
CREATE_BACKUP = Schemas.every(
    p.body(
        "createBackup",
        {"name": p.name, "backup_type": {"type": "string"}, "rotation": p.integer(0), "metadata": p.metadata},
        ("name", "backup_type", "rotation"),
    )
)
REBOOT = Schemas.every(
    p.body("reboot", {"type": {"type": "string", "enum": ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]}}, ("type",))
)
CREATE_IMAGE = Schemas.every(p.body("createImage", {"name": p.name, "metadata": p.metadata}, ("name",)))
TRIGGER_CRASH_DUMP = Schemas.every(p.only("trigger_crash_dump", {"type": "null"}))
RESET_STATE = Schemas.every(
    p.body("os-resetState", {"state": {"type": "string", "enum": ["active", "error"]}}, ("state",))
)
CHANGE_PASSWORD = Schemas.every(p.body("changePassword", {"adminPass": p.admin_password}, ("adminPass",)))
RESCUE = Schemas.every(
    p.only(
        "rescue",
        {
            "type": ["object", "null"],
            "properties": {"adminPass": p.admin_password, "rescue_image_ref": p.uuid},
            "additionalProperties": False,
        },
    )
)
LOCK = Schemas(
    (1, p.only("lock", {})),
    (
        73,
        p.only(
            "lock",
            {
                "type": ["object", "null"],
                "properties": {"locked_reason": {"type": "string", "minLength": 1, "maxLength": 255}},
                "additionalProperties": False,
            },
        ),
    ),
)
_TO_ZONE: Schema = {
    "type": ["object", "null"],
    "properties": {"availability_zone": p.name},
    "required": ["availability_zone"],
    "additionalProperties": False,
}
_TO_HOST: Schema = {
    "type": ["object", "null"],
    "properties": {"availability_zone": _NULLABLE_NAME, "host": p.host},
    "additionalProperties": False,
}
UNSHELVE = Schemas((1, p.only("unshelve", {})), (77, p.only("unshelve", _TO_ZONE)), (91, p.only("unshelve", _TO_HOST)))
CONSOLE_OUTPUT = Schemas.every(
    p.only(
        "os-getConsoleOutput",
        {
            "type": "object",
            "properties": {
                "length": {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$", "minimum": -1,
                           "format": p.integer(-1)["format"]},
            },
            "additionalProperties": False,
        },
    )
)  # fmt: skip


def old_console(action: str, *types: str) -> Schemas:
    return Schemas.every(p.body(action, {"type": {"type": "string", "enum": list(types)}}, ("type",)))


def _remote_console(*, mks: bool, direct: bool) -> Schema:
    protocols, types = ["vnc", "spice", "rdp", "serial"], ["novnc", "xvpvnc", "rdp-html5", "spice-html5", "serial"]
    if mks:
        protocols, types = [*protocols, "mks"], [*types, "webmks"]
    if direct:
        types = [*types, "spice-direct"]
    properties: Schema = {
        "protocol": {"type": "string", "enum": protocols},
        "type": {"type": "string", "enum": types},
    }
    return p.body("remote_console", properties, ("protocol", "type"))


REMOTE_CONSOLE = Schemas(
    (6, _remote_console(mks=False, direct=False)),
    (8, _remote_console(mks=True, direct=False)),
    (99, _remote_console(mks=True, direct=True)),
)


def security_group(action: str) -> Schemas:
    return Schemas.every(p.body(action, {"name": p.name}, ("name",)))


METADATA = Schemas.every(p.only("metadata", p.metadata))
META = Schemas.every(p.only("meta", {**p.metadata, "minProperties": 1, "maxProperties": 1}))
TAGS = Schemas.every(p.only("tags", b.tags))


def _attach_volume(version: int) -> Schema:
    properties: dict[str, Any] = {
        "volumeId": p.uuid,
        "device": {"type": ["string", "null"], "pattern": "(^/dev/x{0,1}[a-z]{0,1}d{0,1})([a-z]+)[0-9]*$"},
    }
    if version >= 49:
        properties["tag"] = p.device_tag
    if version >= 79:
        properties["delete_on_termination"] = p.boolean
    return p.body("volumeAttachment", properties, ("volumeId",))


def _update_volume(version: int) -> Schema:
    properties: dict[str, Any] = {"volumeId": p.uuid}
    if version >= 85:
        properties |= {
            "id": p.uuid,
            "serverId": p.uuid,
            "device": {"type": ["string", "null"], "pattern": "(^/dev/x{0,1}[a-z]{0,1}d{0,1})([a-z]+)[0-9]*$"},
            "tag": p.device_tag,
            "delete_on_termination": p.boolean,
        }
    return p.body("volumeAttachment", properties, ("volumeId",))


ATTACH_VOLUME = Schemas(*((since, _attach_volume(since)) for since in (1, 49, 79)))
UPDATE_VOLUME = Schemas(*((since, _update_volume(since)) for since in (1, 85)))
VOLUMES_QUERY = Query((1, {"limit": _NUMBER, "offset": _NUMBER}))


def _attach_interface(version: int) -> Schema:
    properties: dict[str, Any] = {
        "net_id": p.uuid,
        "port_id": p.uuid,
        "fixed_ips": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "properties": {"ip_address": b.address},
                "required": ["ip_address"],
                "additionalProperties": False,
            },
        },
    }
    if version >= 49:
        properties["tag"] = p.device_tag
    return {
        "type": "object",
        "properties": {"interfaceAttachment": b.closed(properties)},
        "additionalProperties": False,
    }


ATTACH_INTERFACE = Schemas((1, _attach_interface(1)), (49, _attach_interface(49)))

_PAGED: dict[str, Schema] = {"limit": _NUMBER, "marker": _TEXT, "changes-since": _MOMENT}
INSTANCE_ACTIONS_QUERY = Query(
    (1, {}), (58, _PAGED), (66, {**_PAGED, "changes-before": _MOMENT}), strict_from=58, single=True
)
