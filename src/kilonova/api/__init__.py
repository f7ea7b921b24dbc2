"""nova-api: the Compute REST API 2.1 to 2.104. Owns no table; reads and records through db, starts sagas."""
