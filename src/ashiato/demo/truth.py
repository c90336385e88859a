"""`truth.json`: what happened, what caused each configuration change, and how many records there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ashiato.demo import estate as e
from ashiato.demo import story as s
from ashiato.demo.changes import Change
from ashiato.demo.estate import HOME_REGION, PROD, Estate
from ashiato.demo.ids import iso
from ashiato.demo.story import Story


@dataclass(slots=True)
class Truth:
    """Collects what the generator knows and a reader has to find out."""

    estate: Estate
    start: int
    end: int
    changes: list[Change] = field(default_factory=list)

    def as_json(
        self,
        arguments: dict[str, Any],
        counts: dict[str, Any],
        story: Story | None,
        archive: dict[str, Any],
        *,
        lost_file: str | None,
        lost_events: list[str],
        missing_digest: str | None,
        late_files: int,
        second_copies: int,
    ) -> dict[str, Any]:
        """The whole truth as plain values."""
        crowded = sum(c.writes >= 3 for c in self.changes)
        without = sum(c.cause is None for c in self.changes)
        return {
            "about": "What Ashiato's sample incident holds, written by its generator. Times are UTC.",
            "arguments": arguments,
            "window": {"start": iso(self.start), "end": iso(self.end)},
            "counts": counts,
            "accounts": self.estate.accounts,
            "regions": list(self.estate.regions),
            "organization": e.ORGANISATION,
            "buckets": {
                "organizationTrail": e.ORGANISATION_BUCKET,
                "ownTrail": e.OWN_TRAIL_BUCKET,
                "config": e.CONFIG_BUCKET,
                "flowLogs": [e.PROD_FLOW_BUCKET, e.DEV_FLOW_BUCKET],
            },
            "attack": self._attack(story) if story else None,
            "steps": story.steps if story else [],
            "gaps": {
                "fileThatNeverCame": lost_file,
                "itsEvents": lost_events,
                "missingDigest": missing_digest,
                "ownTrailStopped": [iso(story.at(s.TRAIL_STOPPED)), iso(story.at(s.TRAIL_STARTED))]
                if story
                else None,
                "flowLogDeleted": [iso(story.at(s.FLOW_LOG_DELETED)), iso(story.at(s.FLOW_LOG_CREATED))]
                if story
                else None,
            },
            "deliveries": {"lateFiles": late_files, "filesDeliveredTwice": second_copies},
            "archive": archive,
            "changeShares": {
                "changes": len(self.changes),
                "threeOrMorePlausibleWrites": round(crowded / max(1, len(self.changes)), 4),
                "withoutCause": round(without / max(1, len(self.changes)), 4),
            },
            "changes": [c.as_truth() for c in self.changes],
        }

    def _attack(self, story: Story) -> dict[str, Any]:
        net = self.estate.networks[PROD, HOME_REGION]
        target = net.instance("orders-legacy")
        return {
            "account": PROD,
            "day": iso(story.day)[:10],
            "leakedKey": s.LEAKED_KEY,
            "leakedUser": s.LEAKED_USER,
            "attackerAddress": s.ATTACKER,
            "bruteForceAddresses": list(s.BRUTE_FORCE),
            "commandAndControl": {
                "address": s.COMMAND_AND_CONTROL,
                "port": 8443,
                "periodSeconds": 60,
                "jitter": 0.2,
            },
            "createdUser": s.NEW_USER,
            "createdKey": s.NEW_KEY,
            "createdPolicy": s.NEW_POLICY,
            "foreignKmsKey": s.FOREIGN_KEY,
            "bucket": e.EXPORT_BUCKET,
            "unencryptedVolume": s.PLAIN_VOLUME,
            "instance": {
                "id": target.instance_id,
                "interface": target.interface_id,
                "privateIp": target.private_ip,
                "publicIp": target.public_ip,
                "volume": target.volume_id,
            },
            "securityGroup": target.group_id,
            "isolationGroup": net.groups["isolation-sg"],
            "stoppedTrail": e.OWN_TRAIL,
            "deletedFlowLog": e.FLOW_DEFAULT,
            "recreatedFlowLog": e.FLOW_DEFAULT_AGAIN,
            "survivingFlowLog": e.FLOW_CUSTOM,
            "survivingTrail": e.ORGANISATION_TRAIL,
            "times": {
                "portOpened": iso(story.at(s.PORT_OPENED)),
                "sshSuccess": iso(story.at(s.SSH_SUCCESS)),
                "beaconFirst": iso(story.at(s.BEACON_FIRST)),
                "scan": [iso(story.at(s.SCAN_FIRST)), iso(story.at(s.SCAN_LAST))],
                "isolated": iso(story.at(s.ISOLATED)),
                "portClosed": iso(story.at(s.PORT_CLOSED)),
                "trailStopped": iso(story.at(s.TRAIL_STOPPED)),
                "trailStarted": iso(story.at(s.TRAIL_STARTED)),
                "flowLogDeleted": iso(story.at(s.FLOW_LOG_DELETED)),
                "flowLogCreated": iso(story.at(s.FLOW_LOG_CREATED)),
            },
        }
