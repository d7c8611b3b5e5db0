"""Anime Recommendation Database 2020 of Kaggle: anime, users' lists and synopses as CSV.

https://www.kaggle.com/datasets/hernan4444/anime-recommendation-database-2020. There are cuts of
it under many names, so a file is known by its header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from data_pipeline.bronze.source import FileDataset, FileSource


class KaggleAnime(FileSource):
    """The files of the data set and of its cuts; a list's score may be called rating or score."""

    by_header = True
    files: ClassVar[Mapping[str, FileDataset]] = {
        "anime.csv": FileDataset("anime", frozenset({"MAL_ID", "Name", "Type", "Aired"})),
        "animelist.csv": FileDataset(
            "animelist",
            frozenset({"user_id", "anime_id", "watching_status", "watched_episodes"}),
            splittable=True,
        ),
        "watching_status.csv": FileDataset("watching_status", frozenset({"status", "description"})),
        # The publisher's spelling; some cuts have mended it.
        "anime_with_synopsis.csv": FileDataset(
            "anime_with_synopsis", frozenset({"MAL_ID", "sypnopsis"})
        ),
        "anime_with_synopsis.csv (mended)": FileDataset(
            "anime_with_synopsis", frozenset({"MAL_ID", "synopsis"})
        ),
    }


SOURCE = KaggleAnime
