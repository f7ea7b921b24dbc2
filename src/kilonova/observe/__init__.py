"""Logs, metrics, traces, health: how the cloud is seen."""
