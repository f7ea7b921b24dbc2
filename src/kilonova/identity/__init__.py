"""Identity: the Keystone v3 companion. Who someone is, where they may act, and where the other services are.

- Owns the tables `identity_*` (`store.tables`); nobody else reads them.
- Offers the Identity API v3 as `IdentityService.app`, to be mounted under `/identity`, and announces on the bus topic
  `identity-events` (`contract.identity`) which tokens are no longer what they were.
- Needs a database, a bus, a clock and a directory for its Fernet keys.
- Runs embedded or as any number of processes: a token is self-contained, so nothing is shared but the database and the
  key directory. `bootstrap` makes the first domain, projects, users, roles and the catalog.
"""
