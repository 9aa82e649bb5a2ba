"""The evaluation, part by part; `twin.evaluate` joins them."""
