"""Durable workflows: definition, log, plan, executor, recovery, and the trial kit that proves each saga."""
