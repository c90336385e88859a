"""An export: sent while it is made; what it reads is let go of at its end, also where nobody stayed to hear it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


class Export(StreamingResponse):
    """`ended` is called once it is sent or given up. A browser may be gone before the first part is asked for: a
    generator that never began runs no `finally` of its own."""

    def __init__(
        self, parts: Iterable[bytes] | Iterable[str], media_type: str, ended: Callable[[], None]
    ) -> None:
        super().__init__(parts, media_type=media_type)
        self._parts = parts
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # A part that is being made is waited for, also where the browser is gone: nothing runs here any more.
            close = getattr(self._parts, "close", None)
            try:
                if close is not None:
                    close()
            finally:
                self._ended()
