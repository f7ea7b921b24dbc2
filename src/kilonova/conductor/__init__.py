"""The way to the database for compute hosts; runs sagas and duties."""
