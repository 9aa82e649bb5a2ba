"""Scripted baselines, each tuned by a search on selection seeds."""
