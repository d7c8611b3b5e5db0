"""How long a Lambda's handlers take to import, from the zips, with nothing else on the path.

Prints the median seconds for each handler, as at the first start (no byte code yet, which is how
Lambda sees a layer) and with byte code. Lambda's processor is about as fast as a laptop's only
from 1,769 MB of memory.

    .venv/bin/python benchmarks/import_time.py
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from data_pipeline.local.package import build

RUNS = 5
MEASURE = """
import sys, time
sys.path[:0] = sys.argv[2:]
start = time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - start)
"""


def seconds(module: str, folders: list[Path], *options: str) -> float:
    command = [sys.executable, "-I", "-S", *options, "-c", MEASURE, module, *map(str, folders)]
    runs = [
        float(subprocess.run(command, env={}, stdout=subprocess.PIPE, check=True).stdout)
        for _ in range(RUNS)
    ]
    return statistics.median(runs)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        artifacts = build(folder)
        shutil.unpack_archive(artifacts.code, folder / "task")
        shutil.unpack_archive(artifacts.layer, folder / "opt")
        folders = [folder / "task", folder / "opt" / "python"]
        files = sorted((folder / "task").glob("data_pipeline/bronze/*.py"))
        handlers = [file.stem for file in files if "\ndef handler(" in file.read_text()]
        modules = [f"data_pipeline.bronze.{handler}" for handler in handlers]
        first = [seconds(module, folders, "-B") for module in modules]
        for module in modules:
            seconds(module, folders)  # writes the byte code
        for module, before in zip(modules, first, strict=True):
            print(f"{module}: first {before:.2f} s, again {seconds(module, folders):.2f} s")


if __name__ == "__main__":
    main()
