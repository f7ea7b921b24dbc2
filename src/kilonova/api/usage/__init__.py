"""What servers used in a span of time, by project; and the audits of it."""
