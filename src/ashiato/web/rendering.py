"""Templates: one Jinja environment a language, everything escaped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jinja2

if TYPE_CHECKING:
    from ashiato.web.page import Nav, Route
    from ashiato.web.site import Site
    from ashiato.web.visit import Visit

_HERE = Path(__file__).parent
TEMPLATES = _HERE / "templates"
STATIC = _HERE / "static"


class Rendering:
    """Renders pages. Templates see `visit`, `title`, `nav`, `_`, `ngettext` and what the handler gives."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._environments = {language: self._environment(language) for language in site.words}
        self.account_names = {a.id: a.name for a in site.settings.accounts}
        self.styles = {a.name for a in site.areas if (STATIC / f"{a.name}.css").is_file()}
        self.nav: list[tuple[Nav, Route]] = sorted(
            ((r.nav, r) for r in site.routes if r.nav is not None), key=lambda entry: entry[0].position
        )

    def _environment(self, language: str) -> jinja2.Environment:
        from ashiato.web import filters
        from ashiato.web.gaps import gap_words

        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            finalize=_shown,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,
            auto_reload=False,
        )
        words = self.site.words[language]  # type: ignore[index]
        environment.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
        for name in ("gettext", "ngettext"):
            environment.globals[name] = _with_shown_values(
                cast("Callable[..., str]", environment.globals[name])
            )
        filters.register(environment, language)
        environment.globals["static"] = _static_address
        environment.globals["gap_words"] = gap_words
        return environment

    def page(self, visit: Visit, template: str, title: str | None, values: dict[str, Any]) -> str:
        """The whole document. Raises jinja2's errors, which are defects."""
        from ashiato.web.guiding import strip_of

        found = self._environments[visit.language].get_template(template)
        own = title if title is not None else (visit._(visit.route.title) if visit.route else "")
        area = visit.route.area if visit.route else ""
        return found.render(
            visit=visit,
            title=own,
            nav=[
                (n, r) for n, r in self.nav if visit.identity is not None and visit.may(r.ability or r.least)
            ],
            area=area,
            area_css=f"{area}.css" if area in self.styles else None,
            utc=UTC,
            strip=strip_of(visit),
            **values,
        )

    def account_name(self, account: str | None) -> str | None:
        """The name that the settings give an account."""
        return self.account_names.get(account or "")


def _shown(value: object) -> object:
    """Text of a record in what is written: control characters and those that turn the direction of what follows are
    named, not obeyed. What a template or macro made is that already."""
    from ashiato.core.printing import plain

    return plain(value) if type(value) is str and not value.isprintable() else value


def _with_shown_values(translate: Callable[..., str]) -> Callable[..., str]:
    """Messages escape their values, and so make them a template's own before `finalize` sees them."""

    @jinja2.pass_context
    def shown(context: jinja2.runtime.Context, *messages: Any, **values: Any) -> str:
        return translate(context, *messages, **{key: _shown(value) for key, value in values.items()})

    return shown


def _static_address(name: str) -> str:
    """A file of ours; its change of content changes the address, so that browsers may keep it for ever."""
    return f"/static/{name}?{version_of(name)}"


_versions: dict[str, tuple[float, str]] = {}


def version_of(name: str) -> str:
    """Twelve hex digits of the content; looked at again where the file changed."""
    import hashlib

    path = STATIC / name
    changed = path.stat().st_mtime
    known = _versions.get(name)
    if known is None or known[0] != changed:
        known = _versions[name] = (changed, hashlib.sha256(path.read_bytes()).hexdigest()[:12])
    return known[1]
