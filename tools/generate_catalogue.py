"""Writes src/ashiato/detect/operations.txt: which operations AWS's services have, from botocore's models.

python tools/generate_catalogue.py            write it
python tools/generate_catalogue.py --check    say whether a newer botocore knows more, status 1

A line is `NAME[,NAME…]/MODEL OPERATION OPERATION …`: what may stand before `.amazonaws.com` in eventSource for the
service (its endpoint's and its signature's name), its name in botocore, then its operations. Lambda's operations carry the
date of their API where it is that of their eventName (`ListFunctions:20150331`).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import botocore
import botocore.session

FILE = Path(__file__).parents[1] / "src" / "ashiato" / "detect" / "operations.txt"
#: Lambda names its events by the date of the API for the APIs up to this one.
LAST_DATED_API = "20181031"


def lines() -> list[str]:
    """The file's lines, one a service."""
    loader = botocore.session.get_session().get_component("data_loader")
    found = []
    for service in sorted(loader.list_available_services("service-2")):
        model = loader.load_service_model(service, "service-2")
        metadata = model["metadata"]
        names = [metadata["endpointPrefix"], metadata.get("signingName")]
        sources = ",".join(dict.fromkeys(n.lower() for n in names if n))
        operations = sorted(_named(service, name, o) for name, o in model["operations"].items())
        found.append(" ".join([f"{sources}/{service}", *operations]))
    return found


def _named(service: str, name: str, operation: dict[str, dict[str, str]]) -> str:
    dated = re.match(r"/(\d{4})-(\d\d)-(\d\d)/", operation["http"]["requestUri"])
    if service != "lambda" or dated is None or "".join(dated.groups()) > LAST_DATED_API:
        return name
    return f"{name}:{''.join(dated.groups())}"


def main() -> int:
    """Write the file, or compare it."""
    text = "".join(f"{line}\n" for line in [f"# botocore {botocore.__version__}", *lines()])
    if "--check" in sys.argv[1:]:
        known = set(FILE.read_text(encoding="utf-8").split()) if FILE.exists() else set()
        new = set(text.split()) - known - {botocore.__version__}
        if new:
            print(f"{len(new)} names are new: run python tools/generate_catalogue.py")
        return 1 if new else 0
    FILE.write_text(text, encoding="utf-8")
    print(
        f"wrote {FILE.name}: {len(text) // 1024} KiB, {sum(len(x.split()) - 1 for x in lines())} operations"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
