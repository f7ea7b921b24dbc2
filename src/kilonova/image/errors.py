"""What the image service refuses, in Glance's words where clients may look at them."""

from kilonova.model.errors import BadRequest, Conflict, Forbidden, Gone, NotFound, TooLarge, UnsupportedMedia


class ImageNotFound(NotFound):
    def __init__(self, image_id: str) -> None:
        super().__init__(f"No image found with ID {image_id}")
        self.image_id = image_id


class MemberNotFound(NotFound):
    def __init__(self, image_id: str, member_id: str) -> None:
        super().__init__(f"{member_id} not found in the member list of the image {image_id}.")
        self.image_id = image_id
        self.member_id = member_id


class NotYours(Forbidden):
    """Seen, but another's: reading is all there is."""

    def __init__(self, what: str) -> None:
        super().__init__(f"You are not permitted to {what}.")


class ImageProtected(Forbidden):
    def __init__(self, image_id: str) -> None:
        super().__init__(f"Image {image_id} is protected and cannot be deleted.")
        self.image_id = image_id


class AttributeReadOnly(Forbidden):
    def __init__(self, name: str) -> None:
        super().__init__(f"Attribute '{name}' is read-only.")
        self.name = name


class AttributeReserved(Forbidden):
    def __init__(self, name: str) -> None:
        super().__init__(f"Attribute '{name}' is reserved.")
        self.name = name


class WrongTransition(Conflict):
    def __init__(self, was: str, becomes: str) -> None:
        super().__init__(f"Image status transition from {was} to {becomes} is not allowed")
        self.was = was
        self.becomes = becomes


class SchemaMismatch(BadRequest):
    def __init__(self, schema: str, why: str) -> None:
        super().__init__(f"Provided object does not match schema '{schema}': {why}")
        self.schema = schema


class ImageRefused(UnsupportedMedia):
    """The bits are not what they are said to be, or would make their reader open other files."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Image content is refused: {why}")


class ImageTooLarge(TooLarge):
    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"Image exceeds the storage quota or the size limit: {limit_bytes} bytes are left.")
        self.limit_bytes = limit_bytes


class StoreFull(TooLarge):
    def __init__(self) -> None:
        super().__init__("Image storage media is full.")


class TooMany(TooLarge):
    """Tags, properties or members over their limit."""

    def __init__(self, what: str, attempted: int, allowed: int) -> None:
        super().__init__(
            f"The limit has been exceeded on the number of allowed image {what}. "
            f"Attempted: {attempted}, Maximum: {allowed}"
        )


class DeletedDuringUpload(Gone):
    def __init__(self, image_id: str) -> None:
        super().__init__(f"Image {image_id} could not be found after upload. The image may have been deleted.")
        self.image_id = image_id
