"""``make bench``: speed as ratios within one run; what is slow, and what more workers gain."""
