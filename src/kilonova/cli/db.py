"""`db upgrade`: bring the database up to date."""

import argparse
import asyncio

from kilonova.cli.up import configuration
from kilonova.launch.schema import prepare_schema


def run(given: argparse.Namespace) -> int:
    config = configuration(given)
    given.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(prepare_schema(config.database.connection))
    print("the database is up to date")
    return 0
