"""Column kinds and the metadata all tables of the cloud hang on.

Only kinds that mean the same on SQLite, PostgreSQL and MariaDB, and that their raw drivers hand over unchanged.
Flags are 0 and 1, times are text (`model.time`), structured values are JSON text.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, SmallInteger, String, Text
from sqlalchemy.dialects import mysql

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Compared byte by byte everywhere, as SQLite and PostgreSQL do by themselves.
_BINARY = "utf8mb4_bin"


def text(length: int = 255) -> String:
    return String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation=_BINARY), "mysql", "mariadb")


LONG_TEXT = Text().with_variant(mysql.LONGTEXT(charset="utf8mb4", collation=_BINARY), "mysql", "mariadb")
JSON_TEXT = LONG_TEXT
# Not ascii: an id from a URL may be any text, and MariaDB refuses to compare the two.
ID = text(36)
WHEN = String(26).with_variant(mysql.VARCHAR(26, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
FLAG = SmallInteger()
INTEGER = Integer()
BIG = BigInteger()
FLOAT = Float(53)
# SQLite numbers rows by itself only for a plain INTEGER primary key.
SERIAL = BigInteger().with_variant(Integer, "sqlite")


def id_column(name: str = "id", **kwargs: Any) -> "Column[str]":
    return Column(name, ID, primary_key=True, **kwargs)
