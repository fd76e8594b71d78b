"""X's own client: posts, a video in segments, a look at both, deletion."""

import base64

from asking import SANDBOX, account, file
from xdk import Client
from xdk.media.models import AppendUploadRequest, CreateMetadataRequest, InitializeUploadRequest
from xdk.posts.models import CreateRequest

SEGMENT = 1 << 15

token = account("twitter")["access_token"]
client = Client(base_url=f"{SANDBOX}/twitter", access_token=token)
me = client.users.get_me()
assert me.data.username == "acme", me

post = client.posts.create(body=CreateRequest(text="Hello from X's own client"))
assert client.posts.get_by_id(id=post.data.id).data.text == "Hello from X's own client"

film = file("wide.mp4")
begin = InitializeUploadRequest(media_type="video/mp4", total_bytes=len(film), media_category="tweet_video")
media_id = client.media.initialize_upload(body=begin).data.id
for index, start in enumerate(range(0, len(film), SEGMENT)):
    segment = {"media": base64.b64encode(film[start : start + SEGMENT]).decode(), "segment_index": index}
    client.media.append_upload(media_id, body=AppendUploadRequest.model_validate(segment))
client.media.finalize_upload(media_id)
client.media.get_upload_status(media_id=media_id)
described = {"id": media_id, "metadata": {"alt_text": {"text": "Nothing, for ten seconds"}}}
client.media.create_metadata(body=CreateMetadataRequest.model_validate(described))
shown = client.posts.create(body=CreateRequest.model_validate({"text": "A film", "media": {"media_ids": [media_id]}}))
assert {post.data.id, shown.data.id} <= {one.id for one in next(iter(client.users.get_posts(id=me.data.id))).data}
client.posts.delete(id=post.data.id)
