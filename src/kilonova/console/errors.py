"""Why a console does not open."""

from kilonova.model.errors import NotFound


class ConsoleTokenInvalid(NotFound):
    """Unknown, expired or used up: not told apart, so that nothing can be learned by trying."""

    def __init__(self) -> None:
        super().__init__("Token not found")
