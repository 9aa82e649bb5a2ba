"""The card of a policy for people: Markdown, a histogram of forces, and a row for `card.yaml`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from configs.specs.card import Card
from envs.outcome import OutcomeClass
from envs.registry import station, station_of
from policies.bundle import NETWORK, bundle_name, read_bundle, write_bundle
from policies.card_bars import VOID_SHARE, Bar, bars, void_share
from policies.card_study import Found, Study
from policies.intervals import clopper_pearson_upper, wilson
from policies.records import EpisodeRecord
from policies.results import result_of

if TYPE_CHECKING:  # drawing would slow the start of every command down
    from matplotlib.figure import Figure

PAGE: Final = "README.md"
PICTURE: Final = "forces.png"
CURVE: Final = "curve.png"
"""Learning curves of the training run, shown where they lie beside the bundle."""
_HEAD: Final = (
    "| policy | episodes | success % [95 %] | assisted % | detected % | escaped % "
    "| damage % (at most) | void % | contact s mean / p95 | cycle s mean / p95 | lateral N p95 "
    "| axial N p95 |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def write_card(study: Study, found: Found, convergence: str) -> tuple[Bar, ...]:
    """Write page and pictures into the study's folder; return the bars.

    Args:
        study: what was run.
        found: its records.
        convergence: a sentence on the station's convergence card.
    """
    ours, theirs = found.records["policy"], found.records[found.script]
    judged = bars(ours, theirs)
    card, _ = read_bundle(study.bundle)
    limit = station(study.env_id).spec.limits.lateral_damage_n
    figure = draw_forces(bundle_name(study.bundle), ours, found.script, theirs, limit)
    figure.savefig(study.folder / PICTURE, dpi=120)
    if (study.bundle / CURVE).is_file():
        shutil.copyfile(study.bundle / CURVE, study.folder / CURVE)
    text = to_markdown(study, found, card, judged, convergence)
    (study.folder / PAGE).write_text(text, encoding="utf-8")
    return judged


def save_card(study: Study, found: Found) -> None:
    """Copy page and picture beside the bundle, with the held-out row of its `card.yaml`."""
    for name in (PAGE, PICTURE):
        shutil.copyfile(study.folder / name, study.bundle / name)
    card, _ = read_bundle(study.bundle)
    seeds = f"held-out {study.seeds[0]} to {study.seeds[-1]}"
    data: dict[str, Any] = card.model_dump(by_alias=True, mode="json")
    kept = [row for row in data["results"] if not row["seeds"].startswith("held-out")]
    data["results"] = [*kept, result_of(found.records["policy"], seeds)]
    write_bundle(study.bundle, data, (study.bundle / NETWORK).read_bytes())


def to_markdown(
    study: Study,
    found: Found,
    card: Card,
    judged: Sequence[Bar],
    convergence: str,
) -> str:
    """Return the page; see `write_card`."""
    first, last = study.seeds[0], study.seeds[-1]
    held = sum(bar.holds for bar in judged)
    shown = (study.bundle / CURVE).is_file()
    curve = [f"![Learning curves of the training seeds]({CURVE})", ""] if shown else []
    lines = [
        f"# {bundle_name(study.bundle)}",
        "",
        _what(card, {f.name: f.unit for f in station_of(station(study.env_id).spec).fields}),
        "",
        f"Written by `rackline card {_relative(study.bundle)} --episodes {study.episodes} "
        f"--robustness {study.robustness}`: {study.env_id} in its setting `{study.setting}`, "
        f"held-out seeds {first} to {last} (block {study.block}), one part a rack visit, the same "
        f"seeds for every policy. Looks at this block so far: {study.looks}. {convergence}",
        "All of it is simulated, at a station whose data are assumed unless tagged "
        "otherwise (configs/stations).",
        "",
        f"## Bars: {held} of {len(judged)} hold",
        "",
        f"Against {found.script}, the script that costs the line the fewest seconds a part on "
        "these seeds.",
        "",
        "| asked | found | |",
        "|---|---|---|",
        *(f"| {b.asked} | {b.found} | {'holds' if b.holds else '**does not hold**'} |"
          for b in judged),
        "",
        _void(found),
        "",
        "## Against the tuned scripts",
        "",
        _HEAD,
        *(_line(bundle_name(study.bundle) if c.name == "policy" else c.name, found.records[c.name])
          for c in study.main),
        "",
        f"![Largest lateral force of each operation]({PICTURE})",
        "",
        "## Training seeds",
        "",
        f"The first {study.robustness} of the same seeds. The shipped one was chosen on selection "
        "seeds, before this page.",
        "",
        *_slowed(card),
        _HEAD,
        _line(f"training seed {card.training_seed} (shipped)",
              found.records["policy"][: study.robustness]),
        *(_line(c.name, found.records[c.name]) for c in study.others),
        "",
        *curve,
        "## Robustness",
        "",
        f"The first {study.robustness} of the same seeds, with factors on the station's data.",
        "",
        _HEAD,
    ]  # fmt: skip
    lines += [_line(c.name, found.records[c.name]) for c in study.rows(found.script)]
    return "\n".join(lines) + "\n"


def draw_forces(
    name: str,
    ours: Sequence[EpisodeRecord],
    script: str,
    theirs: Sequence[EpisodeRecord],
    limit_n: float,
) -> Figure:
    """Return the histogram of the largest windowed lateral force of each operation."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    values = [[r.max_windowed_force_n for r in records] for records in (theirs, ours)]
    edges = np.linspace(0.0, max(1.1 * limit_n, *(np.percentile(v, 99.8) for v in values)), 60)
    bins = edges.tolist()
    for forces, label, colour in zip(values, (script, name), ("#9aa5b1", "#1f6feb"), strict=True):
        axes.hist(np.clip(forces, 0, bins[-1]), bins, alpha=0.65, label=label, color=colour)
    axes.axvline(limit_n, color="#c62828", linestyle="--", label="damage limit")
    axes.set(
        xlabel="largest lateral force of the operation, mean over 1/60 s (N)",
        ylabel="operations",
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def _slowed(card: Card) -> list[str]:
    """Return what sets the shipped policy apart from the others, where something does."""
    made = card.training
    if made is None or card.composition.slow == made.composition.slow:
        return []
    return [
        "How slowly its script goes somewhere (above) was chosen after training, for the shipped "
        "one alone; the others and the curves are without it: compare their forces and misses, "
        "not their times.",
        "",
    ]


def _void(found: Found) -> str:
    """Return a sentence on operations whose physics cannot be trusted."""
    ours, theirs = (100 * void_share(found.records[name]) for name in ("policy", found.script))
    return (
        f"Void, because contact went deeper than the model is good for: {ours:.2f} % of the "
        f"policy's operations, {theirs:.2f} % of the script's. Above {100 * VOID_SHARE:g} % no bar "
        "holds."
    )


def _what(card: Card, units: Mapping[str, str]) -> str:
    """Return what the policy is; ``units`` of the entries that it observes, by name."""
    made = card.training
    if made is None:
        return f"{card.name}."
    how = {
        "pure": "acts alone",
        "residual": f"adds to {card.composition.base}",
        "override": f"speeds up, slows down and corrects {card.composition.base}",
    }[card.composition.kind]
    begin, slow, held = card.composition.begin, card.composition.slow, ""
    if begin is not None:
        how += (
            f" where {begin.field} is above {begin.above:g} {units[begin.field]}, and nowhere else"
        )
    if slow is not None:
        low, high = slow.between
        held = (
            f" From {low:g} to {high:g} {units[slow.field]} of {slow.field} the script goes at "
            f"{slow.feed:g} of its feed."
        )
    return (
        f"{card.name}: a network of {' x '.join(map(str, made.network))} that {how}; trained with "
        f"{made.algorithm} for {card.training_steps:,} steps by `rackline train`; "
        f"station {card.station.spec_hash if card.station else '-'}.{held}"
    )


def _line(name: str, records: Sequence[EpisodeRecord]) -> str:
    n = len(records)
    success = wilson(sum(r.success for r in records), n)
    count = {o: sum(r.outcome is o for r in records) for o in OutcomeClass}
    damage = count[OutcomeClass.DAMAGE]

    def percent(outcome: OutcomeClass) -> str:
        return f"{100 * count[outcome] / n:.2f}"

    def spread(values: list[float]) -> str:
        return f"{np.mean(values):.2f} / {np.percentile(values, 95):.2f}"

    def high(values: list[float]) -> str:
        return f"{np.percentile(values, 95):.1f}"

    return (
        f"| {name} | {n:,} | {100 * success.estimate:.2f} [{100 * success.low:.2f}, "
        f"{100 * success.high:.2f}] | {percent(OutcomeClass.ASSISTED)} "
        f"| {percent(OutcomeClass.DETECTED)} | {percent(OutcomeClass.ESCAPED)} "
        f"| {100 * damage / n:.2f} ({100 * clopper_pearson_upper(damage, n):.2f}) "
        f"| {percent(OutcomeClass.VOID)} "
        f"| {spread([r.contact_time_s for r in records])} "
        f"| {spread([r.cycle_time_s for r in records])} "
        f"| {high([r.max_windowed_force_n for r in records])} "
        f"| {high([r.max_windowed_axial_n for r in records])} |"
    )


def _relative(path: Path) -> str:
    """Return a shipped bundle as ``zoo/<name>``, so that the page names no machine's path."""
    return f"zoo/{path.name}" if path.parent.name == "zoo" else str(path)
