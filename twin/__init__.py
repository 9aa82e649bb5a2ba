"""Level 2: the line, and the verdict on a policy by what the line gains."""
