-- Which artists have most songs on playlists?
-- Songs that a playlist ever held, each counted once; num_songs is how many of the artist's songs
-- are known at all.
WITH held AS (
    SELECT DISTINCT song_id FROM gold.song_chart
),

credits AS (
    SELECT credit.artist_id, count(*) AS songs_on_playlists
    FROM held
    INNER JOIN silver.spotify_songs AS song ON song.song_id = held.song_id
    CROSS JOIN unnest(song.artist_ids) AS credit (artist_id)
    GROUP BY credit.artist_id
)

SELECT
    artist.name,
    credits.songs_on_playlists,
    artist.num_playlists,
    artist.num_songs,
    artist.num_albums
FROM credits
INNER JOIN gold.artist_summary AS artist ON artist.artist_id = credits.artist_id
ORDER BY credits.songs_on_playlists DESC, artist.num_playlists DESC, artist.artist_id
LIMIT 20
