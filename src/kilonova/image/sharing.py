"""Members: the projects that a shared image is shown to."""

import msgspec
from starlette.responses import Response

from kilonova.db.errors import AlreadyThere
from kilonova.image import rules
from kilonova.image.errors import ImageNotFound, MemberNotFound, NotYours, TooMany
from kilonova.image.store import images
from kilonova.image.view import member_view
from kilonova.image.world import ImageRequest
from kilonova.model.errors import BadRequest, Conflict
from kilonova.model.image import Image, Membership, Visibility
from kilonova.web.response import empty, json_response

_STATUSES = ("pending", "accepted", "rejected")


async def index(request: ImageRequest) -> Response:
    """Owners see all members, a member only itself."""
    world, caller = request.world, request.caller
    image = await world.visible(caller, request.params["image_id"])
    found = await images.memberships(world.db, image.id)
    if not rules.owns(caller, image):
        found = [member for member in found if member.member_id == caller.project_id]
        if not found:
            raise ImageNotFound(image.id)
    return json_response({"members": [member_view(one) for one in found], "schema": "/v2/schemas/members"})


async def show(request: ImageRequest) -> Response:
    world, caller = request.world, request.caller
    image = await world.visible(caller, request.params["image_id"])
    return json_response(member_view(await _member(request, image)))


async def _member(request: ImageRequest, image: Image) -> Membership:
    """The member the URL names, if the caller may know of it. Errors: MemberNotFound."""
    member_id = request.params["member_id"]
    member = await images.membership(request.world.db, image.id, member_id)
    if member is None or not (rules.owns(request.caller, image) or member_id == request.caller.project_id):
        raise MemberNotFound(image.id, member_id)
    return member


async def create(request: ImageRequest) -> Response:
    world = request.world
    image = await world.visible(request.caller, request.params["image_id"])
    rules.check_writer(request.caller)
    rules.check_shareable(request.caller, image, "create image member")
    member_id = _text_of(await request.document(), "member")
    known = await images.memberships(world.db, image.id)
    if len(known) >= world.settings.max_members:
        raise TooMany("members", len(known) + 1, world.settings.max_members)
    now = world.clock.now()
    member = Membership(image_id=image.id, member_id=member_id, status="pending", created_at=now, updated_at=now)
    try:
        async with world.db.begin() as tx:
            await images.add_member(tx, member)
    except AlreadyThere as error:
        raise Conflict(f"Image member {member_id} is already registered for image {image.id}") from error
    return json_response(member_view(member))


def _text_of(body: object, name: str) -> str:
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise BadRequest(f'Expected a {name} in the form: {{"{name}": "..."}}')
    return value


async def update(request: ImageRequest) -> Response:
    """The answer is the member's to give, not the owner's."""
    world = request.world
    image = await world.visible(request.caller, request.params["image_id"])
    rules.check_writer(request.caller)
    member = await _member(request, image)
    if member.member_id != request.caller.project_id and not request.caller.is_admin:
        raise NotYours("modify the status of this image member")
    status = _text_of(await request.document(), "status")
    if status not in _STATUSES:
        raise BadRequest(f"Member status must be one of {', '.join(_STATUSES)}.")
    now = world.clock.now()
    async with world.db.begin() as tx:
        await images.answer_member(tx, member, status, now)
    return json_response(member_view(msgspec.structs.replace(member, status=status, updated_at=now)))


async def delete(request: ImageRequest) -> Response:
    world, member_id = request.world, request.params["member_id"]
    image = await world.visible(request.caller, request.params["image_id"])
    rules.check_writer(request.caller)
    if image.visibility != Visibility.SHARED or not rules.owns(request.caller, image):
        rules.check_shareable(request.caller, image, "delete image member")
    async with world.db.begin() as tx:
        if not await images.remove_member(tx, image.id, member_id):
            raise MemberNotFound(image.id, member_id)
    return empty()
