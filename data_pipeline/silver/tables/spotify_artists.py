"""Artists of Spotify: those of the songs and of the albums."""

from data_pipeline.silver.parse import name, text
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="spotify_artists",
    source="spotify",
    origins=(
        Origin(
            "playlist_items",
            each=(
                "track.artists[]",
                "item.artists[]",
                "track.album.artists[]",
                "item.album.artists[]",
            ),
        ),
        Origin("albums", each=("artists[]", "tracks.items[].artists[]", "items[].artists[]")),
    ),
    key=("artist_id",),
    fields=(
        Field("artist_id", "string", "Spotify's id of the artist", text("id")),
        Field("name", "string", "Name", name("name")),
        Field("url", "string", "Their page on Spotify", text("external_urls.spotify")),
    ),
)
