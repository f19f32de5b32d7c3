"""A browser without scripts: reads a page's form and sends it as it stands, but for what a user changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.model import RawRequest, Reply
from tests.emulator.oauth_app import FORM


@dataclass
class Control:
    """An input of a form."""

    kind: str
    name: str
    value: str
    checked: bool
    labelled: bool


class Page(HTMLParser):
    """What a browser makes of an HTML answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply
        self.controls: list[Control] = []
        self.buttons: dict[str, str] = {}
        """The value of each button, by its text."""
        self.alert = ""
        self.text = ""
        self.tags: list[str] = []
        self.action = ""
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(reply.body.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append(tag)
        if tag == "form":
            self.action = attributes["action"] or ""
        if tag == "input":
            self.controls.append(
                Control(
                    kind=attributes.get("type") or "text",
                    name=attributes["name"] or "",
                    value=attributes.get("value") or "",
                    checked="checked" in attributes,
                    labelled=any(name == "label" for name, _ in self._open),
                )
            )
        elif tag not in ("meta",):
            self._open.append((tag, attributes))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        if "style" in tags:
            return
        self.text += data
        if self._open and self._open[-1][0] == "button":
            self.buttons[data] = self._open[-1][1]["value"] or ""
        if any(attributes.get("role") == "alert" for _, attributes in self._open):
            self.alert += data

    def values(self, name: str, *, checked: bool | None = None) -> list[str]:
        """Return the values of the controls with a name; only those that are (not) checked."""
        found = (control for control in self.controls if control.name == name)
        return [control.value for control in found if checked in (None, control.checked)]

    def choose(self, name: str, *values: str) -> None:
        """Check the controls of a name that have these values, and no other."""
        for control in self.controls:
            if control.name == name:
                control.checked = control.value in values

    def fill(self, name: str, text: str) -> None:
        """Type into a text field."""
        (control,) = (control for control in self.controls if control.name == name)
        control.value = text


@dataclass
class Browser:
    """Opens pages of an emulator, and keeps its cookies."""

    emulator: Emulator
    cookies: dict[str, str] = field(default_factory=dict[str, str])

    def get(self, uri: str) -> Reply:
        parts = urlsplit(uri)
        return self._send("GET", f"{parts.path}?{parts.query}", {}, b"")

    def open(self, uri: str) -> Page:
        return Page(self.get(uri))

    def press(self, page: Page, button: str) -> Reply:
        """Send a page's form."""
        data = [
            (control.name, control.value)
            for control in page.controls
            if control.checked or control.kind not in ("radio", "checkbox")
        ]
        body = urlencode([*data, ("decision", page.buttons[button])]).encode()
        return self._send("POST", page.action, {**FORM, "content-length": str(len(body))}, body)

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        reply = self.emulator.handle(
            RawRequest(method, path, {**headers, **({"cookie": cookie} if cookie else {})}, body)
        )
        if kept := reply.headers.get("set-cookie"):
            name, _, rest = kept.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return reply
