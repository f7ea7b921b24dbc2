"""Placement: inventories, allocations, traits; what is left where.

Tables `placement_*` are its own. Offers `contract.placement.Placement` to the cloud and Placement's REST API to
everybody else; needs nothing but the database. Runs beside the scheduler, in any number: the database
decides every race.
"""
