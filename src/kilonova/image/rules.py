"""Who may see and do what with an image, and which of its attributes are whose to set."""

from kilonova.image.errors import (
    AttributeReadOnly,
    AttributeReserved,
    ImageNotFound,
    ImageProtected,
    NotYours,
    WrongTransition,
)
from kilonova.model.caller import Caller
from kilonova.model.errors import Forbidden
from kilonova.model.image import Image, ImageStatus, Visibility

# Set by the service alone. Source: Image API v2, "create image".
READ_ONLY = frozenset(
    {
        "created_at", "updated_at", "status", "checksum", "size", "virtual_size", "direct_url", "self", "file",
        "schema", "os_hash_algo", "os_hash_value",
    }
)  # fmt: skip
RESERVED = frozenset({"location", "locations", "deleted", "deleted_at", "stores", "store"})
_OURS = "os_glance_"
_WRITERS = frozenset({"member", "manager", "admin", "service"})


def is_visible(caller: Caller, image: Image, *, is_member: bool) -> bool:
    """Whatever the member answered: the status only decides about lists."""
    if trusted(caller) or image.visibility in (Visibility.PUBLIC, Visibility.COMMUNITY):
        return True
    if caller.project_id is None:
        return False
    return image.owner == caller.project_id or (image.visibility == Visibility.SHARED and is_member)


def check_writer(caller: Caller) -> None:
    """Readers read. Errors: Forbidden."""
    if caller.project_id is None or not caller.roles & _WRITERS:
        raise Forbidden("You are not authorized to complete this action.")


def trusted(caller: Caller) -> bool:
    """Admins, and the other services: compute puts a snapshot's bits into its user's image."""
    return caller.is_admin or caller.is_service


def owns(caller: Caller, image: Image) -> bool:
    return trusted(caller) or (caller.project_id is not None and image.owner == caller.project_id)


def check_owner(caller: Caller, image: Image, what: str) -> None:
    """Errors: Forbidden, NotYours."""
    check_writer(caller)
    if not owns(caller, image):
        raise NotYours(what)


def check_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("You are not authorized to complete this action.")


def check_deletable(caller: Caller, image: Image) -> None:
    check_owner(caller, image, "delete this image")
    if image.protected:
        raise ImageProtected(image.id)


def check_visibility(caller: Caller, visibility: str) -> None:
    """Publishing to everybody is for admins. Errors: Forbidden."""
    if visibility == Visibility.PUBLIC and not caller.is_admin:
        raise Forbidden("You are not authorized to complete publicize_image action.")


def check_new_owner(caller: Caller, owner: str | None) -> None:
    if owner != caller.project_id and not trusted(caller):
        raise NotYours(f"create images owned by '{owner}'")


def check_settable(name: str) -> None:
    """Errors: AttributeReadOnly, AttributeReserved."""
    if name in READ_ONLY:
        raise AttributeReadOnly(name)
    if name in RESERVED or name.startswith(_OURS):
        raise AttributeReserved(name)


def check_format_change(image: Image, name: str) -> None:
    """Formats are what the bits were checked against. Errors: Forbidden."""
    if image.status != ImageStatus.QUEUED:
        raise Forbidden(f"Attribute {name} can be only replaced for a queued image.")


def check_upload(image: Image) -> None:
    if image.status != ImageStatus.QUEUED:
        raise WrongTransition(image.status, ImageStatus.SAVING)


def check_readable(caller: Caller, image: Image) -> None:
    """Errors: Forbidden."""
    if image.status == ImageStatus.DEACTIVATED and not trusted(caller):
        raise Forbidden("The requested image has been deactivated. Image data download is forbidden.")


def check_shareable(caller: Caller, image: Image, what: str) -> None:
    """Errors: Forbidden, ImageNotFound."""
    if not owns(caller, image):
        if image.visibility == Visibility.SHARED:
            raise NotYours(what)
        raise ImageNotFound(image.id)
    if image.visibility != Visibility.SHARED:
        raise Forbidden("Only shared images have members.")
