"""The gold tables about anime, music, books and people, computed from silver's rows by DuckDB.

Written from the definitions and on purpose in another way than the project does it: nothing of
the project is imported, every number is a query of its own over single ratings, songs or works,
and nothing is summed up beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

KEYS = {
    "dim_anime": ("anime_id",),
    "dim_genre": ("genre",),
    "dim_studio": ("studio",),
    "bridge_anime_genre": ("anime_id", "genre"),
    "bridge_anime_studio": ("anime_id", "studio"),
    "dim_user": ("user_id",),
    "dim_watching_status": ("status_id",),
    "fact_anime_list": ("user_id", "anime_id"),
    "anime_popularity": ("anime_id",),
    "anime_genre_by_year": ("season_year", "genre"),
    "books_per_year": ("author_key", "first_publish_year"),
    "average_books_per_year": ("author_key",),
    "artist_summary": ("artist_id",),
    "song_chart": ("playlist_id", "snapshot_date", "position"),
    "popular_people_by_decade": ("role", "name", "decade"),
    # Of the Tag Genome alone: tests/expected.py has those of MovieLens.
    "movies_analytics": ("movie_id",),
    "tag_ratings_by_year": ("tag", "release_year"),
}

# Jikan's anime and Kaggle's side by side, NULL where one of them lacks it.
PAIRS = """
CREATE VIEW ids AS SELECT anime_id FROM jikan_anime UNION SELECT anime_id FROM kaggle_anime;

CREATE VIEW pairs AS
SELECT ids.anime_id, j, k
FROM ids
LEFT JOIN jikan_anime AS j ON j.anime_id = ids.anime_id
LEFT JOIN kaggle_anime AS k ON k.anime_id = ids.anime_id;

CREATE VIEW genres AS
SELECT anime_id, unnest(CASE WHEN len(j.genres) > 0 THEN j.genres ELSE k.genres END) AS genre
FROM pairs;

CREATE VIEW studios AS
SELECT anime_id, unnest(CASE WHEN len(j.studios) > 0 THEN j.studios ELSE k.studios END) AS studio
FROM pairs;
"""

MEAN_OF_LISTS = "(SELECT avg(rating) FROM kaggle_animelist)"

# The films that ratings count for, and each rating of one of them.
RATED = """
    (SELECT r.*, f.title, f.release_year FROM genome_ratings AS r JOIN imdb_metadata AS f
     ON f.movie_id = r.movie_id)
"""

TABLES = {
    "dim_anime": """
        SELECT
            anime_id,
            coalesce(j.title, k.title) AS title,
            coalesce(j.title_english, k.title_english) AS title_english,
            coalesce(j.type, k.type) AS type,
            coalesce(j.source, k.source) AS source,
            coalesce(j.episodes, k.episodes) AS episodes,
            j.status AS status,
            coalesce(j.aired_from, k.aired_from) AS aired_from,
            coalesce(j.aired_to, k.aired_to) AS aired_to,
            coalesce(j.season, k.premiered_season) AS season,
            coalesce(j.season_year, k.premiered_year) AS season_year,
            coalesce(j.duration_minutes, k.duration_minutes) AS duration_minutes,
            coalesce(j.age_rating, k.age_rating) AS age_rating,
            coalesce(j.score, k.score) AS score,
            coalesce(j.members, k.members) AS members,
            coalesce(j.favorites, k.favorites) AS favorites,
            coalesce(
                j.synopsis,
                (SELECT s.synopsis FROM kaggle_synopses AS s WHERE s.anime_id = pairs.anime_id)
            ) AS synopsis
        FROM pairs
    """,
    "dim_genre": "SELECT genre, count(DISTINCT anime_id) AS num_anime FROM genres GROUP BY ALL",
    "dim_studio": "SELECT studio, count(DISTINCT anime_id) AS num_anime FROM studios GROUP BY ALL",
    "bridge_anime_genre": "SELECT DISTINCT anime_id, genre FROM genres",
    "bridge_anime_studio": "SELECT DISTINCT anime_id, studio FROM studios",
    "dim_user": """
        SELECT
            user_id,
            count(DISTINCT anime_id) AS num_anime,
            count(DISTINCT CASE WHEN watching_status = 2 THEN anime_id END) AS num_completed,
            count(DISTINCT CASE WHEN rating > 0 THEN anime_id END) AS num_rated,
            sum(rating)::DOUBLE / nullif(count(rating), 0) AS mean_rating
        FROM kaggle_animelist
        GROUP BY user_id
    """,
    "dim_watching_status": "SELECT status_id, description FROM kaggle_watching_status",
    "fact_anime_list": """
        SELECT user_id, anime_id, rating, watching_status AS status_id, watched_episodes
        FROM kaggle_animelist
    """,
    "anime_popularity": f"""
        SELECT
            anime_id,
            (SELECT coalesce(j.title, k.title) FROM pairs WHERE pairs.anime_id = l.anime_id)
                AS title,
            count(rating) AS num_ratings,
            avg(rating) AS avg_rating,
            CASE
                WHEN count(rating) = 0 THEN {MEAN_OF_LISTS}
                ELSE count(rating) / (count(rating) + 50) * avg(rating)
                     + 50 / (count(rating) + 50) * {MEAN_OF_LISTS}
            END AS weighted_rating,
            count(*) FILTER (watching_status = 1) AS num_watching,
            count(*) FILTER (watching_status = 2) AS num_completed,
            count(*) FILTER (watching_status = 3) AS num_on_hold,
            count(*) FILTER (watching_status = 4) AS num_dropped,
            count(*) FILTER (watching_status = 6) AS num_plan_to_watch
        FROM kaggle_animelist AS l
        GROUP BY anime_id
    """,
    "anime_genre_by_year": """
        SELECT
            coalesce(j.season_year, k.premiered_year) AS season_year,
            genre,
            count(*) AS num_anime,
            avg(coalesce(j.score, k.score)) AS avg_score,
            sum(coalesce(j.members, k.members))::BIGINT AS sum_members
        FROM pairs JOIN (SELECT DISTINCT * FROM genres) USING (anime_id)
        WHERE coalesce(j.season_year, k.premiered_year) IS NOT NULL
        GROUP BY ALL
    """,
    "books_per_year": """
        SELECT
            author_key,
            first_publish_year,
            (SELECT author_name FROM named WHERE named.author_key = a.author_key) AS author_name,
            count(DISTINCT work_key) AS num_books
        FROM open_library_authors AS a
        WHERE first_publish_year IS NOT NULL
        GROUP BY author_key, first_publish_year
    """,
    "average_books_per_year": """
        SELECT
            author_key,
            (SELECT author_name FROM named WHERE named.author_key = a.author_key) AS author_name,
            count(DISTINCT work_key) AS num_books,
            count(DISTINCT first_publish_year) AS num_years,
            count(DISTINCT work_key) / count(DISTINCT first_publish_year) AS average_books_per_year
        FROM open_library_authors AS a
        WHERE first_publish_year IS NOT NULL
        GROUP BY author_key
    """,
    "artist_summary": """
        SELECT
            artist_id,
            name,
            (SELECT count(*) FROM spotify_songs AS s
             WHERE list_contains(s.artist_ids, a.artist_id)) AS num_songs,
            (SELECT count(DISTINCT album_id) FROM spotify_songs AS s
             WHERE list_contains(s.artist_ids, a.artist_id)) AS num_albums,
            (SELECT count(DISTINCT p.playlist_id)
             FROM spotify_playlist_songs AS p, spotify_songs AS s
             WHERE s.song_id = p.song_id AND list_contains(s.artist_ids, a.artist_id))
                AS num_playlists,
            (SELECT coalesce(sum(duration_ms), 0)::BIGINT FROM spotify_songs AS s
             WHERE list_contains(s.artist_ids, a.artist_id)) AS total_duration_ms
        FROM spotify_artists AS a
    """,
    "song_chart": """
        WITH before AS (
            SELECT DISTINCT playlist_id, snapshot_date,
                   (SELECT max(o.snapshot_date) FROM spotify_playlist_songs AS o
                    WHERE o.playlist_id = p.playlist_id AND o.snapshot_date < p.snapshot_date)
                       AS day
            FROM spotify_playlist_songs AS p
        )
        SELECT
            p.playlist_id,
            p.snapshot_date,
            p.position,
            p.song_id,
            s.name,
            list_filter(
                list_transform(s.artist_ids, lambda i: (artists.names[i])), lambda n: n IS NOT NULL
            ) AS artist_names,
            (SELECT min(o.position) FROM spotify_playlist_songs AS o
             WHERE o.playlist_id = p.playlist_id AND o.song_id = p.song_id
                 AND o.snapshot_date = before.day) AS previous_position,
            (SELECT count(DISTINCT o.snapshot_date) FROM spotify_playlist_songs AS o
             WHERE o.playlist_id = p.playlist_id AND o.song_id = p.song_id
                 AND o.snapshot_date <= p.snapshot_date) AS days_on_chart
        FROM spotify_playlist_songs AS p
        JOIN spotify_songs AS s ON s.song_id = p.song_id
        JOIN before ON before.playlist_id = p.playlist_id
            AND before.snapshot_date = p.snapshot_date
        CROSS JOIN (SELECT map(list(artist_id), list(name)) AS names FROM spotify_artists)
            AS artists
    """,
    "popular_people_by_decade": f"""
        WITH credited AS (
            SELECT 'Actor' AS role, unnest(actors) AS name, movie_id FROM imdb_metadata
            UNION
            SELECT 'Director', unnest(directors), movie_id FROM imdb_metadata
        ),
        people AS (
            SELECT role, name, (release_year - release_year % 10)::INTEGER AS decade,
                   count(DISTINCT movie_id) AS num_movies, count(*) AS num_ratings,
                   avg(rating) AS avg_rating
            FROM credited JOIN {RATED} USING (movie_id)
            WHERE release_year IS NOT NULL
            GROUP BY ALL
        )
        SELECT
            *,
            (SELECT count(*) + 1 FROM people AS o
             WHERE o.role = p.role AND o.decade = p.decade
                 AND (-o.num_ratings, -o.avg_rating, o.name)
                     < (-p.num_ratings, -p.avg_rating, p.name))::INTEGER AS rank_in_decade
        FROM people AS p
    """,
    "movies_analytics": f"""
        SELECT
            movie_id,
            any_value(title) AS title,
            any_value(release_year) AS release_year,
            count(*) AS num_ratings,
            avg(rating) AS avg_rating,
            count(*) FILTER (rating > 3) AS num_positive,
            count(*) FILTER (rating <= 3) AS num_negative,
            (count(*) FILTER (rating > 3) - count(*) FILTER (rating <= 3)) / count(*)
                AS avg_discrepancy,
            (SELECT count(*) FROM imdb_reviews AS v WHERE v.movie_id = r.movie_id) AS num_reviews,
            count(*) / (count(*) + 50) * avg(rating)
                + 50 / (count(*) + 50) * (SELECT avg(rating) FROM {RATED}) AS weighted_rating
        FROM {RATED} AS r
        GROUP BY movie_id HAVING count(*) >= 5
    """,
    "tag_ratings_by_year": f"""
        SELECT tag, release_year, avg(rating) AS avg_rating, count(DISTINCT movie_id) AS num_movies,
               count(*) AS num_ratings
        FROM {RATED}
        JOIN (SELECT DISTINCT movie_id, tag FROM genome_tag_counts JOIN genome_tags USING (tag_id))
            USING (movie_id)
        WHERE release_year IS NOT NULL
        GROUP BY ALL HAVING count(DISTINCT movie_id) >= 5
    """,
}

# Of two names that are as frequent, the first in the alphabet.
NAMED = """
CREATE VIEW named AS
SELECT author_key, author_name
FROM open_library_authors
WHERE first_publish_year IS NOT NULL AND author_name IS NOT NULL
GROUP BY author_key, author_name
QUALIFY row_number() OVER (PARTITION BY author_key ORDER BY count(*) DESC, author_name) = 1
"""


class Silver:
    """Silver's tables in DuckDB, to compute those of gold from."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET threads = 1")
        for name, table in tables.items():
            self._connection.register(name, table)
        self._connection.execute(PAIRS)
        self._connection.execute(NAMED)

    def gold(self, table: str) -> list[dict[str, Any]]:
        """Return the rows that a gold table has to hold."""
        cursor = self._connection.execute(TABLES[table])
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
