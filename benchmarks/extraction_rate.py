"""How much of the allowed rate a crawl uses: `python -m benchmarks.extraction_rate`.

Runs the deployed Lambdas on the emulator against a server that enforces 20 requests/s.
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
from tests.end_to_end.test_rates import CONFIGURED, crawl, rate_used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=2000)
    pages = parser.parse_args().pages
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("configs.ini", "template.yaml"):
            shutil.copy(ROOT / file, folder / file)
        (folder / "build").symlink_to(ROOT / "build")
        home = {"LAKEHOUSE_HOME": f"{name}/home", "LAKEHOUSE_PORT": str(free_port())}
        sandbox, _ = crawl(Lake(folder, {**os.environ, **home}), pages, CONFIGURED)
    answers = Counter(request.status for request in sandbox.log)
    used = rate_used(sandbox)
    print(f"{sum(answers.values())} requests, by status {dict(answers)}")
    print(f"{used:.2f} requests/s of {CONFIGURED} allowed: {used / CONFIGURED:.1%}")


if __name__ == "__main__":
    main()
