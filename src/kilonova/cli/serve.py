"""`serve ROLE…`: one or more services in this process, as nova.conf says."""

import argparse

import uvloop

from kilonova.cli.up import configuration, log_file
from kilonova.launch.logs import log_to
from kilonova.launch.process import run_cloud
from kilonova.launch.roles import roles_of
from kilonova.launch.state_dir import StateDir


def run(given: argparse.Namespace) -> int:
    config = configuration(given)
    state = StateDir(given.state_dir)
    log_to(log_file(config, state), debug=config.default.debug)
    uvloop.run(run_cloud(config, state, roles_of(given.roles), config_file=given.config_file))
    return 0
