"""The card of a policy for people: Markdown, a histogram of forces, and a row for `card.yaml`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from configs.specs.base import spec_hash
from configs.specs.card import Card
from configs.specs.training import RangeSpec
from envs.registry import station, station_of
from policies.bundle import NETWORK, bundle_name, read_bundle, write_bundle
from policies.card_bars import VOID_SHARE, Bar, bars, void_share
from policies.card_study import Found, Study
from policies.card_tables import HEAD, by_part, line, tiers
from policies.card_trial import bars_of, home_of
from policies.records import EpisodeRecord
from policies.results import result_of

if TYPE_CHECKING:  # drawing would slow the start of every command down
    from matplotlib.figure import Figure

NO_BARS: Final = "No bars are stated for this station (configs/bars, or --bars)."
CURVE: Final = "curve.png"
"""Learning curves of the training run, shown where they lie beside the bundle."""


def page_names(card: Card, env_id: str) -> tuple[str, str]:
    """Return the names of page and picture: README.md at the station a policy was trained at."""
    if _at_home(card, env_id):
        return "README.md", "forces.png"
    stem = station(env_id).stem
    return f"{stem}.md", f"{stem}_forces.png"


def write_card(study: Study, found: Found, convergence: str) -> tuple[Bar, ...]:
    """Write page and pictures into the study's folder; return the bars.

    Args:
        study: what was run.
        found: its records.
        convergence: a sentence on the station's convergence card.
    """
    ours, theirs = found.records["policy"], found.records[found.script]
    judged = bars(study.trial.bars, ours, theirs)
    card, _ = read_bundle(study.bundle)
    limit = station(study.env_id).spec.limits.lateral_damage_n
    figure = draw_forces(bundle_name(study.bundle), ours, found.script, theirs, limit)
    page, picture = page_names(card, study.env_id)
    figure.savefig(study.folder / picture, dpi=120)
    if (study.bundle / CURVE).is_file():
        shutil.copyfile(study.bundle / CURVE, study.folder / CURVE)
    text = to_markdown(study, found, card, judged, convergence)
    (study.folder / page).write_text(text, encoding="utf-8")
    return judged


def save_card(study: Study, found: Found) -> None:
    """Copy page and picture beside the bundle, with the held-out row of its `card.yaml`."""
    card, _ = read_bundle(study.bundle)
    for name in page_names(card, study.env_id):
        shutil.copyfile(study.folder / name, study.bundle / name)
    at = "" if _at_home(card, study.env_id) else f" at {study.env_id}"
    seeds = f"held-out {study.seeds[0]} to {study.seeds[-1]}{at}"
    data: dict[str, Any] = card.model_dump(by_alias=True, mode="json")
    kept = [row for row in data["results"] if _of_another(row["seeds"], at)]
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
    _, picture = page_names(card, study.env_id)
    shown = (study.bundle / CURVE).is_file()
    curve = [f"![Learning curves of the training seeds]({CURVE})", ""] if shown else []
    lines = [
        f"# {bundle_name(study.bundle)}",
        "",
        _what(card, {f.name: f.unit for f in station_of(station(study.env_id).spec).fields}),
        "",
        f"Written by `rackline card {_relative(study.bundle)} --env {study.env_id} "
        f"{_asked(study)}--episodes {study.trial.episodes} --robustness {study.trial.rows}`: "
        f"{study.env_id} in its setting `{study.setting}`, "
        f"held-out seeds {first} to {last} (block {study.block}), one part a rack visit, the same "
        f"seeds for every policy{_fewer(study)}. Looks at this block so far: {study.looks}. "
        f"{convergence}",
        "All of it is simulated, at a station whose data are assumed unless tagged "
        "otherwise (configs/stations).",
        "",
        *_judged(judged, found.script, study),
        _void(found),
        "",
        "## Against the tuned scripts",
        "",
        HEAD,
        *(line(bundle_name(study.bundle) if c.name == "policy" else c.name, found.records[c.name])
          for c in study.main),
        "",
        f"![Largest lateral force of each operation]({picture})",
        "",
        *by_part(study, found),
        "## Training seeds",
        "",
        f"The first {study.trial.rows} of the same seeds. The shipped one was chosen on "
        "selection seeds, before this page.",
        "",
        *_slowed(card),
        HEAD,
        line(f"training seed {card.training_seed} (shipped)",
              found.records["policy"][: study.trial.rows]),
        *(line(c.name, found.records[c.name]) for c in study.others),
        "",
        *curve,
        "## Robustness",
        "",
        f"The first {study.trial.rows} of the same seeds, with factors on the station's "
        "data, or at another station.",
        "",
        HEAD,
    ]  # fmt: skip
    lines += [line(c.name, found.records[c.name]) for c in study.rows(found.script)]
    lines += tiers(study, found)
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


def _judged(judged: Sequence[Bar], script: str, study: Study) -> list[str]:
    """Return the bars, or that there are none."""
    if not judged:
        return [NO_BARS, ""]
    return [
        f"## Bars: {sum(bar.holds for bar in judged)} of {len(judged)} hold",
        "",
        f"As asked by {study.bars or 'the caller'} ({spec_hash(study.trial.bars)}). Compared with "
        f"{script}, the script that costs the line the fewest seconds a part on "
        "these seeds.",
        "",
        "| asked | found | |",
        "|---|---|---|",
        *(
            f"| {b.asked} | {b.found} | {'holds' if b.holds else '**does not hold**'} |"
            for b in judged
        ),
        "",
    ]


def _fewer(study: Study) -> str:
    """Return how many of the seeds the scripts worked, where not all."""
    trial = study.trial
    return "" if trial.scripted == trial.episodes else f", scripts the first {trial.scripted:,}"


def _asked(study: Study) -> str:
    """Return the option that names other bars than the station's own."""
    own = bars_of(station(study.env_id))
    return "" if study.bars in ("", own) else f"--bars {study.bars} "


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
    begin, within, slow = (getattr(card.composition, name) for name in ("begin", "within", "slow"))
    held, where = "", []
    if begin is not None:
        where.append(f"{begin.field} is above {begin.above:g} {units[begin.field]}")
    if within is not None:
        where.append(_range(within, units))
    if where:
        how += f" where {' and '.join(where)}, and nowhere else"
    if slow is not None:
        held = f" Where {_range(slow, units)}, the script goes at {slow.feed:g} of its feed."
    return (
        f"{card.name}: a network of {' x '.join(map(str, made.network))} that {how}; trained with "
        f"{made.algorithm} for {card.training_steps:,} steps by `rackline train`; "
        f"station {card.station.spec_hash if card.station else '-'}.{held}"
    )


def _range(where: RangeSpec, units: Mapping[str, str]) -> str:
    low, high = where.between
    return f"{where.field} is within {low:g} and {high:g} {units[where.field]}"


def _at_home(card: Card, env_id: str) -> bool:
    """Tell whether a policy was trained at a station."""
    return home_of(card) is station(env_id)


def _of_another(seeds: str, at: str) -> bool:
    """Tell whether a row of results is none of held-out seeds at this station (``at``)."""
    held_out, _, where = seeds.partition(" at ")
    return not held_out.startswith("held-out") or where != at.removeprefix(" at ")


def _relative(path: Path) -> str:
    """Return a shipped bundle as ``zoo/<name>``, so that the page names no machine's path."""
    return f"zoo/{path.name}" if path.parent.name == "zoo" else str(path)
