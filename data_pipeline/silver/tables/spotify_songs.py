"""Songs of Spotify: those of the playlists, and of the albums that configs.ini names."""

from data_pipeline.silver.parse import boolean, name, positive, text, whole
from data_pipeline.silver.parse_line import in_unit
from data_pipeline.silver.parse_names import texts
from data_pipeline.silver.parse_song import kind
from data_pipeline.silver.quality import of_kind
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="spotify_songs",
    source="spotify",
    origins=(
        # A playlist's item is the fuller record.
        Origin("playlist_items", at=("track", "item"), precedence=1),
        Origin("albums", each=("tracks.items[]", "items[]")),
    ),
    key=("song_id",),
    fields=(
        Field("song_id", "string", "Spotify's id of the song", text("id")),
        Field("name", "string", "Name; NULL of a song that was removed", name("name")),
        Field("duration_ms", "bigint", "Milliseconds that it takes", positive("duration_ms")),
        Field("explicit", "boolean", "Whether its words are", boolean("explicit")),
        Field(
            "popularity",
            "bigint",
            "0 to 100; NULL where Spotify does not say, as since February 2026",
            whole("popularity"),
        ),
        Field("url", "string", "Its page on Spotify", text("external_urls.spotify")),
        Field(
            "album_id",
            "string",
            "Its album, as in spotify_albums",
            text("album.id").or_else(in_unit("albums")),
        ),
        Field(
            "artist_ids",
            "array<string>",
            "Its artists, as in spotify_artists, in the order of the credits",
            texts("artists[].id"),
        ),
        Field("track_number", "bigint", "Its place on the disc", positive("track_number")),
        Field("disc_number", "bigint", "Its disc of the album", positive("disc_number")),
    ),
    rules=(of_kind("kind", "track"),),
    checked=(Field("kind", "string", "track, episode or local file", kind()),),
)
