"""Typed, frozen, strict forms of the YAML files, and the loader that names file and line."""
