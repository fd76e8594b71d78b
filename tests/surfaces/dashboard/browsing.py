"""A person in a browser: reads pages, follows links and presses buttons by the names that a screen reader would say.

page = await browser.open("/accounts")
page = await browser.press(page, "Make a set", name="Brand")
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx2

from world import PASSWORD

NAVIGATING = {"Accept": "text/html,application/xhtml+xml"}
_VOID = {"input", "meta", "link", "br", "option"}


@dataclass
class Control:
    """A link, a button or a field: its attributes, and what it is called."""

    tag: str
    attributes: dict[str, str]
    text: str = ""

    @property
    def label(self) -> str:
        return self.attributes.get("aria-label") or " ".join(self.text.split())


@dataclass
class Form:
    attributes: dict[str, str]
    fields: list[Control] = field(default_factory=list)
    buttons: list[Control] = field(default_factory=list)

    @property
    def action(self) -> str:
        return self.attributes.get("action", "")

    def filled(self, button: Control | None = None, **given: str | list[str]) -> dict[str, Any]:
        """What a browser would send: a radio or checkbox when it is checked, a button when it is pressed."""
        sent: dict[str, list[str]] = {}
        for one in (*self.fields, *([button] if button else [])):
            chosen = one.attributes.get("type") not in ("radio", "checkbox") or "checked" in one.attributes
            if chosen and "name" in one.attributes:
                sent.setdefault(one.attributes["name"], []).append(one.attributes.get("value", ""))
        assert set(given) <= {one.attributes["name"] for one in self.fields}, given
        return {name: values[0] if len(values) == 1 else values for name, values in sent.items()} | given


class Page(HTMLParser):
    def __init__(self, answer: httpx2.Response) -> None:
        super().__init__()
        self.answer = answer
        self.forms: list[Form] = []
        self.links: list[Control] = []
        self.labels: dict[str, str] = {}
        self.every: list[Control] = []
        self._open: list[Control] = []
        self._said: list[str] = []
        self.feed(answer.text)

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def path(self) -> str:
        return self.answer.url.path

    @property
    def text(self) -> str:
        return " ".join("".join(self._said).split())

    @property
    def told(self) -> str:
        """What the last request has to say."""
        said = [one.label for one in self.every if one.attributes.get("role") in ("status", "alert")]
        assert len(said) <= 1, said
        return said[0] if said else ""

    def link(self, label: str) -> Control:
        (found,) = [one for one in self.links if one.label == label]
        return found

    def has(self, label: str) -> bool:
        buttons = [button for form in self.forms for button in form.buttons]
        return any(one.label == label for one in (*self.links, *buttons))

    def button(self, label: str) -> tuple[Form, Control]:
        found = [(form, button) for form in self.forms for button in form.buttons if button.label == label]
        assert len(found) == 1, f"{len(found)} buttons {label!r} in {self.text}"
        return found[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        control = Control(tag, {name: value or "" for name, value in attrs})
        self.every.append(control)
        if tag == "form":
            self.forms.append(Form(control.attributes))
        elif tag == "a" and "href" in control.attributes:
            self.links.append(control)
        elif tag == "button":
            self.forms[-1].buttons.append(control)
        elif tag == "input":
            self.forms[-1].fields.append(control)
            if any(one.tag == "label" for one in self._open):
                self.labels[control.attributes["name"]] = "around it"
        elif tag == "label" and "for" in control.attributes:
            self.labels[control.attributes["for"]] = "beside it"
        if tag not in _VOID:
            self._open.append(control)

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            if self._open.pop().tag == tag:
                return

    def handle_data(self, data: str) -> None:
        self._said.append(data)
        for one in self._open:
            one.text += data


class Browser:
    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client
        client.headers.update(NAVIGATING)
        client.follow_redirects = True

    async def open(self, path: str) -> Page:
        return Page(await self.client.get(path))

    async def follow(self, page: Page, label: str) -> Page:
        return await self.open(str(page.answer.url.join(page.link(label).attributes["href"])))

    async def press(self, page: Page, label: str, **given: str | list[str]) -> Page:
        """Press a button with its form filled in so, and go where that leads."""
        form, button = page.button(label)
        return await self.send(page, form, form.filled(button, **given))

    async def send(self, page: Page, form: Form, fields: dict[str, Any]) -> Page:
        target = page.answer.url.join(form.action) if form.action else page.answer.url
        if form.attributes.get("method") == "post":
            return Page(await self.client.post(target, data=fields))
        return Page(await self.client.get(target.copy_with(query=urlencode(fields, doseq=True).encode())))

    async def sign_in(self, email: str, *, environment: str = "test", password: str = PASSWORD, **more: Any) -> Page:
        page = await self.open("/signin")
        return await self.press(page, "Sign in", email=email, password=password, environment=environment, **more)
