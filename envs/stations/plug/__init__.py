"""Plugging: a robot puts connectors, which hang in a fixture, into ports of a panel that latch."""
