"""How much of the allowed rate a crawl uses: `python -m benchmarks.extraction_rate`.

Runs the deployed Lambdas on the emulator against a server that enforces 20 requests/s or, with
--jikan, 3 a second and 60 a minute.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from tests.end_to_end.conftest import lake_in
from tests.end_to_end.test_rates import CONFIGURED, crawl, crawl_jikan, rate_used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=0, help="2000, of Jikan 200")
    parser.add_argument("--jikan", action="store_true")
    options = parser.parse_args()
    pages = options.pages or (200 if options.jikan else 2000)
    with tempfile.TemporaryDirectory() as name:
        lake = lake_in(Path(name))
        sandbox = crawl_jikan(lake, pages) if options.jikan else crawl(lake, pages, CONFIGURED)[0]
    answers = Counter(request.status for request in sandbox.log)
    moments = sorted(request.at for request in sandbox.log)
    print(f"{len(moments)} requests in {moments[-1] - moments[0]:.1f} s, by status {dict(answers)}")
    if options.jikan:
        seconds, steady = moments[-1] - moments[1], len(moments) - 2
        print(f"the workers began after {moments[1] - moments[0]:.1f} s and took {seconds:.1f} s")
        print(f"a steady 60 a minute takes {steady} s: {seconds / steady:.3f} times that")
    else:
        used = rate_used(sandbox)
        print(f"{used:.2f} requests/s of {CONFIGURED} allowed: {used / CONFIGURED:.1%}")


if __name__ == "__main__":
    main()
