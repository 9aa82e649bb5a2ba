"""One file per robot; its constants carry their sources."""
