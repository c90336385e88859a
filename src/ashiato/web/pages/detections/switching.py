"""Switching rules on and off, trying them on the past, bringing in others'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ashiato.web.page import N_, Wrong
from ashiato.web.pages.detections.rule import found
from ashiato.web.pages.detections.words import area, rules
from ashiato.web.pages.jobs import start
from ashiato.web.visit import quoted

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.web.visit import Visit


@area.post("/detections/{id:path}/switch", title=N_("Switch on or off"), least="admin", grouped=False)
def switch(visit: Visit) -> Response:
    """`to`: on, off, or as its authors mean it (author)."""
    from ashiato.detect.ruleset import say_enabled

    # A rule bears on every account: whoever sees only some may not switch it.
    visit.who.require("detections")
    one = found(visit, rules(visit))
    meant: dict[str, bool | None] = {"on": True, "off": False, "author": None}
    to = visit.told("to")
    if to not in meant:
        raise Wrong(visit._("On or off?"))
    say_enabled(visit.ledger, [one.rule.id], enabled=meant[to])
    visit.audit("rule switched", one.rule.id, {"to": to, "title": one.rule.title})
    return visit.redirect(visit.link(f"/detections/{quoted(one.rule.id)}", done=to))


@area.post("/detections/backtest", title=N_("Backtest"), ability="detections", grouped=False)
def backtest(visit: Visit) -> Response:
    """`rule`: ids; or `all`; `from`, `to`: days (UTC)."""
    asked = {
        "rules": visit.form.get("rule", []),
        "all": visit.told("all") == "1",
        "from": visit.told("from"),
        "to": visit.told("to"),
    }
    return start(visit, "backtest", asked)


@area.get("/detections/import", title=N_("Bring in rules"), least="admin", grouped=False)
def importing(visit: Visit) -> Response:
    return visit.render("detections/import.html")


@area.post("/detections/import", title=N_("Import"), least="admin", grouped=False)
def bring(visit: Visit) -> Response:
    """`text`: Sigma rules as YAML; or `path`: a folder, zip or file of the server; `pack`: what they are kept under."""
    from ashiato.watch.job_kinds.rule_import import keep_upload

    visit.who.require("detections")
    text, path = visit.form.get("text", [""])[-1], visit.told("path")
    if bool(text.strip()) == bool(path):
        raise Wrong(visit._("Give the text of rules, or a folder of the server; one of both"))
    asked = {"path": path, "pack": visit.told("pack")}
    if text.strip():
        asked = {"upload": keep_upload(visit.home, text.encode()), "pack": visit.told("pack") or "pasted"}
    return start(visit, "rule_import", asked)
