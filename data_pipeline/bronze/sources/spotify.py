"""Spotify's Web API: the playlists and albums that the settings name.

Since February 2026 an app in development mode sees the contents of its owner's own and
collaborative playlists only, at /playlists/{id}/items
(https://developer.spotify.com/documentation/web-api/tutorials/february-2026-migration-guide);
what it is refused is said and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import requests

from data_pipeline.bronze.http import TIMEOUT, Answer, Api
from data_pipeline.bronze.run import Plan, Run, Unit
from data_pipeline.bronze.source import ApiSource, Note, Page, Reached
from data_pipeline.errors import ApiError, ApiRefusedError
from data_pipeline.settings import Allowed, ApiSettings, Url

PAGE_SIZE = 50

Ids = Annotated[
    tuple[str, ...],
    Allowed(
        "Spotify's ids, such as 37i9dQZF1DXcBWIGoYBM5M",
        lambda ids: all(re.fullmatch(r"[A-Za-z0-9_-]+", each) for each in ids),
    ),
]


@dataclass(frozen=True)
class SpotifySettings(ApiSettings):
    """[spotify]"""

    token_url: Url
    playlists: Ids
    albums: Ids


class Spotify(ApiSource[SpotifySettings]):
    """The items of each playlist, in order, and each album with its tracks."""

    settings_type = SpotifySettings
    credentials: ClassVar[Mapping[str, str]] = {
        "client_id": "SPOTIFY_CLIENT_ID",
        "client_secret": "SPOTIFY_CLIENT_SECRET",
    }
    # A token is valid for an hour.
    headers_last = 3500

    def headers(self, secret: Mapping[str, str]) -> dict[str, str]:
        """Return the headers with a new token, by client credentials.

        https://developer.spotify.com/documentation/web-api/tutorials/client-credentials-flow
        Raises ApiRefusedError where Spotify does not take them, ApiError where it cannot be asked.
        """
        url = self.settings.token_url
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.post(
                    url,
                    data={"grant_type": "client_credentials"},
                    auth=(secret["client_id"], secret["client_secret"]),
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                raise ApiError(
                    f"spotify cannot be reached at {url} ({type(error).__name__})"
                ) from None
        if answer.status_code in (400, 401, 403):
            raise ApiRefusedError(
                f"spotify answered {answer.status_code} to {url}: it does not take the client id "
                "and secret. Check SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET, on AWS the "
                "source's secret.",
                answer.status_code,
            )
        try:
            return {"Authorization": f"Bearer {answer.json()['access_token']}"}
        except (ValueError, KeyError, TypeError):
            raise ApiError(
                f"spotify answered {answer.status_code} to {url} without an access_token"
            ) from None

    def plan(self, api: Api, run: Run, reached: Reached) -> Plan:
        """Return a unit for each playlist, whose records do not name it, and each album."""
        wanted = [("playlist_items", name) for name in self.settings.playlists]
        wanted += [("albums", name) for name in self.settings.albums]
        units = [
            Unit(f"{dataset}-{index:06d}-{name}", dataset, {"id": name})
            for index, (dataset, name) in enumerate(wanted[: run.limit], 1)
        ]
        return Plan(units)

    def fetch(self, api: Api, unit: Unit) -> Iterator[Page | Note]:
        """Yield the pages of a playlist or an album, or a note that Spotify refuses it."""
        name = unit.params["id"]
        try:
            if unit.dataset == "albums":
                answer = api.get(f"/albums/{name}")
            else:
                # Else episodes come in the guise of tracks.
                kinds = "track,episode"
                answer = api.get(
                    f"/playlists/{name}/items", limit=PAGE_SIZE, additional_types=kinds
                )
        except ApiRefusedError as error:
            if error.status not in (403, 404):
                raise
            kind = "album" if unit.dataset == "albums" else "playlist"
            yield Note(
                f"spotify answered {error.status}: the {kind} {name} is left out. Spotify gives "
                "out public albums, and of playlists the app owner's own and collaborative ones."
            )
            return
        # An album is one record, and so is each further page of its tracks.
        member = None if unit.dataset == "albums" else "items"
        for number, page in enumerate(_pages(api, answer), 1):
            yield Page(number, page, member)


def _pages(api: Api, answer: Answer) -> Iterator[Answer]:
    """Yield ``answer`` and what its next-links lead to; of an album those of its tracks."""
    while True:
        yield answer
        content = answer.json()
        following = content.get("tracks", content).get("next")
        if not following:
            return
        answer = api.get(following)


SOURCE = Spotify
