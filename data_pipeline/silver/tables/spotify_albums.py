"""Albums of Spotify: those of the playlists' songs, and those that configs.ini names."""

from data_pipeline.silver.parse import name, text, whole, year_of
from data_pipeline.silver.parse_names import texts
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="spotify_albums",
    source="spotify",
    origins=(
        Origin("playlist_items", each=("track.album", "item.album")),
        # A further page of an album's tracks is a record, too, but no album.
        Origin("albums", having="album_type"),
    ),
    key=("album_id",),
    fields=(
        Field("album_id", "string", "Spotify's id of the album", text("id")),
        Field("name", "string", "Name", name("name")),
        Field("album_type", "string", "album, single or compilation", text("album_type")),
        Field(
            "release_date",
            "string",
            "Release as given: a day, a month or a year",
            text("release_date"),
        ),
        Field(
            "release_date_precision", "string", "day, month or year", text("release_date_precision")
        ),
        Field(
            "release_year",
            "int",
            "Year of the release; NULL where it is not known",
            year_of("release_date"),
        ),
        Field("total_tracks", "bigint", "Number of its tracks", whole("total_tracks")),
        Field("url", "string", "Its page on Spotify", text("external_urls.spotify")),
        Field(
            "artist_ids",
            "array<string>",
            "Its artists, as in spotify_artists",
            texts("artists[].id"),
        ),
    ),
)
