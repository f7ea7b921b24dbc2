"""Addresses of this machine that nobody else uses: whole hosts of their own, as far as ports are concerned."""

import random


def own_loopback() -> str:
    """One of the sixteen million, chosen by chance: tests of other processes will not meet it."""
    return f"127.{random.randint(16, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
