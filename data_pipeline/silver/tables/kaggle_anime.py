"""Anime of the Anime Recommendation Database 2020, from anime.csv."""

from data_pipeline.silver.parse import name, positive, positive_decimal, text, whole
from data_pipeline.silver.parse_anime import (
    duration_minutes,
    first_date,
    last_date,
    season,
    season_year,
)
from data_pipeline.silver.parse_names import comma_names
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="kaggle_anime",
    source="kaggle_anime",
    origins=(Origin("anime"),),
    key=("anime_id",),
    fields=(
        Field("anime_id", "bigint", "MyAnimeList's id of the anime", whole("MAL_ID")),
        Field("title", "string", "Title", name("Name")),
        Field("title_english", "string", "English title", text("English name")),
        Field("title_japanese", "string", "Japanese title", text("Japanese name")),
        Field("type", "string", "TV, Movie, OVA, ONA, Special or Music", text("Type")),
        Field("source", "string", "What it was made from, such as Manga", text("Source")),
        Field("episodes", "bigint", "Number of episodes", positive("Episodes")),
        Field(
            "aired_from",
            "date",
            "First day on air; the first of the month or year where no more is known",
            first_date("Aired"),
        ),
        Field(
            "aired_to",
            "date",
            "Last day on air; NULL where it goes on, and of a single day",
            last_date("Aired"),
        ),
        Field("premiered_season", "string", "winter, spring, summer or fall", season("Premiered")),
        Field("premiered_year", "int", "Year of that season", season_year("Premiered")),
        Field(
            "duration_minutes", "double", "Minutes an episode takes", duration_minutes("Duration")
        ),
        Field(
            "age_rating",
            "string",
            "Rating by age, such as PG-13 - Teens 13 or older",
            text("Rating"),
        ),
        Field(
            "score",
            "double",
            "Mean score of MyAnimeList's users, 1 to 10",
            positive_decimal("Score"),
        ),
        Field("ranked", "bigint", "Rank by score; 1 is the best", positive("Ranked")),
        Field(
            "popularity", "bigint", "Rank by members; 1 is the most popular", positive("Popularity")
        ),
        Field("members", "bigint", "Users who have it on a list", whole("Members")),
        Field("favorites", "bigint", "Users of whom it is a favorite", whole("Favorites")),
        Field("watching", "bigint", "Users who watch it now", whole("Watching")),
        Field("completed", "bigint", "Users who have seen it whole", whole("Completed")),
        Field("on_hold", "bigint", "Users who pause", whole("On-Hold")),
        Field("dropped", "bigint", "Users who gave up", whole("Dropped")),
        Field("plan_to_watch", "bigint", "Users who want to see it", whole("Plan to Watch")),
        Field(
            "genres",
            "array<string>",
            "Genres, themes and demographics, which the publisher does not tell apart",
            comma_names("Genres"),
        ),
        Field("studios", "array<string>", "Studios that made it", comma_names("Studios")),
        Field("producers", "array<string>", "Companies that produced it", comma_names("Producers")),
    ),
)
