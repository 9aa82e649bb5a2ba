"""The evaluation, part by part: plan, run folder, episodes, line runs, verdict; `twin.evaluate` joins them."""
