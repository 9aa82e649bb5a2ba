"""A robot cell as planned: where it stands, what works in it, how it is attached to the line."""

from __future__ import annotations

from dataclasses import dataclass

from configs.specs.evaluation import CellSpec
from configs.specs.station import StationSpec
from twin.evaluation.perfect import PerfectProcess, perfect_process
from twin.evaluation.slots import sampled_slots
from twin.line.model import LineModel


@dataclass(frozen=True)
class Cell:
    """One robot cell of an evaluation.

    Attributes:
        spec: what the evaluation says of it.
        station: the physical station behind its environment.
    """

    spec: CellSpec
    station: StationSpec

    def slots(self, rack: int) -> tuple[int, ...]:
        """Return the slots that the campaign works on rack visit ``rack``."""
        return sampled_slots(len(self.station.slots), self.spec.campaign.parts_per_rack, rack)

    @property
    def perfect(self) -> PerfectProcess:
        """The perfect policy in this cell."""
        return perfect_process(self.station, self.spec.effects)

    def attached(self, line: LineModel, cells: int | None = None) -> LineModel:
        """Return the line with this cell at its station.

        Args:
            line: the line.
            cells: number of cells; by default as the evaluation says.
        """
        attach = self.spec.attach
        return line.attach(
            self.spec.station,
            minor_stops=attach.minor_stops,
            servers=cells or attach.servers,
            crew=attach.crew,
            # Of every policy alike: against its own time a slower one would look more effective.
            planned_run_time_s=self.perfect.visit_s,
        )

    def lost(self, line: LineModel) -> float:
        """Return the time that stops cost the cell on a line, as a share of its busy time.

        Stops are those that the attached station is left with: breakdowns, and minor stops if kept.
        """
        row = self.attached(line).spec.station(self.spec.station)
        stops = (row.minor_stops, row.breakdowns)
        return sum(stop.mttr_s / stop.mtbf_s for stop in stops if stop)

    def bearable_operation_s(self, line: LineModel, cells: int | None = None) -> float:
        """Return what takt leaves for one operation, docking and handling of the rack taken off."""
        rack_s = line.spec.takt_s * (cells or self.spec.attach.servers)
        work_s = rack_s / (1 + self.lost(line)) - self.spec.effects.handling_s
        return max(0.0, work_s) / self.spec.operations.per_rack


@dataclass(frozen=True)
class Trial:
    """One policy's campaign in a cell.

    Attributes:
        key: names it among those of the evaluation, and its file in the run folder.
        cell: the cell.
        policy: name of the policy, as it was given.
    """

    key: str
    cell: Cell
    policy: str
