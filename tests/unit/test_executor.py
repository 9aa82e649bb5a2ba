"""The executor: order, workers, failures and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from configs.errors import ConfigError
from policies.executor import WorkItemCrash, WorkItemError, per_worker, run


def square(x: int) -> int:
    return x * x


def refuse_three(x: int) -> int:
    if x == 3:
        raise ConfigError("a.yaml:1", "takt", x, "is wrong", "write another")
    return x


def crash_on_three(x: int) -> float:
    return 1 / (x - 3)


def die(x: int) -> int:
    os._exit(7)


class Counter:
    made = 0
    closed = 0

    def __init__(self) -> None:
        Counter.made += 1

    def close(self) -> None:
        Counter.closed += 1


def use_counter(x: int) -> int:
    per_worker("counter", Counter)
    return Counter.made


def collect(items: list[int], function, workers: int, **options) -> list[tuple[int, object]]:
    seen: list[tuple[int, object]] = []
    run(items, function, workers, lambda item, result: seen.append((item, result)), **options)
    return seen


def test_results_do_not_depend_on_workers() -> None:
    expected = [(x, x * x) for x in range(20)]
    assert collect(list(range(20)), square, 1) == expected
    assert collect(list(range(20)), square, 2, ordered=True) == expected
    assert sorted(collect(list(range(20)), square, 2)) == expected


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_name_their_item(workers: int) -> None:
    with pytest.raises(WorkItemError, match=r"a\.yaml:1: takt = 3.*working on 3"):
        collect([1, 2, 3], refuse_three, workers)
    with pytest.raises(WorkItemCrash, match=r"ZeroDivisionError.*working on 3"):
        collect([1, 2, 3], crash_on_three, workers)


def test_a_dead_worker_is_one_message() -> None:
    with pytest.raises(WorkItemError, match="a worker process died"):
        collect([1], die, 2)


def test_per_worker_object_is_made_once_and_closed() -> None:
    Counter.made = Counter.closed = 0
    assert [made for _, made in collect([1, 2, 3], use_counter, 1)] == [1, 1, 1]
    assert (Counter.made, Counter.closed) == (1, 1)


def test_no_items_is_no_work() -> None:
    assert collect([], square, 2) == []


SCRIPT = textwrap.dedent(
    """
    import os, sys, time
    from policies.executor import run

    def nap(x):
        time.sleep(0.0 if x < 2 else 60.0)
        return os.getpid()

    if __name__ == "__main__":
        try:
            run(range(8), nap, 2, lambda item, pid: print(pid, flush=True))
        except KeyboardInterrupt:
            print("stopped", flush=True)
    """
)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_or_killed_parent_leaves_no_worker(how: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "naps.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    workers = [int(process.stdout.readline()) for _ in range(2)]
    if how is signal.SIGINT:
        os.killpg(process.pid, how)  # as a terminal does: parent and workers alike
    else:
        process.kill()
    out, err = process.communicate(timeout=30)
    # The resource tracker cleans up behind a kill, and says so.
    if how is signal.SIGINT:
        assert err == ""
    else:
        assert "Traceback" not in err
    assert out == ("stopped\n" if how is signal.SIGINT else "")
    for pid in workers:
        assert not _alive_after_waiting(pid)


def _alive_after_waiting(pid: int) -> bool:
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except FileNotFoundError:
            return False
        time.sleep(0.1)
    return True
