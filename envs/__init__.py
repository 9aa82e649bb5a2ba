"""Level 1: physical stations behind Gymnasium; `gym.make("envs:rackline/TrayInsert-v0")`."""
