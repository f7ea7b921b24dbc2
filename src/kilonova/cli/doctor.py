"""`doctor`: what is missing or broken on this machine, and the command that mends it."""

import argparse
import asyncio
import json

import msgspec

from kilonova.launch.machine import examine


def run(given: argparse.Namespace) -> int:
    findings = asyncio.run(examine(given.state_dir))
    if given.json:
        print(json.dumps(msgspec.to_builtins(findings), indent=1))
    else:
        for finding in findings:
            print(f"{'ok ' if finding.ok else 'NO '} {finding.name:20} {finding.detail}")
            if finding.mend:
                print(f"    {'':20} mend: {finding.mend}")
    return 0 if all(finding.ok for finding in findings) else 1
