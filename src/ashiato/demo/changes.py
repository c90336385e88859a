"""A day's configuration changes: the calls that made them, calls that did not, the items recorded."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from random import Random
from typing import Any

from ashiato.demo import calendar_rhythm, identities
from ashiato.demo.change_kinds import ACTIVITY, KINDS
from ashiato.demo.estate import Estate, Instance, Network
from ashiato.demo.events import Call, Event, api_event
from ashiato.demo.ids import HOUR, ec2_id, iso_ms, moment
from ashiato.demo.lookalikes import refused, service_side, unrecorded
from ashiato.demo.resources import Inventory, Item, Resource, instance_trio

CHANGES_A_DAY = 36  # for each account; with Auto Scaling, three accounts make 5,000 items in 35 days


NO_CAUSE = 0.08


CROWDED = 0.62  # share of the changes with a cause that get three or more other writes


@dataclass(slots=True)
class Change:
    """One recorded change and what caused it: for `truth.json`."""

    account: str
    region: str
    resource_type: str
    resource_id: str
    captured: int
    previous: int | None
    status: str
    cause: str | None
    writes: int
    why: str

    def as_truth(self) -> dict[str, Any]:
        """The entry of `truth.json`."""
        return {
            "account": self.account,
            "region": self.region,
            "resourceType": self.resource_type,
            "resourceId": self.resource_id,
            "captureTime": iso_ms(self.captured),
            "previousCaptureTime": iso_ms(self.previous) if self.previous else None,
            "status": self.status,
            "cause": self.cause,
            "plausibleWrites": self.writes,
            "why": self.why,
        }


@dataclass(slots=True)
class DayOfChanges:
    """Events, items and truth of a day."""

    events: list[Event]
    items: list[Item]
    changes: list[Change]


class Changes:
    """Moves the inventory forward day by day."""

    def __init__(self, estate: Estate, inventory: Inventory, seed: int) -> None:
        self.estate = estate
        self.inventory = inventory
        self.rng = Random(f"changes/{seed}")
        self._debt = 0.0  # how many changes without a cause are due

    def day(self, start: int) -> DayOfChanges:
        """The changes of the day that starts at `start` (seconds)."""
        out = DayOfChanges([], [], [])
        hours = [calendar_rhythm.people(start + h * HOUR) + 0.25 for h in range(24)]
        for account in self.estate.accounts:
            count = CHANGES_A_DAY
            if moment(start + 9 * HOUR).weekday() >= 5:
                count = count * 3 // 4
            times = sorted(
                start + HOUR * h + self.rng.randrange(HOUR)
                for h in self.rng.choices(range(24), hours, k=count)
            )
            pool = [r for s, rs in self.inventory.by_stream.items() if s[0] == account for r in rs]
            pool = [r for r in pool if not r.protected and r.type in KINDS]
            summed: list[float] = []
            total = 0.0
            for r in pool:
                total += ACTIVITY[r.type]
                summed.append(total)
            for second in times:
                self._one(out, pool, summed, total, second, start)
        for (account, region), net in self.estate.networks.items():
            if any(
                r.type == "AWS::AutoScaling::AutoScalingGroup"
                for r in self.inventory.by_stream[account, region]
            ):
                self._scaling(out, net, start)
        return out

    def _one(
        self,
        out: DayOfChanges,
        pool: list[Resource],
        summed: list[float],
        total: float,
        second: int,
        start: int,
    ) -> None:
        rng = self.rng
        self._debt += NO_CAUSE
        want_none = self._debt >= 1
        for _ in range(12):
            r = pool[bisect(summed, rng.random() * total)]
            if r.captured // 1000 > second - 900 or not r.alive:
                continue
            own = service_side(rng, r) if want_none else None
            if want_none and own is None:
                continue
            break
        else:
            return
        previous = r.captured
        captured = (second + rng.randrange(4, 170)) * 1000 + rng.randrange(1000)
        earliest = max(previous // 1000 + 2, start, second - 5 * HOUR)
        if own is not None:
            self._debt -= 1
            writes = rng.randrange(1, 3) if rng.random() < 0.25 else 0
            for _ in range(writes):
                self._decoy(out, r, unrecorded(rng, r), earliest, captured)
            own(r, second)
            out.items.append(r.item(captured))
            out.changes.append(
                Change(
                    r.account,
                    r.region,
                    r.type,
                    r.id,
                    captured,
                    previous,
                    "OK",
                    None,
                    writes,
                    "by the service itself",
                )
            )
            return
        kinds = KINDS[r.type]
        kind = kinds[0] if len(kinds) == 1 else rng.choices(kinds, [k.weight for k in kinds])[0]
        call, effect = kind.act(rng, r)
        others = 0
        if rng.random() < CROWDED:
            others = 3 + int(rng.random() * 3)
            for n in range(others):
                self._decoy(
                    out,
                    r,
                    refused(call) if n == 0 and rng.random() < 0.5 else unrecorded(rng, r),
                    earliest,
                    captured,
                )
        elif rng.random() < 0.4:
            others = 1
            self._decoy(out, r, refused(call), earliest, captured)
        session = self._caller(r, second, rng.random())
        event = api_event(rng, session, second, r.account, r.region, call)
        out.events.append(event)
        effect(r, second)
        out.items.append(r.item(captured))
        out.changes.append(
            Change(
                r.account,
                r.region,
                r.type,
                r.id,
                captured,
                previous,
                "OK",
                event.event_id,
                others + 1,
                call.name,
            )
        )

    def _caller(self, r: Resource, second: int, draw: float) -> identities.Session:
        if draw < 0.35:
            return identities.build(r.account, second)
        if draw < 0.6 and r.type != "AWS::CloudFormation::Stack":
            return identities.cloudformation(r.account, second)
        staff = identities.on_duty(r.account, second)
        return identities.person(r.account, self.rng.choice(staff), second, console=draw > 0.85)

    def _decoy(self, out: DayOfChanges, r: Resource, call: Call, earliest: int, captured: int) -> None:
        latest = captured // 1000 - 1
        second = self.rng.randrange(earliest, latest) if latest > earliest else latest
        out.events.append(
            api_event(self.rng, self._caller(r, second, self.rng.random()), second, r.account, r.region, call)
        )

    def _scaling(self, out: DayOfChanges, net: Network, start: int) -> None:
        """The web servers' group grows twice a day and shrinks once."""
        rng = self.rng
        group = next(
            r
            for r in self.inventory.by_stream[net.account, net.region]
            if r.type == "AWS::AutoScaling::AutoScalingGroup"
        )
        running: list[list[Resource]] = []
        plan = [(1 * HOUR, 1), (3 * HOUR, 2), (14 * HOUR, -3)]
        for offset, step in plan:
            second = start + offset + rng.randrange(900)
            before = group.captured
            desired = group.configuration["desiredCapacity"] + step
            request = {"autoScalingGroupName": group.name, "desiredCapacity": desired, "honorCooldown": False}
            setting = api_event(
                rng,
                identities.build(net.account, second),
                second,
                net.account,
                net.region,
                Call("autoscaling.amazonaws.com", "SetDesiredCapacity", request),
            )
            out.events.append(setting)
            service = identities.service_linked(
                net.account,
                "AWSServiceRoleForAutoScaling",
                "autoscaling.amazonaws.com",
                "AutoScaling",
                second // HOUR * HOUR,
            )
            if step > 0:
                running += self._launch(out, net, step, second + 20, service)
            else:
                self._terminate(out, net, running[:-step], second + 25, service)
                del running[:-step]
            group.configuration["desiredCapacity"] = desired
            group.configuration["instances"] = [
                {
                    "instanceId": t[0].id,
                    "availabilityZone": t[0].zone,
                    "lifecycleState": "InService",
                    "healthStatus": "Healthy",
                }
                for t in running
            ]
            captured = (second + 150 + rng.randrange(60)) * 1000 + rng.randrange(1000)
            out.items.append(group.item(captured))
            out.changes.append(
                Change(
                    net.account,
                    net.region,
                    group.type,
                    group.id,
                    captured,
                    before,
                    "OK",
                    setting.event_id,
                    1,
                    "SetDesiredCapacity",
                )
            )

    def _launch(
        self, out: DayOfChanges, net: Network, count: int, second: int, service: identities.Session
    ) -> list[list[Resource]]:
        rng = self.rng
        made = []
        for n in range(count):
            token = f"{second}/{n}"
            subnet, cidr, zone, zone_id = net.subnets[n % 2]
            i = Instance(
                f"web-asg-{n}",
                ec2_id("i", net.vpc_id, token),
                ec2_id("eni", net.vpc_id, token),
                ec2_id("vol", net.vpc_id, token),
                f"{cidr[: cidr.rindex('.')]}.{100 + (second // 60 + n) % 100}",
                None,
                None,
                subnet,
                zone,
                zone_id,
                net.groups["web-sg"],
                "shop-web-role",
                "m7g.large",
            )
            launched = (second + n) * 1000
            trio = instance_trio(net, i, launched, {"aws:autoscaling:groupName": "shop-web-asg"})
            answer = {
                "requestId": "r",
                "reservationId": ec2_id("r", token),
                "ownerId": net.account,
                "instancesSet": {
                    "items": [
                        {
                            "instanceId": i.instance_id,
                            "imageId": ec2_id("ami", "al2023"),
                            "instanceState": {"code": 0, "name": "pending"},
                            "instanceType": i.instance_type,
                            "launchTime": launched,
                            "subnetId": subnet,
                            "vpcId": net.vpc_id,
                            "privateIpAddress": i.private_ip,
                            "placement": {"availabilityZone": zone},
                            "networkInterfaceSet": {
                                "items": [
                                    {
                                        "networkInterfaceId": i.interface_id,
                                        "subnetId": subnet,
                                        "privateIpAddress": i.private_ip,
                                    }
                                ]
                            },
                        }
                    ]
                },
            }
            request = {
                "instancesSet": {"items": [{"minCount": 1, "maxCount": 1}]},
                "launchTemplate": {"launchTemplateId": ec2_id("lt", net.region), "version": "12"},
                "subnetId": subnet,
                "clientToken": f"fleet-{token}",
            }
            event = api_event(
                rng,
                service,
                second + n,
                net.account,
                net.region,
                Call("ec2.amazonaws.com", "RunInstances", request, answer),
            )
            out.events.append(event)
            for m, resource in enumerate(trio):
                self.inventory.add(resource)
                resource.protected = True
                captured = (second + 30 + 9 * m + rng.randrange(60)) * 1000 + rng.randrange(1000)
                out.items.append(resource.item(captured, "ResourceDiscovered"))
                out.changes.append(
                    Change(
                        resource.account,
                        resource.region,
                        resource.type,
                        resource.id,
                        captured,
                        None,
                        "ResourceDiscovered",
                        event.event_id,
                        1,
                        "RunInstances",
                    )
                )
            made.append(trio)
        return made

    def _terminate(
        self,
        out: DayOfChanges,
        net: Network,
        going: list[list[Resource]],
        second: int,
        service: identities.Session,
    ) -> None:
        rng = self.rng
        ids = [{"instanceId": t[0].id} for t in going]
        answer = {
            "instancesSet": {
                "items": [
                    {
                        **i,
                        "currentState": {"code": 32, "name": "shutting-down"},
                        "previousState": {"code": 16, "name": "running"},
                    }
                    for i in ids
                ]
            }
        }
        event = api_event(
            rng,
            service,
            second,
            net.account,
            net.region,
            Call("ec2.amazonaws.com", "TerminateInstances", {"instancesSet": {"items": ids}}, answer),
        )
        out.events.append(event)
        for trio in going:
            for resource in trio:
                previous = resource.captured
                captured = (second + 40 + rng.randrange(140)) * 1000 + rng.randrange(1000)
                out.items.append(resource.item(captured, "ResourceDeleted"))
                self.inventory.forget(resource)
                out.changes.append(
                    Change(
                        resource.account,
                        resource.region,
                        resource.type,
                        resource.id,
                        captured,
                        previous,
                        "ResourceDeleted",
                        event.event_id,
                        1,
                        "TerminateInstances",
                    )
                )
