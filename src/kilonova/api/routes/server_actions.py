"""`POST /servers/{server_id}/action`: one row per action, told apart by the body's only member."""

from kilonova.api.routes.route import Handler, Route
from kilonova.api.servers import action_schemas as schemas
from kilonova.api.servers import (
    consoles,
    life,
    moving,
    power,
    rebuild,
    rescue,
    resize,
    security_groups,
    shelving,
    snapshots,
)
from kilonova.api.validation import Schemas


def _action(
    name: str,
    handler: Handler,
    rule: str,
    *,
    body: Schemas | None = None,
    success: int = 202,
    low: int = 1,
    high: int | None = None,
) -> Route:
    """Where no `body` is given the action's value may be anything."""
    return Route(
        method="POST",
        path="/servers/{server_id}/action",
        action=name,
        handler=handler,
        rule=f"os_compute_api:{rule}",
        owned=True,
        body=body or schemas.ignored(name),
        success=success,
        low=low,
        high=high,
    )


_CONSOLE = "os-remote-consoles"

ROUTES = (
    _action("os-start", power.start, "servers:start"),
    _action("os-stop", power.stop, "servers:stop"),
    _action("reboot", power.reboot, "servers:reboot", body=schemas.REBOOT),
    _action("pause", power.pause, "os-pause-server:pause"),
    _action("unpause", power.unpause, "os-pause-server:unpause"),
    _action("suspend", power.suspend, "os-suspend-server:suspend"),
    _action("resume", power.resume, "os-suspend-server:resume"),
    _action("changePassword", power.change_password, "os-admin-password", body=schemas.CHANGE_PASSWORD),
    _action(
        "trigger_crash_dump",
        power.trigger_crash_dump,
        "servers:trigger_crash_dump",
        body=schemas.TRIGGER_CRASH_DUMP,
        low=17,
    ),
    _action("lock", life.lock, "os-lock-server:lock", body=schemas.LOCK),
    _action("unlock", life.unlock, "os-lock-server:unlock"),
    _action("os-resetState", life.reset_state, "os-admin-actions:reset_state", body=schemas.RESET_STATE),
    _action("injectNetworkInfo", life.inject_network_info, "os-admin-actions:inject_network_info"),
    _action("forceDelete", life.force_delete, "os-deferred-delete:force"),
    _action("restore", life.restore, "os-deferred-delete:restore"),
    _action("rebuild", rebuild.rebuild, "servers:rebuild", body=schemas.REBUILD),
    _action("resize", resize.resize, "servers:resize", body=schemas.RESIZE),
    _action("migrate", moving.migrate, "os-migrate-server:migrate", body=schemas.MIGRATE),
    _action("os-migrateLive", moving.migrate_live, "os-migrate-server:migrate_live", body=schemas.MIGRATE_LIVE),
    _action("evacuate", moving.evacuate, "os-evacuate", body=schemas.EVACUATE, success=200),
    _action("confirmResize", resize.confirm, "servers:confirm_resize", success=204),
    _action("revertResize", resize.revert, "servers:revert_resize"),
    _action("createImage", snapshots.create_image, "servers:create_image", body=schemas.CREATE_IMAGE),
    _action("createBackup", snapshots.create_backup, "os-create-backup", body=schemas.CREATE_BACKUP),
    _action("rescue", rescue.rescue, "os-rescue", body=schemas.RESCUE, success=200),
    _action("unrescue", power.unrescue, "os-unrescue"),
    _action("shelve", snapshots.shelve, "os-shelve:shelve"),
    _action("shelveOffload", shelving.offload, "os-shelve:shelve_offload"),
    _action("unshelve", shelving.unshelve, "os-shelve:unshelve", body=schemas.UNSHELVE),
    _action("addSecurityGroup", security_groups.add, "os-security-groups:add",
            body=schemas.security_group("addSecurityGroup")),
    _action("removeSecurityGroup", security_groups.remove, "os-security-groups:remove",
            body=schemas.security_group("removeSecurityGroup")),
    _action("os-getConsoleOutput", consoles.output, "os-console-output", body=schemas.CONSOLE_OUTPUT, success=200),
    _action("os-getVNCConsole", consoles.get_vnc, _CONSOLE, success=200, high=5,
            body=schemas.old_console("os-getVNCConsole", "novnc", "xvpvnc")),
    _action("os-getSPICEConsole", consoles.get_spice, _CONSOLE, success=200, high=5,
            body=schemas.old_console("os-getSPICEConsole", "spice-html5")),
    _action("os-getSerialConsole", consoles.get_serial, _CONSOLE, success=200, high=5,
            body=schemas.old_console("os-getSerialConsole", "serial")),
    _action("os-getRDPConsole", consoles.get_rdp, _CONSOLE, high=5),
)  # fmt: skip
