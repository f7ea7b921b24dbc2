"""Shares of servers (2.97): answered as in a cloud without a service for shared file systems."""
