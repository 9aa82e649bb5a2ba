"""One file per station: what stands there, what varies, the judge."""
