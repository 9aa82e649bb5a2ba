"""What works a station: scripts, bundles, and rollouts of both."""
