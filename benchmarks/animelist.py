"""A large animelist.csv through the whole pipeline: `python -m benchmarks.animelist --millions 8`.

Prints the time of each part and the memory of the largest process in it, from the landing bucket
to fact_anime_list and anime_popularity. The list has the shape of the real one: about 335 rows a
user, a few users and a few anime with most of the rows, half of the ratings 0.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb

from tests.end_to_end.conftest import Lake, lake_in

ANIME = 17_562
ROWS_A_USER = 335

_LIST = """
COPY (
    WITH users AS (
        SELECT range AS user_id, hash(range, 7) / 18446744073709551616.0 AS u
        FROM range({users})
    ), counts AS (
        -- A Pareto tail: the most active tenth has more than half of the rows.
        SELECT user_id, least(4000, ceil(75 * pow(1 - u, -0.78)))::BIGINT AS n FROM users
    ), picks AS (
        SELECT user_id, unnest(range(n)) AS k FROM counts
    ), rows AS (
        SELECT DISTINCT
            user_id,
            1 + floor({anime} * pow(hash(user_id, k, 1) / 18446744073709551616.0, 2.6))::BIGINT
                AS anime_id
        FROM picks
    )
    SELECT
        user_id,
        anime_id,
        CASE WHEN h % 2 = 0 THEN 0 ELSE 1 + (h // 2) % 10 END AS rating,
        [1, 2, 2, 2, 3, 4, 6, 6][1 + ((h // 32) % 8)::INT] AS watching_status,
        (h // 256) % 27 AS watched_episodes
    FROM (SELECT user_id, anime_id, hash(user_id, anime_id, 3) AS h FROM rows)
    ORDER BY user_id
    LIMIT {rows}
) TO '{path}' (HEADER, DELIMITER ',')
"""


def write_list(path: Path, rows: int) -> None:
    """Write an animelist.csv of ``rows`` rows."""
    users = int(1.6 * rows / ROWS_A_USER)
    with duckdb.connect() as connection:
        connection.execute(_LIST.format(users=users, anime=ANIME, rows=rows, path=path))


class Memory:
    """The largest resident size, in MB, that a process or one below it had, by its program."""

    def __init__(self, root: int) -> None:
        self.peak: dict[str, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(root,), daemon=True)
        self._thread.start()

    def stop(self) -> str:
        self._ended.set()
        self._thread.join()
        return ", ".join(f"{name} {size} MB" for name, size in sorted(self.peak.items()))

    def _watch(self, root: int) -> None:
        while not self._ended.wait(0.2):
            processes = {int(its["Pid"]): its for its in map(_status, _processes()) if its}
            for pid, status in processes.items():
                if _is_below(pid, root, processes):
                    name, size = status["Name"], int(status.get("VmHWM", "0 kB").split()[0]) // 1024
                    self.peak[name] = max(size, self.peak.get(name, 0))


def _processes() -> Iterator[Path]:
    return Path("/proc").glob("[0-9]*/status")


def _status(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except OSError:  # it has ended
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _is_below(pid: int, root: int, processes: Mapping[int, Mapping[str, str]]) -> bool:
    while pid != root and pid in processes:
        pid = int(processes[pid]["PPid"])
    return pid == root


def timed(lake: Lake, *arguments: str) -> tuple[float, str]:
    """Return the seconds that a command took, and its processes' memory."""
    started = time.monotonic()
    process = subprocess.Popen(
        lake.command(*arguments),
        cwd=lake.folder,
        env=lake.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    memory = Memory(process.pid)
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{arguments}: status {process.returncode}\n{output}")
    seconds = time.monotonic() - started
    return seconds, memory.stop()


def run_once(millions: float) -> dict[str, float]:
    """Return the seconds of each part for a list of so many million rows, in an empty lake."""
    with tempfile.TemporaryDirectory() as name:
        lake, kaggle = lake_in(Path(name)), Path(name) / "kaggle"
        kaggle.mkdir()
        write_list(kaggle / "animelist.csv", int(millions * 1_000_000))
        parts = {}
        for part, arguments in {
            "extract": ("extract", "kaggle_anime", "--from", f"kaggle_anime={kaggle}"),
            "silver": ("silver",),
            "gold": ("gold", "--tables", "fact_anime_list,anime_popularity"),
        }.items():
            parts[part], memory = timed(lake, *arguments)
            print(f"{millions:g} M {part}: {parts[part]:.1f} s; {memory}", flush=True)
    return parts


def main() -> None:
    # A background job of a shell ignores Ctrl-C, and would hand that on.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 4, 8])
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    for millions in options.millions:
        runs = [run_once(millions) for _ in range(options.times)]
        medians = {part: statistics.median(run[part] for run in runs) for part in runs[0]}
        total = statistics.median(sum(run.values()) for run in runs)
        each = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in medians.items())
        print(f"{millions:g} M: {each}; {total / millions:.1f} s per million rows", flush=True)


if __name__ == "__main__":
    main()
