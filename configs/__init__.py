"""Ground floor: what a user edits (YAML), its typed form, and the errors a user may meet."""
