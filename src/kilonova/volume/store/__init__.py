"""The volume service's tables and the questions it asks of them."""
