"""Anime of MyAnimeList, from Jikan's /anime."""

from data_pipeline.silver.parse import (
    boolean,
    moment_date,
    name,
    positive,
    positive_decimal,
    text,
    whole,
    year,
)
from data_pipeline.silver.parse_anime import duration_minutes, season_name
from data_pipeline.silver.parse_names import texts
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="jikan_anime",
    source="jikan",
    origins=(Origin("anime"),),
    key=("anime_id",),
    fields=(
        Field("anime_id", "bigint", "MyAnimeList's id of the anime", whole("mal_id")),
        Field("title", "string", "Title", name("title")),
        Field("title_english", "string", "English title", name("title_english")),
        Field("title_japanese", "string", "Japanese title", name("title_japanese")),
        Field("type", "string", "TV, Movie, OVA, ONA, Special, Music and others", text("type")),
        Field("source", "string", "What it was made from, such as Manga", text("source")),
        Field("episodes", "bigint", "Number of episodes", positive("episodes")),
        Field(
            "status", "string", "Finished Airing, Currently Airing or Not yet aired", text("status")
        ),
        Field("airing", "boolean", "Whether it is on air", boolean("airing")),
        Field(
            "aired_from",
            "date",
            "First day on air; the first of the month or year where no more is known",
            moment_date("aired.from"),
        ),
        Field(
            "aired_to",
            "date",
            "Last day on air; NULL where it goes on, and of a single day",
            moment_date("aired.to"),
        ),
        Field(
            "duration_minutes", "double", "Minutes an episode takes", duration_minutes("duration")
        ),
        Field(
            "age_rating",
            "string",
            "Rating by age, such as PG-13 - Teens 13 or older",
            text("rating"),
        ),
        Field(
            "score",
            "double",
            "Mean score of MyAnimeList's users, 1 to 10",
            positive_decimal("score"),
        ),
        Field("scored_by", "bigint", "Users who scored it", whole("scored_by")),
        Field("rank", "bigint", "Rank by score; 1 is the best", positive("rank")),
        Field(
            "popularity", "bigint", "Rank by members; 1 is the most popular", positive("popularity")
        ),
        Field("members", "bigint", "Users who have it on a list", whole("members")),
        Field("favorites", "bigint", "Users of whom it is a favorite", whole("favorites")),
        Field("synopsis", "string", "Summary of the plot", text("synopsis")),
        Field(
            "season",
            "string",
            "winter, spring, summer or fall in which it premiered",
            season_name("season"),
        ),
        Field("season_year", "int", "Year of that season", year("year")),
        Field("genres", "array<string>", "Genres", texts("genres[].name")),
        Field("themes", "array<string>", "Themes", texts("themes[].name")),
        Field(
            "demographics",
            "array<string>",
            "Whom it is made for, such as Shounen",
            texts("demographics[].name"),
        ),
        Field("studios", "array<string>", "Studios that made it", texts("studios[].name")),
        Field(
            "producers", "array<string>", "Companies that produced it", texts("producers[].name")
        ),
    ),
)
