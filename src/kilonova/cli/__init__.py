"""The command line: up, down, status, doctor, trace, serve, db, test."""
