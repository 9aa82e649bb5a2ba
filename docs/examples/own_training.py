"""A policy of one's own with plain Stable-Baselines3: python docs/examples/own_training.py [STEPS].

Afterwards, to judge it like any other:

    rackline export own_policy.zip --algorithm SAC --trust-pickle --out own_policy
    rackline rollout rackline/TrayInsert-v0 --policy own_policy --episodes 100
"""

import sys

import gymnasium as gym
from stable_baselines3 import SAC

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
model = SAC("MlpPolicy", gym.make("envs:rackline/TrayInsert-v0"))
model.learn(steps)
model.save("own_policy.zip")
