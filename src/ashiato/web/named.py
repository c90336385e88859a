"""Words of the engines that pages show as they are: marked here, so that the catalogues have them."""

from __future__ import annotations

from ashiato.web.page import N_

ROLES = (N_("viewer"), N_("analyst"), N_("admin"))
LEVELS = (N_("critical"), N_("high"), N_("medium"), N_("low"), N_("informational"))
TOKEN_STATES = (N_("active"), N_("expired"), N_("revoked"))
#: What a silence is known by (watch.silence).
RESTS_ON = (N_("digest"), N_("habit"), N_("setting"))
