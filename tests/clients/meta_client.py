"""Meta's own client: a Page's posts, photos, lists and numbers; an Instagram account's publishing. Only the address of
the Graph API is changed."""

from asking import SANDBOX, account
from facebook_business.adobjects.iguser import IGUser
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.pagepost import PagePost
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession


def api_of(vendor: str) -> tuple[str, FacebookAdsApi]:
    known = account(vendor)
    FacebookSession.GRAPH = f"{SANDBOX}/{vendor}"
    return known["account"], FacebookAdsApi(FacebookSession(access_token=known["access_token"]), api_version="v26.0")


page_id, api = api_of("facebook")
page = Page(page_id, api=api)
assert page.api_get(fields=["name"])["name"]
post = page.create_feed(params={"message": "From Meta's own client"})
page.create_photo(params={"url": f"{SANDBOX}/files/square.jpg", "caption": "A square"})
listed = [one["id"] for one in page.get_published_posts(params={"limit": 1})]
assert post["id"] in listed
assert len(listed) == 2
PagePost(post["id"], api=api).api_delete()

user_id, api = api_of("instagram")
user = IGUser(user_id, api=api)
container = user.create_media(params={"image_url": f"{SANDBOX}/files/square.jpg", "caption": "From Meta's own client"})
published = user.create_media_publish(params={"creation_id": container["id"]})
assert published["id"] in {one["id"] for one in user.get_media(fields=["caption"])}
