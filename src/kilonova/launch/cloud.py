"""A process of the cloud: the services whose roles it has, each handed what it needs. All roles: a whole cloud."""

import asyncio
import logging
import os
import secrets
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from kilonova.aio.clock import Clock, SystemClock
from kilonova.bus.bus import Bus
from kilonova.bus.connect import connect as connect_bus
from kilonova.bus.proxy import proxy, serve
from kilonova.conductor.hosts import Hosts
from kilonova.conductor.neighbours import Neighbours as ConductorNeighbours
from kilonova.conductor.service import ConductorService, Ratios
from kilonova.conductor.world import World as ConductorWorld
from kilonova.config.options import Config
from kilonova.contract.compute import Compute
from kilonova.contract.conductor import Conductor
from kilonova.contract.console import ConsoleAuth
from kilonova.contract.events import EventListener
from kilonova.contract.placement import Placement
from kilonova.contract.scheduler import Scheduler
from kilonova.db.connect import connect as connect_database
from kilonova.db.database import Database
from kilonova.launch.neighbours import Neighbours
from kilonova.launch.roles import Role
from kilonova.launch.state_dir import StateDir
from kilonova.launch.tracing import SpanKeeper
from kilonova.model.ids import HostName
from kilonova.peers.identity import TokenChecker
from kilonova.peers.image import ImageClient
from kilonova.peers.network import NetworkClient
from kilonova.peers.volume import VolumeClient

log = logging.getLogger(__name__)
