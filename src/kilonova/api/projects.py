"""Whether a project that is named in a call exists: identity knows."""

from kilonova.api.request import Request
from kilonova.model.errors import BadRequest

# Identity's own ids are no longer, and neither are our columns for them.
_LONGEST_ID = 64


class NoSuchProject(BadRequest):
    def __init__(self, project_id: str) -> None:
        super().__init__(f"Project ID {project_id} is not a valid project.")
        self.project_id = project_id


async def check_project(request: Request, project_id: str) -> None:
    """Errors: NoSuchProject. A cloud whose identity cannot be asked takes every project."""
    if len(project_id) > _LONGEST_ID:
        raise NoSuchProject(project_id)
    identity = request.world.identity
    if project_id == request.caller.project_id or identity is None:
        return
    if not await identity.project_exists(project_id):
        raise NoSuchProject(project_id)
