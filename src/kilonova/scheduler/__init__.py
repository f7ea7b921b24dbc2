"""The scheduler: filters and weighers choose a host, a claim in placement makes it sure, every refusal is explained.

Owns no table; reads hosts, services, aggregates and server groups. Offers `contract.scheduler.Scheduler`; needs the
database and placement. Any number may run: each keeps all hosts in memory and hears of changes; placement decides their
races.
"""
