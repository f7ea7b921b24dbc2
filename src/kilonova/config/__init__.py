"""nova.conf's sections and option names, as typed frozen values."""
