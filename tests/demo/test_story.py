"""The attack is told in three logs that agree on ids, times and effects."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from .conftest import Delivered, gzip


def second(text: str) -> int:
    return int(datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp())


def own(delivered: Delivered) -> str:
    return str(delivered.truth["buckets"]["ownTrail"])


def organisation(delivered: Delivered) -> str:
    return str(delivered.truth["buckets"]["organizationTrail"])


def test_each_step_was_seen_by_the_roads_that_truth_names(delivered: Delivered) -> None:
    roads = delivered.roads()
    by_id = delivered.by_id()
    assert len(delivered.truth["steps"]) >= 18
    for step in delivered.truth["steps"]:
        for event_id in step["events"]:
            assert organisation(delivered) in roads[event_id], step["title"]
            at = second(by_id[event_id]["eventTime"])
            assert second(step["first"]) <= at <= second(step["last"]), step["title"]
        if "cloudtrail:shop-prod-trail" in step["notSeenBy"]:
            missed = [i for i in step["events"] if own(delivered) not in roads[i]]
            assert missed, step["title"]


def test_own_trail_is_silent_between_stop_and_start_and_never_has_data_events(delivered: Delivered) -> None:
    stopped, started = map(second, delivered.truth["gaps"]["ownTrailStopped"])
    mine = [r for b, r in delivered.events if b == own(delivered)]
    times = [second(r["eventTime"]) for r in mine]
    assert not [t for t in times if stopped < t < started]
    assert any(t <= stopped for t in times)
    assert any(t >= started for t in times)
    assert {r["eventCategory"] for r in mine} == {"Management"}
    assert {"StopLogging", "StartLogging"} <= {r["eventName"] for r in mine}
    other = [
        r
        for b, r in delivered.events
        if b == organisation(delivered) and r.get("recipientAccountId") == "111122223333"
    ]
    assert len([r for r in other if "eventTime" in r and stopped < second(r["eventTime"]) < started]) > 900


def test_leaked_key_comes_from_a_network_never_seen_before(delivered: Delivered) -> None:
    attack = delivered.truth["attack"]
    uses: dict[str, list[str]] = {}
    for r in delivered.by_id().values():
        if r.get("userIdentity", {}).get("accessKeyId") == attack["leakedKey"]:
            uses.setdefault(r["sourceIPAddress"], []).append(r["eventTime"])
    assert set(uses) == {"198.51.100.20", attack["attackerAddress"]}
    assert min(uses[attack["attackerAddress"]]) == delivered.truth["steps"][0]["first"]
    deactivated = next(
        r["eventTime"]
        for r in delivered.by_id().values()
        if r.get("eventName") == "UpdateAccessKey"
        and r["requestParameters"].get("accessKeyId") == attack["leakedKey"]
    )
    assert max(map(max, uses.values())) < deactivated
    # Nothing else in the window comes from the attacker's network.
    others = {
        r["sourceIPAddress"]
        for b, r in delivered.events
        if b != delivered.truth["archive"]["bucket"]
        and str(r.get("sourceIPAddress", "")).startswith("203.0.113.")
    }
    assert others == {attack["attackerAddress"], attack["commandAndControl"]["address"]}


def test_console_login_without_mfa_by_an_iam_user(delivered: Delivered) -> None:
    found = [
        r
        for r in delivered.by_id().values()
        if r.get("eventName") == "ConsoleLogin"
        and r["userIdentity"]["type"] == "IAMUser"
        and r["eventTime"] >= delivered.truth["window"]["start"]
        and r["additionalEventData"]["MFAUsed"] == "No"
        and r["responseElements"]["ConsoleLogin"] == "Success"
    ]
    assert [r["sourceIPAddress"] for r in found] == [delivered.truth["attack"]["attackerAddress"]]


def ssh(delivered: Delivered) -> list[dict[str, Any]]:
    attack = delivered.truth["attack"]
    return [
        r
        for log, r in delivered.flows
        if log == attack["survivingFlowLog"]
        and r["interface_id"] == attack["instance"]["interface"]
        and r["dstport"] == "22"
        and r["flow_direction"] == "ingress"
    ]


def test_ssh_is_rejected_before_the_opening_and_accepted_after_it(delivered: Delivered) -> None:
    attack = delivered.truth["attack"]
    opened, closed = second(attack["times"]["portOpened"]), second(attack["times"]["portClosed"])
    records = [r for r in ssh(delivered) if r["srcaddr"] in attack["bruteForceAddresses"]]
    before = [r for r in records if int(r["end"]) < opened]
    during = [r for r in records if int(r["start"]) > opened and int(r["end"]) < closed]
    after = [r for r in records if int(r["start"]) > closed]
    assert {r["action"] for r in before} == {"REJECT"}
    assert {r["action"] for r in during} == {"ACCEPT"}
    assert {r["action"] for r in after} == {"REJECT"}
    assert len(before) > 20
    assert len(during) > 300
    rejected_while_open = [
        r for r in ssh(delivered) if r["action"] == "REJECT" and opened < int(r["start"]) < closed
    ]
    assert not rejected_while_open


def test_instance_beacons_until_it_is_isolated(delivered: Delivered) -> None:
    attack = delivered.truth["attack"]
    isolated = second(attack["times"]["isolated"])
    calls = [
        r
        for log, r in delivered.flows
        if log == attack["survivingFlowLog"]
        and r["dstaddr"] == attack["commandAndControl"]["address"]
        and r["dstport"] == "8443"
    ]
    starts = sorted(int(r["start"]) for r in calls if r["action"] == "ACCEPT")
    gaps = [b - a for a, b in pairwise(starts)]
    assert len(gaps) > 400
    assert 55 < sum(gaps) / len(gaps) < 65
    assert len(set(gaps)) > 10
    assert min(gaps) >= 47
    assert max(gaps) <= 73
    assert max(starts) < isolated
    assert all(int(r["start"]) >= isolated for r in calls if r["action"] == "REJECT")
    mine = [
        r
        for log, r in delivered.flows
        if log == attack["survivingFlowLog"] and r["interface_id"] == attack["instance"]["interface"]
    ]
    assert not [r for r in mine if r["action"] == "ACCEPT" and int(r["end"]) >= isolated]


def test_scan_of_the_subnet_is_seen_from_both_ends(delivered: Delivered) -> None:
    attack = delivered.truth["attack"]
    first, last = map(second, attack["times"]["scan"])
    address = attack["instance"]["privateIp"]
    probes = [
        r
        for log, r in delivered.flows
        if log == attack["survivingFlowLog"]
        and r["srcaddr"] == address
        and r["packets"] == "1"
        and first <= int(r["start"]) <= last
    ]
    assert len({r["dstaddr"] for r in probes if r["flow_direction"] == "egress"}) == 253
    assert len({(r["interface_id"], r["dstport"]) for r in probes if r["action"] == "REJECT"}) >= 20


def test_deleted_flow_log_has_no_records_until_it_is_made_again(delivered: Delivered) -> None:
    attack = delivered.truth["attack"]
    gone, again = map(second, delivered.truth["gaps"]["flowLogDeleted"])
    old = [r for log, r in delivered.flows if log == attack["deletedFlowLog"]]
    new = [r for log, r in delivered.flows if log == attack["recreatedFlowLog"]]
    assert old
    assert new
    assert max(int(r["start"]) for r in old) < gone
    assert min(int(r["end"]) for r in new) > again
    still = [
        r
        for log, r in delivered.flows
        if log == attack["survivingFlowLog"] and gone < int(r["start"]) < again
    ]
    assert len(still) > 1000


def test_two_flow_logs_of_a_vpc_agree(delivered: Delivered) -> None:
    attack = delivered.truth["attack"]
    fields = (
        "interface_id",
        "srcaddr",
        "dstaddr",
        "srcport",
        "dstport",
        "packets",
        "bytes",
        "start",
        "end",
        "action",
        "log_status",
    )
    sets = [
        {tuple(r[f] for f in fields) for log, r in delivered.flows if log == wanted}
        for wanted in (attack["deletedFlowLog"], attack["survivingFlowLog"])
    ]
    assert sets[0] <= sets[1]


def test_bucket_is_read_and_rewritten_only_in_the_trail_with_data_events(delivered: Delivered) -> None:
    attack = delivered.truth["attack"]
    mine = [
        (b, r)
        for b, r in delivered.events
        if r.get("userIdentity", {}).get("accessKeyId") == attack["createdKey"]
        and r["eventCategory"] == "Data"
    ]
    assert {b for b, _ in mine} == {organisation(delivered)}
    by_id = {r["eventID"]: r for _, r in mine}
    read = {r["requestParameters"]["key"] for r in by_id.values() if r["eventName"] == "GetObject"}
    copied = [r for r in by_id.values() if r["eventName"] == "CopyObject"]
    assert len(read) > 400
    assert {r["requestParameters"]["key"] for r in copied} == read
    foreign = [
        r
        for r in copied
        if r["requestParameters"].get("x-amz-server-side-encryption-aws-kms-key-id")
        == attack["foreignKmsKey"]
    ]
    customer = [
        r for r in copied if r["requestParameters"].get("x-amz-server-side-encryption-customer-algorithm")
    ]
    assert len(foreign) + len(customer) == len(copied)


def test_network_interfaces_of_flow_records_are_in_config(delivered: Delivered) -> None:
    known = {i["resourceId"] for i in delivered.items if i["resourceType"] == "AWS::EC2::NetworkInterface"}
    instances = {
        i["resourceId"]: i
        for i in delivered.items
        if i["resourceType"] == "AWS::EC2::Instance" and i["configuration"]
    }
    archive = delivered.truth["archive"]["events"]
    assert archive
    for log, r in delivered.flows:
        if log not in (delivered.truth["attack"]["survivingFlowLog"],):
            continue
        assert r["interface_id"] in known
        if r["instance_id"] and r["srcaddr"] and r["flow_direction"] == "egress":
            configuration = instances[r["instance_id"]]["configuration"]
            assert r["srcaddr"] in (configuration["privateIpAddress"], configuration["ipv6Address"])


def test_flow_records_hold_what_readers_trip_over(delivered: Delivered) -> None:
    rows = [r for _, r in delivered.flows]
    assert {"OK", "NODATA", "SKIPDATA"} == {r["log_status"] for r in rows}
    assert any(":" in (r["srcaddr"] or "") for r in rows)
    custom = [r for log, r in delivered.flows if log == delivered.truth["attack"]["survivingFlowLog"]]
    assert any(r["srcaddr"] != r["pkt_srcaddr"] for r in custom)
    assert any(r["pkt_dst_aws_service"] == "S3" and r["traffic_path"] for r in custom)
    sessions: dict[tuple[Any, ...], set[Any]] = {}
    for r in custom:
        sessions.setdefault((r["srcaddr"], r["dstaddr"], r["srcport"], r["dstport"]), set()).add(r["start"])
    assert sum(len(s) > 2 for s in sessions.values()) > 50


def test_digests_name_the_files_and_their_hashes(delivered: Delivered) -> None:
    missing = []
    checked = 0
    for digest in delivered.digests.values():
        for named in digest["logFiles"]:
            path = delivered.root / named["s3Bucket"] / named["s3Object"]
            if not path.exists():
                missing.append(named["s3Object"])
                continue
            assert hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest() == named["hashValue"]
            assert (
                digest["digestStartTime"]
                <= datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()[:19] + "Z"
            )
            checked += 1
    assert checked > 100
    gaps = delivered.truth["gaps"]
    assert missing == [gaps["fileThatNeverCame"]]
    assert not set(gaps["itsEvents"]) & set(delivered.by_id())
    assert gaps["itsEvents"]


def test_one_digest_is_missing_and_the_next_one_names_it(delivered: Delivered) -> None:
    keys = {d["digestS3Object"] for d in delivered.digests.values()}
    previous = {
        d["previousDigestS3Object"] for d in delivered.digests.values() if d["previousDigestS3Object"]
    }
    assert previous - keys == {delivered.truth["gaps"]["missingDigest"]}
    stopped, started = delivered.truth["gaps"]["ownTrailStopped"]
    silent = [
        d
        for d in delivered.digests.values()
        if "o-aa111bb222" not in d["digestS3Object"]
        and d["digestStartTime"] >= stopped
        and d["digestEndTime"] <= started
    ]
    assert not silent
