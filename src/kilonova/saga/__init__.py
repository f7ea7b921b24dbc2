"""Durable workflows.

A saga is an ordered list of steps, each with an undo, stored in SQL before anything happens. What the api accepted is a
row; losing every message delays it and never loses it.

- `saga.py`: how one is defined. `begin.py`: how the api stores one, in its own transaction, with a hold.
- `plan.py`: what comes next, from the log alone; pure. `executor.py`: leases. `turn.py`: does it.
  `logbook.py`: writes it down. `store.py`: the SQL.
- `trial.py`: runs any saga twice over, failing and killed at each step, and compares ledgers.

Owns the tables sagas, saga_events, holds, outcomes. Runs inside the conductor.
"""
