"""Recordings as pages: an episode in 3D, a line's day, each one file that opens offline."""
