"""OpenStack Compute's REST API, microversions 2.1 to 2.104.

Owns the tables of servers' rows up to the 202 (afterwards the sagas write them), flavors, key pairs, aggregates, groups
and quotas. Offers an ASGI application (`application.ComputeApi`). Needs the database, the bus and the four neighbours
(`world.World`). Every URL is a row under `routes/`; a resource is a package with schemas (bodies and query strings in),
handlers, and a view (documents out).
"""
