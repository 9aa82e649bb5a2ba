"""``rackline replay``: a recorded episode proven, as a page, as pictures, in a window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from configs.errors import RacklineError
from twin.cli.app import app
from twin.cli.output import check_file, write_file
from twin.cli.progress import progress_bar

if TYPE_CHECKING:  # physics would slow every other command's start down
    from policies.recording import Recording
    from policies.recording_proof import Proof

_DIFFERS = 1


@app.command("replay")
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Recording of an episode.")],
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Simulate again and compare every hash, pose and signal; 1 if not so."
        ),
    ] = False,
    web: Annotated[
        Path | None,
        typer.Option(metavar="OUT.html", help="Page to write; it opens from disk by itself."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="With --web: another policy's recording on the same seed, beside."
        ),
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Still picture to write.")
    ] = None,
    at: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="With --png: time of the still (default: the largest force)."
        ),
    ] = None,
    video: Annotated[Path | None, typer.Option(metavar="OUT.mp4", help="Video to write.")] = None,
    gui: Annotated[bool, typer.Option("--gui", help="Play it in PyBullet's window.")] = False,
    rerun: Annotated[
        Path | None, typer.Option(metavar="OUT.rrd", help="File to write for Rerun's viewer.")
    ] = None,
) -> None:
    """Show a recorded episode: page, picture, video or window; --verify proves it.

    Recordings come from rackline rollout --record DIR, and from evaluate and
    train. Without an option it says what is in the file.

    Example: [bold]rackline replay y.mcap --compare x.mcap --web both.html[/bold]
    """
    for option, target in (("--web", web), ("--png", png), ("--video", video), ("--rerun", rerun)):
        check_file(option, target)
    if compare is not None and web is None:
        raise RacklineError(f"--compare {compare}: nothing to show both in; add --web OUT.html")
    if at is not None and png is None:
        raise RacklineError(f"--at {at:g}: is the time of a still; add --png OUT.png")
    from policies.recording import read_recording

    files = [file] if compare is None else [file, compare]
    recordings = [read_recording(path) for path in files]
    for recording, path in zip(recordings, files, strict=True):
        _say(about(recording))
        if verify:
            _verify(recording, path)
    if web is not None:
        from twin.replay.episode import episode_page

        write_file("--web", web, episode_page(recordings))
        _say(f"Page: {web}")
    if png is not None or video is not None or gui:
        _show(recordings[0], file, png, at, video, gui)
    if rerun is not None:
        from policies.recording_rerun import save_rerun

        save_rerun(recordings[0], rerun)
        _say(f"Rerun: {rerun}")


def about(recording: Recording) -> str:
    """Return what is in a recording, in a few lines."""
    header, end, frames = recording.header, recording.end, recording.frames
    lines = [
        f"{header.env_id}, setting {header.setting}: {header.policy}, seed {header.seed}, rack "
        f"{header.rack}, slot {header.slot} ({header.part})",
        f"{len(frames.phase)} frames, {len(recording.steps.hashes)} policy steps"
        + (f", {frames.time_s[-1]:.1f} s" if frames.phase else "")
        + (f", ended {end.outcome}" if end is not None else ""),
    ]
    if recording.cut is not None:
        lines.append(f"Note: {recording.cut}")
    return "\n".join(lines)


def _say(text: str) -> None:
    Console().print(text, highlight=False, soft_wrap=True, markup=False)


def _verify(recording: Recording, file: Path) -> None:
    from policies.recording_proof import verify

    proof = verify(recording, str(file))
    if proof.difference is not None:
        same = "; all state hashes are the same" if proof.states and proof.steps else ""
        _say(f"NOT what happened: {proof.difference}{same}")
        raise typer.Exit(_DIFFERS)
    _say("\n".join(_proven(proof, recording)))


def _proven(proof: Proof, recording: Recording) -> Iterator[str]:
    """Yield what the proof holds for, and what it does not."""
    name = recording.header.policy
    far = "" if recording.end is not None else " up to the cut"
    what = f"{proof.frames} frames are the same"
    if proof.steps:
        what = f"all {proof.steps} state hashes, rewards and actions and {what}"
    yield f"Verified{far}: simulated again, {what}."
    if proof.beyond:
        yield f"Not verified: {proof.beyond} frames behind the last whole policy step."
    if not proof.steps:
        yield "Not verified: the policy; the file ends before its first step."
    elif proof.policy:
        yield f"Its actions are those of {name}."
    else:
        yield f"Its actions were taken from the file: {name} is not here any more as it was."


def _show(
    recording: Recording,
    file: Path,
    png: Path | None,
    at: float | None,
    video: Path | None,
    gui: bool,
) -> None:
    from policies import recording_film as film

    if not recording.frames.phase:
        raise RacklineError(f"{file}: was cut before its first frame; there is nothing to show")
    end_s = recording.frames.time_s[-1]
    if at is not None and not 0.0 <= at <= end_s:
        raise RacklineError(f"--at {at:g}: {file} goes from 0 to {end_s:.2f} s; write a time in it")
    if video is not None:
        film.require_av()
    if png is not None:
        film.save_still(recording, film.most_force_s(recording) if at is None else at, png)
        _say(f"Picture: {png}")
    if video is not None:
        with progress_bar() as bar:
            task = bar.add_task("video", total=film.frame_count(recording))
            film.save_video(recording, video, lambda: bar.advance(task))
        _say(f"Video: {video}")
    if gui:
        from policies.recording_playback import watch

        watch(recording)
