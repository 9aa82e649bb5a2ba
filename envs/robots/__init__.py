"""The robots: a gantry, arms by their data, a wrist without an arm; constants say their source."""
