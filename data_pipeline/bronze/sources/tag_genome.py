"""Tag Genome 2021 by GroupLens: films, ratings, reviews, tags and tag counts as JSON lines.

https://grouplens.org/datasets/movielens/tag-genome-2021/. The survey's answers and the computed
scores are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from data_pipeline.bronze.source import FileDataset, FileSource


class TagGenome(FileSource):
    """The files of the archive's folder raw/."""

    files: ClassVar[Mapping[str, FileDataset]] = {
        f"{dataset}.json": FileDataset(dataset, splittable=True, json_lines=True)
        for dataset in ("metadata", "ratings", "reviews", "tags", "tag_count")
    }


SOURCE = TagGenome
