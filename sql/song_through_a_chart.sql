-- How does a song make its way through a chart?
-- The song that was longest in a playlist, snapshot by snapshot; climbed is how many places it
-- won since the snapshot before. For another song, put its id and the playlist's into `followed`.
WITH followed AS (
    SELECT playlist_id, song_id
    FROM gold.song_chart
    ORDER BY days_on_chart DESC, playlist_id, song_id
    LIMIT 1
)

SELECT
    chart.snapshot_date,
    chart.position,
    chart.previous_position,
    chart.previous_position - chart.position AS climbed,
    chart.days_on_chart,
    chart.name,
    array_join(chart.artist_names, ', ') AS artists
FROM gold.song_chart AS chart
INNER JOIN followed
    ON followed.playlist_id = chart.playlist_id AND followed.song_id = chart.song_id
ORDER BY chart.snapshot_date, chart.position
