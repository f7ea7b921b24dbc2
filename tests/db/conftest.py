"""Tables of the tests, on whichever database the test runs."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Column, UniqueConstraint
from sqlalchemy import Table as SqlTable

from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.database import Database
from kilonova.db.schema import FLAG, FLOAT, INTEGER, JSON_TEXT, SERIAL, id_column, metadata, text

counters = SqlTable("test_counters", metadata, id_column(), Column("value", INTEGER, nullable=False, default=0))
notes = SqlTable(
    "test_notes",
    metadata,
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("name", text(64), nullable=False),
    Column("kind", text(16), nullable=False, default="plain"),
    Column("body", JSON_TEXT),
    Column("flag", FLAG),
    Column("ratio", FLOAT),
    UniqueConstraint("name", "kind"),
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    await create_all(database_url)
    opened = await connect(database_url)
    yield opened
    await opened.close()
