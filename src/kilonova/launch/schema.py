"""The database, brought to the tables this version of the program works with."""

from kilonova.db.upgrade import upgrade


async def prepare_schema(url: str) -> None:
    """One statement when it is up to date; any number of processes may do it at once. Errors: DatabaseUnavailable."""
    await upgrade(url)
