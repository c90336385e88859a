"""Incidents as pages: what belongs together, told as one story."""

from __future__ import annotations

import sqlalchemy as sa

from ashiato.lake.home import Home
from ashiato.ledger.alert_tables import alerts
from web.conftest import Estate, Visiting


def largest(estate: Estate) -> tuple[int, int]:
    """The incident with most alerts, and how many."""
    c = alerts.c
    count = sa.func.count()
    asked = (
        sa.select(c.incident, count)
        .where(c.incident.is_not(None))
        .group_by(c.incident)
        .order_by(count.desc())
    )
    with Home.open_for_reading(estate.home) as home:
        row = home.ledger.rows(asked)[0]
    return row[0], row[1]


def test_the_sample_incident_is_one_story_from_the_leaked_key_on(visit: Visiting, estate: Estate) -> None:
    number, count = largest(estate)
    answer = visit(f"/incidents/I-{number}")
    assert f"{count} alerts belong to it." in answer.words
    assert "deploy-bot created the IAM user svc-backup-sync" in answer.words
    assert any(link.startswith("/record?ref=event") for link in answer.links)
    assert any(link.startswith("/search?table=vpc_flow_logs") for link in answer.links)
    assert "<svg" in answer.text
    times = [
        part.split('"')[0] for part in answer.text.split('<li id="s', 1)[1].split('<time datetime="')[1:]
    ]
    story = times[: answer.text.count('<li id="s')]
    assert story == sorted(story)


def test_the_list_has_each_with_its_gravest(visit: Visiting, estate: Estate) -> None:
    number, count = largest(estate)
    answer = visit("/incidents")
    assert f"/incidents/I-{number}" in answer.links
    assert f">{count}</a>" in answer.text


def test_one_that_is_not_there_or_wholly_elsewhere_is_not_found(visit: Visiting, estate: Estate) -> None:
    number, _ = largest(estate)
    assert visit("/incidents/I-99999999").status == 404
    assert visit("/incidents/zzz").status == 404
    assert visit(f"/incidents/I-{number}", groups=("operations",)).status == 404
    assert visit("/incidents?after=zzz").status == 400
    assert visit("/incidents?after=99999999999999999999999.1").status == 400
    assert "No incident needs anybody now." in visit("/incidents", groups=("operations",)).words
