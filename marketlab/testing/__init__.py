"""Twins of the adapters, in memory: they keep the promises of the ports, and break when a test says so."""
