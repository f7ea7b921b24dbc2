"""SQL: engine, dialects, tables, repositories, transactions, leases, versions."""
