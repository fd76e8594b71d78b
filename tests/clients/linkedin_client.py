"""LinkedIn's own client: login, a post, a video in parts, deletion. Only its constants for hosts are changed."""

import linkedin_api.common.constants as hosts
import requests
from asking import SANDBOX, account, file

hosts.OAUTH_BASE_URL = f"{SANDBOX}/linkedin/oauth/v2"
hosts.VERSIONED_BASE_URL = f"{SANDBOX}/linkedin/rest"
hosts.NON_VERSIONED_BASE_URL = f"{SANDBOX}/linkedin/v2"

from linkedin_api.clients.auth.client import AuthClient  # noqa: E402 (after the hosts)
from linkedin_api.clients.restli.client import RestliClient  # noqa: E402

app = account("linkedin")
auth = AuthClient(
    client_id=app["client_id"], client_secret=app["client_secret"], redirect_url="https://app.example/back"
)
consent = auth.generate_member_auth_url(scopes=["openid", "profile", "w_member_social"], state="s")
sent_back = requests.get(f"{consent}&approve=auto", allow_redirects=False, timeout=10).headers["location"]
token = auth.exchange_auth_code_for_access_token(sent_back.split("code=")[1].split("&")[0]).access_token
assert auth.introspect_access_token(token).active

client = RestliClient()
as_member = {"access_token": token, "version_string": "202609"}
author = f"urn:li:person:{client.get(resource_path='/userinfo', access_token=token).entity['sub']}"
post = {
    "author": author,
    "commentary": "From LinkedIn's own client",
    "visibility": "PUBLIC",
    "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
    "lifecycleState": "PUBLISHED",
    "isReshareDisabledByAuthor": False,
}
made = client.create(resource_path="/posts", entity=post, **as_member)
assert made.status_code == 201, made.status_code

film = file("tall.mp4")
wanted = {"owner": author, "fileSizeBytes": len(film), "uploadCaptions": False, "uploadThumbnail": False}
begun = client.action(
    resource_path="/videos",
    action_name="initializeUpload",
    action_params={"initializeUploadRequest": wanted},
    **as_member,
)
parts = begun.value["uploadInstructions"]
sent = [requests.put(one["uploadUrl"], film[one["firstByte"] : one["lastByte"] + 1], timeout=10) for one in parts]
ended = {
    "video": begun.value["video"],
    "uploadToken": "",
    "uploadedPartIds": [answer.headers["etag"] for answer in sent],
}
client.action(
    resource_path="/videos",
    action_name="finalizeUpload",
    action_params={"finalizeUploadRequest": ended},
    **as_member,
)
shown = {**post, "commentary": "A film", "content": {"media": {"id": begun.value["video"], "title": "Film"}}}
assert client.create(resource_path="/posts", entity=shown, **as_member).status_code == 201
gone = client.delete(resource_path="/posts/{id}", path_keys={"id": made.decoded_entity_id}, **as_member)
assert gone.status_code == 204, gone.status_code
