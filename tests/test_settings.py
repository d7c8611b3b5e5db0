"""configs.ini: what it may say, and what the errors say of what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_pipeline.configure import TEMPLATE, render_template
from data_pipeline.errors import SettingsError
from data_pipeline.settings import load_settings

ROOT = Path(__file__).parent.parent
CONFIG = (ROOT / "configs.ini").read_text(encoding="utf-8")


def written(tmp_path: Path, old: str, new: str) -> Path:
    assert old in CONFIG
    path = tmp_path / "configs.ini"
    path.write_text(CONFIG.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_shipped_file_is_typed() -> None:
    settings = load_settings(ROOT / "configs.ini")
    assert settings.sources["tmdb"].max_concurrency == 8
    assert settings.sources["tmdb"].released_from.year == 1900  # type: ignore[attr-defined]
    assert settings.glue.flex is True


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "requests_per_second = 40",
            "requests_per_second = 0",
            r"\[tmdb\] requests_per_second = '0' is not allowed; expected a number above 0",
        ),
        ("requests_per_second = 40", "requests_per_second = many", "'many' is not allowed"),
        (
            "released_from = 1900-01-01",
            "released_from = 1900",
            "expected a date such as 1900-01-31",
        ),
        ("max_concurrency = 8", "max_concurrency = 1", "a whole number from 2 to 1000"),
        ("min_complete = 0.95", "min_complete = 95", "a number from 0 to 1"),
        (
            "full_crawl_days = 30",
            "full_crawl_days = 30\ncolour = red",
            r"\[tmdb\] has an unknown key 'colour'",
        ),
        ("full_crawl_days = 30", "", r"\[tmdb\] lacks the key 'full_crawl_days'"),
        ("[movielens]", "[movielense]", r"unknown section \[movielense\]"),
        ("base_url = https://api", "base_url = ftp://api", "an http or https address"),
        ("enabled = true", "enabled = perhaps", "true or false"),
        ("version = 6.0", "version = 4.0", "expected 6.0"),
        ("timezone = UTC", "timezone = Nowhere/Land", "an IANA time zone"),
        ("[tmdb]", "[tmdb", "is not an INI file"),
        ("cron = 0 5 * * ? *", "cron = daily", "six fields"),
        ("name = media-lakehouse", "name = Media Lakehouse", "lower-case letters"),
    ],
)
def test_what_is_not_allowed_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = written(tmp_path, old, new)
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings(tmp_path / "configs.ini")


def test_the_template_follows_the_settings() -> None:
    text = (ROOT / TEMPLATE).read_text(encoding="utf-8")
    settings = load_settings(ROOT / "configs.ini")
    assert render_template(settings, text) == text, "run `make config` and commit template.yaml"


def test_a_changed_setting_changes_the_template(tmp_path: Path) -> None:
    text = (ROOT / TEMPLATE).read_text(encoding="utf-8")
    settings = load_settings(written(tmp_path, "max_concurrency = 8", "max_concurrency = 5"))
    changed = render_template(settings, text)
    assert "MaximumConcurrency: 5" in changed
    assert '"max_concurrency":"5"' in changed
