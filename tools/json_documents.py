"""Keys of the JSON documents that commands print, with type and meaning.

`tests/docs/test_json_documents.py` runs the commands and compares: no key undocumented, none invented.
"""

from __future__ import annotations

from dataclasses import dataclass

from access_documents import ACCESS
from alert_documents import ALERTS
from config_documents import CONFIG
from detection_documents import DETECTIONS
from document_keys import Keys
from search_documents import SEARCH
from trace_documents import TRACE


@dataclass(frozen=True)
class Document:
    """The JSON of one call."""

    call: str
    keys: Keys
    about: str = ""


_COLLECTED = {
    "objects": ("object", "objects: seen = taken + already + skipped + quarantined"),
    "objects.seen": (
        "number",
        "objects that the sources hold, but those that could not be fetched",
    ),
    "objects.taken": ("number", "read now; a part of their records may be in quarantine"),
    "objects.already": ("number", "known from an earlier run, not read again"),
    "objects.skipped": ("number", "readable, and no log of ours; counted, not kept"),
    "objects.quarantined": ("number", "nothing of them could be read"),
    "records": ("object", "rows added, by table"),
    "records.cloudtrail": ("number", "events"),
    "records.config_items": ("number", "configuration items"),
    "records.vpc_flow_logs": ("number", "flow records"),
    "duplicates": (
        "number",
        "records that the lake held already. Offered = added + duplicates + variants + quarantined_records",
    ),
    "variants": ("number", "second copies that say more than the first: kept beside it"),
    "quarantined_records": ("number", "entries added to the quarantine"),
    "bytes": ("number", "bytes read, as delivered"),
    "seconds": ("number", "wall-clock time"),
    "evaluated": ("object", "what rules made of it; null with --no-evaluate or after an interruption"),
    "evaluated.rules": ("number", "rules that are evaluated"),
    "evaluated.records": ("number", "records that they were evaluated over"),
    "evaluated.findings": ("object", "findings by what happened to them: new, grown, amended, withdrawn"),
    "evaluated.alerts": ("number", "alerts raised"),
    "evaluated.messages": ("number", "messages put into the outbox (with --notify)"),
    "evaluated.seconds": ("number", "wall-clock time of it"),
}

_LAG = {
    "p50": ("number", "half of the records: at most so many seconds"),
    "p95": ("number", "95 of 100"),
    "max": ("number", "all"),
}

DOCUMENTS: dict[str, tuple[Document, ...]] = {
    "ashiato collect": (
        Document(
            "ashiato collect SOURCE --json",
            _COLLECTED,
            about="What could not be read is named on standard error, each object or folder with reason and"
            " remedy; [sources](sources.md#when-something-cannot-be-read) has the reasons, and"
            " `ashiato sources --json` lists what is still to be read.",
        ),
    ),
    "ashiato demo": (
        Document(
            "ashiato demo --json",
            {
                "collected": ("object", "the document of `ashiato collect`"),
                "story": ("list", "questions asked of the lake, in order"),
                "story[].title": ("text", "the question"),
                "story[].answer": ("text", "the answer in a sentence"),
                "story[].sql": (
                    "text",
                    "the statement, to run again with `ashiato query`; empty where it is no query",
                ),
                "story[].rows": ("list of objects", "rows of its answer"),
            },
        ),
    ),
    "ashiato demo generate": (
        Document(
            "ashiato demo generate --out DIR --json",
            {
                "out": ("text", "the folder"),
                "counts": ("object", "what was written"),
                "counts.events": ("number", "distinct CloudTrail events"),
                "counts.event_records": ("number", "events as delivered, second copies too"),
                "counts.items": ("number", "distinct configuration items"),
                "counts.item_records": ("number", "items as delivered: history, snapshots, second copies"),
                "counts.flow_records": ("number", "flow records"),
                "counts.flow_files": ("object", "files of flow records by shape"),
                "counts.flow_records_by_shape": ("object", "flow records by shape"),
                "counts.objects": ("number", "files"),
                "counts.bytes": ("number", "their bytes"),
                "seconds": ("number", "wall-clock time"),
            },
        ),
    ),
    "ashiato query": (
        Document(
            "ashiato query SQL --json",
            {"[]": ("object", "a row: the names of the answer's columns, and the values")},
            about="A list, one object a row. A row inside is an object, an array a list, a timestamp text.",
        ),
        Document(
            "ashiato query SQL --explain --json",
            {
                "sql": ("text", "the statement as DuckDB gets it"),
                "tables": ("list", "what it would read"),
                "tables[].table": ("text", "table"),
                "tables[].files": ("number", "files that may hold matching rows"),
                "tables[].bytes": ("number", "their bytes"),
                "tables[].rows": ("number", "their rows"),
                "tables[].narrowed by": ("text", "the condition by which other files were left out"),
            },
        ),
    ),
    "ashiato tables": (
        Document(
            "ashiato tables --json",
            {
                "[].table": ("text", "name in FROM"),
                "[].one row is": ("text", "what a row stands for"),
                "[].time": ("text", "the column to narrow by"),
                "[].columns": ("number", "how many columns"),
                "[].note": ("text", "which copies it shows"),
            },
        ),
    ),
    "ashiato schema": (
        Document(
            "ashiato schema TABLE --json",
            {
                "[].column": ("text", "name"),
                "[].type": ("text", "type as Athena writes it; `(JSON)` where the text holds JSON"),
                "[].meaning": ("text", "what it holds"),
                "[].source": ("text", "AWS's page that describes it; empty for columns that Ashiato adds"),
            },
        ),
    ),
    "ashiato sources": (
        Document(
            "ashiato sources --json",
            {
                "sources": ("list", "one entry for each source, log, account and region"),
                "sources[].source": ("text", "`files`, `stdin` or `s3://bucket`"),
                "sources[].log": ("text", "table that the records are in, or `digest`"),
                "sources[].account": ("text or null", "account"),
                "sources[].account_name": ("text or null", "its name in the settings"),
                "sources[].region": ("text or null", "region"),
                "sources[].newest": ("time or null", "time of the newest record"),
                "sources[].lag": ("object", "over the newest seven days, in seconds"),
                "sources[].lag.delivered": ("object or null", "from the record's time to AWS's delivery"),
                **{f"sources[].lag.delivered.{k}": v for k, v in _LAG.items()},
                "sources[].lag.taken": ("object or null", "from AWS's delivery to the lake"),
                **{f"sources[].lag.taken.{k}": v for k, v in _LAG.items()},
                "sources[].lag.evaluated": (
                    "object or null",
                    "from the lake to the rules; null where nothing was evaluated",
                ),
                "sources[].lag.alerted": (
                    "object or null",
                    "from the rules to the notifier; null where none was",
                ),
                "sources[].quiet_until": (
                    "time or null",
                    "CloudTrail: end of the newest hour (of 14 days) whose digest came; before it, no events is quiet",
                ),
                "sources[].objects": ("number", "objects taken"),
                "sources[].records": ("number", "their records, second copies too"),
                "sources[].bytes": ("number", "their bytes, as delivered"),
                "sources[].objects_a_day": ("number", "objects, over the days that had deliveries"),
                "sources[].bytes_a_day": ("number", "bytes, over the days that had deliveries"),
                "gaps": ("list", "what is known to be missing, 200 at most"),
                "gaps[].log": ("text", "table"),
                "gaps[].account": ("text or null", "account"),
                "gaps[].region": ("text or null", "region"),
                "gaps[].from": ("time", "begin"),
                "gaps[].to": ("time", "end"),
                "gaps[].why": (
                    "text",
                    "an hour without a digest, a file that a digest names and that never came, or SKIPDATA",
                ),
                "failed": ("list", "objects that could not be read yet, newest first, 200 at most"),
                "failed[].source": ("text", "source"),
                "failed[].object": ("text", "path or s3:// address"),
                "failed[].reason": ("text or null", "why"),
                "failed[].delivered": ("time or null", "when AWS delivered it"),
                "list_requests": ("list", "S3 list requests, newest day first within a source"),
                "list_requests[].source": ("text", "source"),
                "list_requests[].day": ("text", "UTC day"),
                "list_requests[].requests": ("number", "requests, retries too"),
                "disk": ("object", "disk now and later, in bytes"),
                "disk.home_bytes": ("number", "the whole home"),
                "disk.table_bytes": ("object", "data files by table"),
                "disk.archive_bytes": ("number", "kept objects"),
                "disk.bytes_a_day": ("number", "growth of the tables a day, over the newest 30 days"),
                "disk.in_30_days": ("number", "the home in 30 days, if that goes on"),
                "disk.in_365_days": ("number", "the home in a year, if that goes on"),
                "watch": ("object or null", "the process of `ashiato watch`; null where none ever ran"),
                "watch.running": ("true or false", "whether it runs now"),
                "watch.since": ("time", "when it began"),
                "watch.updated_at": ("time", "when it was last seen"),
                "watch.last_commit": ("time or null", "its last commit"),
                "watch.commit_error": ("text or null", "why committing fails"),
                "watch.commit_error_since": ("time or null", "since when"),
                "watch.waiting_objects": ("number", "objects that had arrived and waited to be committed"),
                "watch.waiting_bytes": ("number", "their bytes"),
                "watch.oldest_waiting": ("time or null", "when the oldest of them arrived"),
                "watched": (
                    "list",
                    "sources of the settings as `ashiato watch` saw them last, one entry a road",
                ),
                "watched[].name": ("text", "its name in the settings"),
                "watched[].type": ("text", "kind of road: `files`, `s3` …; a bucket with a queue has two"),
                "watched[].origins": ("list of text", "what `source` its objects have above"),
                "watched[].since": ("time or null", "when watching it began"),
                "watched[].last_poll": ("time or null", "when it was last looked at whole"),
                "watched[].last_arrival": ("time or null", "when something last came"),
                "watched[].error": ("text or null", "what is wrong, with the remedy"),
                "watched[].error_since": ("time or null", "since when"),
                "watched[].retry_at": ("time or null", "when it is tried again"),
                "watched[].backlog": ("number or null", "objects known to be still to come"),
                "watched[].forecast": ("text or null", "what is being done, or waited for"),
                "watched[].counts": ("object", "what happened so often since the process began"),
                "watched[].updated_at": ("time", "when this was written"),
                "silent": (
                    "list",
                    "what should have delivered and did not: [watching](watching.md#quiet-and-silent)",
                ),
                "silent[].source": ("text", "its name in the settings"),
                "silent[].log": ("text", "table"),
                "silent[].account": ("text or null", "account; null: the whole source"),
                "silent[].account_name": ("text or null", "its name in the settings"),
                "silent[].region": ("text or null", "region"),
                "silent[].since": (
                    "time",
                    "last delivery, or end of the last hour that a digest vouches for",
                ),
                "silent[].rests_on": ("text", "how it is known: `digest`, `habit` or `setting`"),
                "silent[].usual_gap": (
                    "number or null",
                    "seconds that it was usually silent at this hour of the week",
                ),
            },
            about="Status 1 where `gaps`, `failed` or `silent` has entries, or a watched source is in error.",
        ),
    ),
    "ashiato serve": (
        Document(
            "ashiato serve --json",
            {
                "address": ("text", "where the pages are"),
                "link": ("text or null", "the link for the first admin; null where there is a user already"),
            },
            about="Printed once the address is bound; the command goes on until it is stopped.",
        ),
    ),
    "ashiato watch": (
        Document(
            "ashiato watch --once --json",
            {
                "objects": ("object", "objects that were done with, by outcome"),
                "objects.committed": ("number", "in the lake, now or already"),
                "objects.quarantined": ("number", "nothing of them could be read"),
                "objects.failed": ("number", "could not be fetched; they come again"),
                "records": ("object", "rows added, by table"),
                "records.cloudtrail": ("number", "events"),
                "records.config_items": ("number", "configuration items"),
                "records.vpc_flow_logs": ("number", "flow records"),
                "commits": ("number", "commits"),
                "errors": ("list", "sources that are in error"),
                "errors[].source": ("text", "name"),
                "errors[].type": ("text", "kind of road"),
                "errors[].error": ("text", "what is wrong, with the remedy"),
                "silent": (
                    "number",
                    "how many sources or account-regions are silent; `ashiato sources` lists them",
                ),
                "seconds": ("number", "wall-clock time"),
            },
            about="Without `--once` the same is printed at the end. Status 1 (with `--once`) where `errors` has"
            " entries, or objects failed or went to quarantine.",
        ),
    ),
    "ashiato sources check": (
        Document(
            "ashiato sources check NAME --json",
            {
                "name": ("text", "the source's name"),
                "type": ("text", "its type"),
                "enabled": ("true or false", "whether `watch` reads it"),
                "ok": ("true or false", "nothing is missing and nothing is wrong"),
                "reads": ("list of texts", "what would be read"),
                "identity": ("text or null", "ARN of who asks AWS, the assumed role if there is one"),
                "grants": ("list", "permissions that were tried"),
                "grants[].action": ("text", "its name, such as `s3:GetObject`"),
                "grants[].resource": ("text", "what it is needed on"),
                "grants[].granted": ("true, false or null", "null where it could not be tried"),
                "grants[].needed": ("true or false", "false: a convenience"),
                "grants[].said": ("text or null", "AWS's words where it is denied"),
                "missing": ("list of texts", "names of needed permissions that are denied"),
                "newest": ("object or null", "the newest object, message or event"),
                "newest.name": ("text", "object, message or event"),
                "newest.at": ("time", "when it was delivered, sent or happened"),
                "newest.size": ("number or null", "bytes"),
                "problems": ("list", "what else is wrong"),
                "problems[].what": ("text", "what"),
                "problems[].remedy": ("text or null", "what to do about it"),
                "notes": ("list of texts", "what else was seen"),
                "policy": ("object or null", "the least IAM policy for who reads"),
                "caller_policy": ("object or null", "what who runs Ashiato needs, where a role is assumed"),
            },
        ),
    ),
    "ashiato quarantine": (
        Document(
            "ashiato quarantine --json",
            {
                "[].id": ("text", "id of the entry; `ashiato quarantine ID` writes its bytes"),
                "[].object": ("text", "the object that held it"),
                "[].offset": ("number", "where in the decompressed content"),
                "[].reason": ("text", "why it could not be read"),
                "[].size": ("number", "bytes that are kept"),
                "[].quarantined_at": ("time", "when"),
            },
        ),
    ),
    "ashiato maintain": (
        Document(
            "ashiato maintain --json",
            {
                "dry_run": ("true or false", "whether nothing was changed"),
                "seconds": ("number", "wall-clock time"),
                "peak_rss": (
                    "number",
                    "largest memory of the merging process, in bytes; 0 where none was needed",
                ),
                "steps": ("list", "the steps in order: retention, compact, footprints, expire, sweep"),
                "steps[].name": ("text", "step"),
                "steps[].seconds": ("number", "its time"),
                "steps[].counts": ("object", "what it changed, or would change, by kind"),
                "steps[].details": ("list of objects", "what a dry run would change, one by one"),
                "steps[].notes": ("list of text", "what it left for the next run, and why"),
            },
        ),
    ),
    "ashiato backup": (
        Document(
            "ashiato backup TARGET --json",
            {
                "target": ("text", "the backup"),
                "created_at": ("time", "the moment that it holds"),
                "files": ("number", "files in it"),
                "bytes": ("number", "their bytes"),
                "copied_files": ("number", "files that were copied this time"),
                "copied_bytes": ("number", "their bytes"),
                "rows": ("object", "rows in it by table"),
            },
        ),
    ),
    "ashiato restore": (
        Document(
            "ashiato restore PLACE --json",
            {
                "home": ("text", "the home"),
                "created_at": ("time", "the moment that the backup holds"),
                "files": ("number", "files that were restored"),
                "bytes": ("number", "their bytes"),
                "rows": ("object", "rows by table"),
            },
        ),
    ),
}

for _words, _call, _about, _keys in ALERTS:
    _key = f"ashiato alerts {_words}"
    DOCUMENTS[_key] = (*DOCUMENTS.get(_key, ()), Document(_call, _keys, about=_about))

for _command, (_called, _told, _more) in {**DETECTIONS, **ACCESS}.items():
    DOCUMENTS[_command] = (Document(_called, _told, about=_more),)

DOCUMENTS["ashiato trace"] = (
    Document(
        "ashiato trace ENTITY --json",
        TRACE,
        "A page that `--after` asks for holds the lanes only. A name of several things ends with status 2 and prints"
        " `ambiguous`, `remedy` and `candidates` instead: kind, value, name, account, type, records, first, last, and `say`,"
        " the text to trace instead.",
    ),
)
for _words, _call, _about, _keys in CONFIG:
    DOCUMENTS[f"ashiato config {_words}"] = (Document(_call, _keys, about=_about),)

DOCUMENTS["ashiato search"] = tuple(Document(_call, _keys) for _call, _keys in SEARCH)
