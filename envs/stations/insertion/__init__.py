"""Insertion: a gantry puts rigid parts into slots of boxes, and levers draw them home."""
