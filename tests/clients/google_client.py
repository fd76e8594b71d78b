"""Google's own client: a resumable upload that survives a lost answer, a thumbnail, a comment, lists, deletion.

`api_endpoint` leads it here for everything but uploads, for which it asks its discovery document.
"""

import io
import json
from pathlib import Path

from asking import SANDBOX, account, file, order
from google.oauth2.credentials import Credentials
from googleapiclient import discovery
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseUpload

CHUNK = 1 << 18

known = account("youtube")
credentials = Credentials(
    None,
    refresh_token=known["refresh_token"],
    token_uri=f"{SANDBOX}/youtube/token",
    client_id=known["client_id"],
    client_secret=known["client_secret"],
)
endpoint = {"api_endpoint": f"{SANDBOX}/youtube/"}
by_endpoint = discovery.build("youtube", "v3", credentials=credentials, client_options=endpoint)
channel = by_endpoint.channels().list(part="snippet,contentDetails", mine=True).execute()["items"][0]

document = json.loads((Path(discovery.__file__).parent / "discovery_cache/documents/youtube.v3.json").read_text())
youtube = discovery.build_from_document({**document, "rootUrl": f"{SANDBOX}/youtube/"}, credentials=credentials)
about = {
    "snippet": {"title": "From Google's own client", "categoryId": "22"},
    "status": {"privacyStatus": "public", "selfDeclaredMadeForKids": False},
}


def uploaded(*, times: int) -> str:
    film = MediaIoBaseUpload(io.BytesIO(file("tall.mp4")), "video/mp4", chunksize=CHUNK, resumable=True)
    sending, answer, lost = youtube.videos().insert(part="snippet,status", body=about, media_body=film), None, 0
    while answer is None:
        try:
            _, answer = sending.next_chunk()
        except HttpError as error:
            if error.status_code != 500:
                raise
            lost += 1
    assert lost == times
    return answer["id"]


uploaded(times=0)
order("youtube", "accept_then_500")
video = uploaded(times=1)
picture = MediaIoBaseUpload(io.BytesIO(file("square.png")), "image/png")
youtube.thumbnails().set(videoId=video, media_body=picture).execute()
said = {"videoId": video, "topLevelComment": {"snippet": {"textOriginal": "First"}}}
youtube.commentThreads().insert(part="snippet", body={"snippet": said}).execute()
playlist = channel["contentDetails"]["relatedPlaylists"]["uploads"]
listed = youtube.playlistItems().list(part="contentDetails", playlistId=playlist).execute()["items"]
assert video in {one["contentDetails"]["videoId"] for one in listed}
assert len(listed) == 2, "the answer that was lost made no second video"
youtube.videos().delete(id=video).execute()
