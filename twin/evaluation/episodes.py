"""The physical campaigns: episodes of policies, paired by seeds, kept one by one."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from configs.errors import RacklineError
from envs.outcome import OutcomeClass
from policies.executor import Executor
from policies.records import EpisodeRecord, append_records, read_records
from policies.rollout import Episode, run_episode
from twin.bridge.counts import NOT_OK
from twin.bridge.process import StationModel, fit_station
from twin.evaluation.cases import Fitted, digest_of
from twin.evaluation.cell import Trial
from twin.evaluation.progress import Progress
from twin.evaluation.result import ClassShare, PolicyEpisodes
from twin.evaluation.runfolder import RunFolder
from twin.kpi.intervals import cluster_wilson


class NoEvidenceError(RacklineError):
    """A policy's operations are all void: there is nothing to judge, which is inconclusive."""

    exit_code = 3


@dataclass(frozen=True)
class Campaign:
    """Policies' records, in the order of racks and slots, whatever the order they came in."""

    records: dict[str, tuple[EpisodeRecord, ...]]

    def digest(self, key: str) -> str:
        """Return a hash of what one policy's records say, to key what is derived from them."""
        text = "\n".join(record.to_json() for record in self.records[key])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Episodes:
    """Runs what is missing of the campaigns of an evaluation.

    Args:
        trials: the campaigns; those of one cell stand together, and meet the same racks and parts.
        folder: the run folder.
        executor: does the work.
        progress: is told.
    """

    def __init__(
        self, trials: Sequence[Trial], folder: RunFolder, executor: Executor, progress: Progress
    ) -> None:
        self._trials, self._folder = trials, folder
        self._executor, self._progress = executor, progress
        self._held = {trial.key: self._read(trial.key) for trial in trials}

    @property
    def total(self) -> int:
        """Episodes of the whole campaign."""
        campaigns = [trial.cell.spec.campaign for trial in self._trials]
        return sum(campaign.racks * campaign.parts_per_rack for campaign in campaigns)

    @property
    def missing(self) -> int:
        """Episodes that are still to be run."""
        return self.total - sum(len(held) for held in self._held.values())

    def run(self, title: str, most: int | None = None) -> float | None:
        """Run what is missing, or at most ``most`` of it; return worker-seconds an episode.

        Returns:
            Mean wall-clock seconds of an episode on one worker, start of workers left out;
            ``None`` where fewer than two were run.
        """
        wanted = dict(itertools.islice(self._missing(), most))
        if not wanted:
            return None
        files = {key: self._folder.episodes_file(key) for key in self._held}
        times: list[float] = []

        def keep(episode: Episode, record: EpisodeRecord) -> None:
            key = wanted[episode]
            append_records(files[key], [record])
            self._held[key][record.rack_id, record.slot] = record
            times.append(time.perf_counter())
            self._progress.advance()

        self._progress.begin(title, self.total, self.total - self.missing)
        self._executor.run(wanted, run_episode, keep)
        self._progress.end()
        if len(times) < 2:
            return None
        return (times[-1] - times[0]) / (len(times) - 1) * self._executor.workers

    def campaign(self) -> Campaign:
        """Return all records, sorted."""
        return Campaign(
            {key: tuple(held[at] for at in sorted(held)) for key, held in self._held.items()}
        )

    def _missing(self) -> Iterator[tuple[Episode, str]]:
        """Yield missing episodes rack by rack, so that a cut campaign is balanced."""
        for cell, trials in itertools.groupby(self._trials, key=lambda trial: trial.cell):
            spec, together = cell.spec, tuple(trials)
            for rack in range(spec.campaign.racks):
                for slot, trial in itertools.product(cell.slots(rack), together):
                    if (rack, slot) not in self._held[trial.key]:
                        seed = spec.campaign.seed
                        episode = Episode(spec.env, trial.policy, spec.setting, seed, rack, slot)
                        yield episode, trial.key

    def _read(self, key: str) -> dict[tuple[int, int], EpisodeRecord]:
        """Return what is there: of this campaign, or `RunFolder.claim` would have refused it."""
        records = read_records(self._folder.episodes_file(key))
        return {(record.rack_id, record.slot): record for record in records}


def fit(trial: Trial, campaign: Campaign) -> Fitted:
    """Return a policy's station model, from its campaign.

    Raises:
        NoEvidenceError: its operations are all void.
    """
    spec = trial.cell.spec
    try:
        model = fit_station(
            campaign.records[trial.key],
            station=spec.station,
            label=trial.policy,
            effects=spec.effects,
            operations=spec.operations.per_rack,
        )
    except ValueError:
        raise NoEvidenceError(
            f"inconclusive: every operation of {trial.policy} is void (penetration "
            f"beyond the station's limit), so there is nothing to judge; the station's physics "
            f"needs a finer rate or stiffer contact"
        ) from None
    return Fitted(trial.key, model, digest_of(campaign.digest(trial.key), model))


def summarise(letter: str, model: StationModel, records: Sequence[EpisodeRecord]) -> PolicyEpisodes:
    """Return what the report says of one policy's campaign."""
    valid = [record for record in records if record.outcome is not OutcomeClass.VOID]
    counts = model.posterior.counts
    good = counts.operations - counts.events[:, [NOT_OK.index(c) for c in _MISSES]].sum(axis=1)
    penetration = np.array([record.penetration_m for record in valid])

    def ascending(name: str) -> tuple[float, ...]:
        return tuple(sorted(float(getattr(record, name)) for record in valid))

    return PolicyEpisodes(
        letter=letter,
        name=model.label,
        racks=counts.racks,
        operations=len(records),
        void=counts.void,
        success=cluster_wilson(good, counts.operations),
        classes={c: _share(model, c) for c in (OutcomeClass.OK, *NOT_OK)},
        cycle_s=ascending("cycle_time_s"),
        contact_s=ascending("contact_time_s"),
        lateral_n=ascending("max_windowed_force_n"),
        axial_n=ascending("max_windowed_axial_n"),
        penetration_p99_m=float(np.quantile(penetration, 0.99)),
        rho=model.posterior.rho_mean,
        own_causes=model.posterior.own_causes,
        marks=model.marks,
        blockers=model.blockers,
    )


_MISSES = tuple(outcome for outcome in NOT_OK if outcome is not OutcomeClass.RETRIED)


def _share(model: StationModel, outcome: OutcomeClass) -> ClassShare:
    counts = model.posterior.counts
    if outcome is OutcomeClass.OK:
        per_rack = counts.operations - counts.not_ok
        bound = None
    else:
        per_rack = counts.events[:, NOT_OK.index(outcome)]
        bound = model.class_bound(outcome) if outcome in model.thin_classes else None
    return ClassShare(
        count=int(per_rack.sum()),
        racks=int(np.count_nonzero(per_rack)),
        share=cluster_wilson(per_rack, counts.operations),
        bound=bound,
    )
