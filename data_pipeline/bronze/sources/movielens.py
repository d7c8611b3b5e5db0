"""MovieLens, by GroupLens: movies, ratings, tags and links as CSV, alone or in the publisher's zip.

https://files.grouplens.org/datasets/movielens/ml-latest-README.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from data_pipeline.bronze.source import FileDataset, FileSource


class MovieLens(FileSource):
    """The files of any MovieLens release since 2014 that has these columns."""

    files: ClassVar[Mapping[str, FileDataset]] = {
        "movies.csv": FileDataset("movies", frozenset({"movieId", "title", "genres"})),
        "ratings.csv": FileDataset(
            "ratings", frozenset({"userId", "movieId", "rating"}), splittable=True
        ),
        "tags.csv": FileDataset("tags", frozenset({"userId", "movieId", "tag"})),
        "links.csv": FileDataset(
            "links", frozenset({"movieId", "imdbId", "tmdbId"}), splittable=True
        ),
    }


SOURCE = MovieLens
