"""The database, brought to the tables this version of the program works with."""

import importlib
import importlib.util
import pkgutil

from sqlalchemy import MetaData

import kilonova
from kilonova.db import schema, tables
from kilonova.db.upgrade import upgrade


async def prepare_schema(url: str) -> None:
    """One statement when it is up to date; any number of processes may do it at once. Errors: DatabaseUnavailable."""
    await upgrade(url, tables=all_tables)


def all_tables() -> MetaData:
    """The metadata with every table of every service on it: those of `db.tables` and of each `store`."""
    for module in pkgutil.iter_modules(tables.__path__, f"{tables.__name__}."):
        importlib.import_module(module.name)
    for package in pkgutil.iter_modules(kilonova.__path__, "kilonova."):
        if package.ispkg and importlib.util.find_spec(f"{package.name}.store"):
            store = importlib.import_module(f"{package.name}.store")
            for module in pkgutil.iter_modules(getattr(store, "__path__", ()), f"{store.__name__}."):
                importlib.import_module(module.name)
    return schema.metadata
