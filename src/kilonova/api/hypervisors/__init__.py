"""Hypervisors: lists, one of them, searches by name, their servers, sums over all, how long they have been up."""
