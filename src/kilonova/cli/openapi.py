"""`openapi`: the Compute API's description, for programs or as a page."""

import argparse
import sys

import msgspec

from kilonova.api.openapi.document import document
from kilonova.api.openapi.page import page
from kilonova.api.routes.table import ROUTES
from kilonova.api.version import parse


def run(given: argparse.Namespace) -> int:
    """Errors: InvalidVersion, UnsupportedVersion."""
    if given.page:
        sys.stdout.write(page(ROUTES))
        return 0
    text = msgspec.json.encode(document(ROUTES, parse(given.version)))
    sys.stdout.write(msgspec.json.format(text, indent=2).decode() + "\n")
    return 0
