"""All tables of the cloud, wherever they are declared, brought up to date."""

from kilonova.console import store as console_tables
from kilonova.db.create import create_all
from kilonova.db.schema import metadata
from kilonova.db.tables import flavors, hosts, sagas, servers
from kilonova.identity.store import tables as identity_tables
from kilonova.image.store import tables as image_tables
from kilonova.network.store import tables as network_tables
from kilonova.placement.store import tables as placement_tables
from kilonova.volume.store import tables as volume_tables

# Declaring them is what the imports are for.
DECLARED = (
    console_tables,
    flavors,
    hosts,
    identity_tables,
    image_tables,
    network_tables,
    placement_tables,
    sagas,
    servers,
    volume_tables,
)


async def prepare_schema(url: str) -> None:
    """Make the database at `url` the one this version works with."""
    assert metadata.tables
    await create_all(url)
