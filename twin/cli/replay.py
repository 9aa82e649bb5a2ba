"""``rackline replay``: a recorded episode proven, as a page, as pictures, in a window."""

from __future__ import annotations

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

_DIFFERS = 1


@app.command("replay")
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Recording of an episode.")],
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Simulate it again and compare every hash, pose and signal."),
    ] = False,
    web: Annotated[
        Path | None,
        typer.Option(metavar="OUT.html", help="Page to write; it opens from disk by itself."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Another policy's recording on the same seed, beside."),
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Still picture to write.")
    ] = None,
    at: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Time of the still (default: the largest force)."),
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
    from policies.recording import read_recording

    recording = read_recording(file)
    _say(about(recording))
    if verify:
        _verify(recording, file)
    if web is not None:
        write_page(web, file, compare)
    if png is not None or video is not None or gui:
        _show(recording, file, png, at, video, gui)
    if rerun is not None:
        from policies.recording_rerun import save_rerun

        save_rerun(recording, rerun)
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
        _say(f"NOT what happened: {proof.difference}")
        raise typer.Exit(_DIFFERS)
    own = (
        f"its actions are those of {recording.header.policy}"
        if proof.policy
        else f"{recording.header.policy} is not here any more as it was, so its actions were taken "
        f"from the file"
    )
    _say(
        f"Verified: simulated again, all {proof.steps} state hashes, rewards and actions and all "
        f"{proof.frames} frames are the same; {own}."
    )


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


def write_page(web: Path, file: Path, compare: Path | None) -> None:
    """Write the page of ``file``, beside it that of ``compare``."""
    from policies.recording import read_recording
    from twin.replay.episode import episode_page

    check_file("--web", web)
    files = [file] if compare is None else [file, compare]
    write_file("--web", web, episode_page([read_recording(path) for path in files]))
    Console().print(f"Page: {web}", highlight=False, soft_wrap=True)
