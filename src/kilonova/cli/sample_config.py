"""`sample-config`: every option, with its default, as a nova.conf."""

import argparse
import sys

from kilonova.config.sample import write_sample


def run(given: argparse.Namespace) -> int:
    del given
    write_sample(sys.stdout)
    return 0
