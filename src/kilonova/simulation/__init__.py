"""What would happen: the real scheduler on a described (or copied) fleet, in memory and under virtual time.

Owns no table, talks to nobody. `description` reads fleets, `run` lets servers come and go on them, `capacity`,
`evacuation` and `balance` answer single questions; `report`, `picture` and `page` show what came of it.
"""
