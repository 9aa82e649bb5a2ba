"""Seeded episodes of a policy at a station, as records: pure functions of what each item says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from envs.outcome import OutcomeClass
from envs.perturbation import Perturbation
from envs.registry import station
from envs.station_env import StationEnv
from policies.catalogue import load_policy
from policies.executor import per_worker
from policies.policy import Policy
from policies.records import EpisodeRecord

NO_PERTURBATION = Perturbation()


@dataclass(frozen=True)
class Episode:
    """One episode to run.

    Attributes:
        env_id: station, e.g. ``"rackline/TrayInsert-v0"``.
        policy: name or path of the policy.
        setting: difficulty, None for the station's default.
        seed: campaign seed s.
        rack: rack visit r.
        slot: slot k of the rack, which also says the part.
        perturbation: factors for convergence and robustness studies.
    """

    env_id: str
    policy: str
    setting: str | None
    seed: int
    rack: int
    slot: int
    perturbation: Perturbation = NO_PERTURBATION

    def __str__(self) -> str:
        """Return what tells it from others, for messages."""
        where = self.env_id if self.setting is None else f"{self.env_id} ({self.setting})"
        changed = "" if self.perturbation == NO_PERTURBATION else f", {self.perturbation}"
        return (
            f"seed {self.seed}, rack {self.rack}, slot {self.slot} of {where} with "
            f"{self.policy}{changed}"
        )


def run_episode(episode: Episode) -> EpisodeRecord:
    """Run one episode; environment and policy are kept per worker, results do not depend on it."""
    return record_of(run_to_end(episode))


def run_to_end(episode: Episode) -> dict[str, Any]:
    """Run one episode and return the last step's ``info``."""
    env, policy = environment(episode), policy_of(episode)
    return play(env, policy, episode.seed, episode.rack, episode.slot)


def play(env: StationEnv, policy: Policy, seed: int, rack: int, slot: int) -> dict[str, Any]:
    """Let ``policy`` do the operation (seed, rack, slot) and return the last step's ``info``."""
    observation, info = env.reset(seed=seed, options={"rack": rack, "slot": slot})
    policy.reset()
    ended = False
    while not ended:
        observation, _, terminated, truncated, info = env.step(policy.act(observation))
        ended = terminated or truncated
    return info


def record_of(info: dict[str, Any]) -> EpisodeRecord:
    """Return the record of an operation from the last step's ``info``."""
    facts, result = info["facts"], info["result"]
    return EpisodeRecord(
        seed=info["seed"],
        rack_id=info["rack"],
        slot=info["slot"],
        part=info["part"],
        outcome=OutcomeClass(info["outcome"]),
        true_state=str(facts["true_state"]),
        sensor_pass=facts["sensor_pass"],
        attempts=facts["attempts"],
        assisted=facts["assisted"],
        timed_out=facts["timed_out"],
        void=facts["void"],
        cycle_time_s=result["cycle_time_s"],
        contact_time_s=result["contact_time_s"],
        max_windowed_force_n=result["max_windowed_force_n"],
        max_windowed_axial_n=result["max_windowed_axial_n"],
        penetration_m=result["penetration_m"],
        short_m=result["short_m"],
        state_hash=info["state_hash"],
    )


def single_part_episodes(
    env_id: str,
    policy: str,
    seeds: Iterable[int],
    setting: str | None = None,
    perturbation: Perturbation = NO_PERTURBATION,
) -> Iterator[Episode]:
    """Yield one episode a seed, each its own rack visit: independent, as cards need them.

    The rack is 0 throughout: a visit is drawn from seed and rack, so another seed is another one.
    """
    slots = len(_station_slots(env_id))
    for seed in seeds:
        yield Episode(env_id, policy, setting, seed, rack=0, slot=seed % slots,
                      perturbation=perturbation)  # fmt: skip


def environment(episode: Episode) -> StationEnv:
    """Return this worker's environment for an episode."""

    def make() -> StationEnv:
        env = gym.make(
            station(episode.env_id).env_id,
            setting=episode.setting,
            perturbation=episode.perturbation,
        ).unwrapped
        if not isinstance(env, StationEnv):
            raise TypeError(f"{episode.env_id} is no station of ours")
        return env

    return per_worker(("env", episode.env_id, episode.setting, episode.perturbation), make)


def policy_of(episode: Episode) -> Policy:
    """Return this worker's policy for an episode; it remembers its last operation until reset."""
    return per_worker(
        ("policy", episode.policy, episode.env_id),
        lambda: load_policy(episode.policy, station(episode.env_id).spec),
    )


def _station_slots(env_id: str) -> list[str]:
    return station(env_id).spec.slots
