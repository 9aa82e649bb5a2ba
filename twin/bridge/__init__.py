"""The bridge: episode records become a station's process model, with its uncertainty."""
