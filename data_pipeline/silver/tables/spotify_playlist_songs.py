"""The songs of each Spotify playlist, day by day and in order."""

from data_pipeline.silver.parse import text, timestamp, whole
from data_pipeline.silver.parse_line import in_unit, logical_date
from data_pipeline.silver.parse_song import kind
from data_pipeline.silver.quality import of_kind, required
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="spotify_playlist_songs",
    source="spotify",
    origins=(Origin("playlist_items", at=("track", "item")),),
    key=(
        "playlist_id",
        "snapshot_date",
        "position",
    ),
    fields=(
        Field("playlist_id", "string", "Spotify's id of the playlist", in_unit("playlist_items")),
        Field("snapshot_date", "date", "Logical date of the run that saw it so", logical_date()),
        Field("position", "bigint", "Place in the list as published, from 1", whole("_position")),
        Field("song_id", "string", "The song, as in spotify_songs", text("id")),
        Field(
            "added_at",
            "timestamp",
            "When it was put on the list, UTC; 1970 where Spotify does not know",
            timestamp("/added_at"),
        ),
    ),
    rules=(
        required("song_id"),
        of_kind("kind", "track"),
    ),
    checked=(Field("kind", "string", "track, episode or local file", kind()),),
    snapshot=("playlist_id", "snapshot_date"),
)
