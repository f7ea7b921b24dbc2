"""Usage by project, and its audits."""

from kilonova.api.routes.route import Route
from kilonova.api.usage import audits, projects, schemas

_USAGE = "os_compute_api:os-simple-tenant-usage"
_AUDITS = "os_compute_api:os-instance-usage-audit-log"

ROUTES = (
    Route(
        method="GET",
        path="/os-simple-tenant-usage",
        handler=projects.index,
        rule=f"{_USAGE}:list",
        query=schemas.LIST_QUERY,
    ),
    Route(
        method="GET",
        path="/os-simple-tenant-usage/{id}",
        handler=projects.show,
        rule=f"{_USAGE}:show",
        owned=True,
        query=schemas.ONE_QUERY,
    ),
    Route(method="GET", path="/os-instance_usage_audit_log", handler=audits.index, rule=f"{_AUDITS}:list"),
    Route(method="GET", path="/os-instance_usage_audit_log/{id}", handler=audits.show, rule=f"{_AUDITS}:show"),
)
