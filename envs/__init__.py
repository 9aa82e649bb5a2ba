"""Level 1: physical stations behind Gymnasium; `gym.make("envs:rackline/TrayInsert-v0")`."""

from envs import registry as registry  # importing the package registers the ids
