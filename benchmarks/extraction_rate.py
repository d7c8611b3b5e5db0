"""How much of the allowed rate a crawl uses: `python -m benchmarks.extraction_rate`.

Runs the deployed Lambdas on the emulator against a server that enforces 20 requests/s or, with
--jikan, 3 a second and 60 a minute.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from tests.bronze.conftest import free_port
from tests.end_to_end.conftest import ROOT, Lake
from tests.end_to_end.test_rates import CONFIGURED, crawl, crawl_jikan, rate_used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=0, help="2000, of Jikan 200")
    parser.add_argument("--jikan", action="store_true")
    options = parser.parse_args()
    pages = options.pages or (200 if options.jikan else 2000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("configs.ini", "template.yaml"):
            shutil.copy(ROOT / file, folder / file)
        (folder / "build").symlink_to(ROOT / "build")
        home = {"LAKEHOUSE_HOME": f"{name}/home", "LAKEHOUSE_PORT": str(free_port())}
        lake = Lake(folder, {**os.environ, **home})
        if options.jikan:
            sandbox, allowed = crawl_jikan(lake, pages), 1
        else:
            sandbox, allowed = crawl(lake, pages, CONFIGURED)[0], CONFIGURED
    answers = Counter(request.status for request in sandbox.log)
    seconds = sandbox.log[-1].at - sandbox.log[0].at
    used = (len(sandbox.log) - 1) / seconds if options.jikan else rate_used(sandbox)
    print(f"{sum(answers.values())} requests in {seconds:.1f} s, by status {dict(answers)}")
    print(f"{used:.2f} requests/s of {allowed} allowed: {used / allowed:.1%}")


if __name__ == "__main__":
    main()
