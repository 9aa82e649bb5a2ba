"""The factory question: robot cells at several stations at once, by policy; `run` answers it."""
