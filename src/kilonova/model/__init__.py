"""The domain: values (frozen), rules, state tables, errors. Pure; no await, no I/O. Imports nothing of ours."""
