"""Calls that change EC2 and network resources, and what they change."""
# ruff: noqa: ARG001 - every act has the same parameters

from __future__ import annotations

from random import Random

from ashiato.demo.change_calls import TEAMS, Effect, answered, authorize, revoke, setting
from ashiato.demo.events import Call
from ashiato.demo.ids import ec2_id
from ashiato.demo.resources import Resource, permission


def tag_ec2(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """CreateTags with a value that differs from the present one."""
    key = rng.choice(("Team", "CostCenter", "Schedule", "Version"))
    value = rng.choice(
        [t for t in (*TEAMS, *(str(rng.randrange(1000)) for _ in range(3))) if t != r.tags.get(key)]
    )
    request = {
        "resourcesSet": {"items": [{"resourceId": r.id}]},
        "tagSet": {"items": [{"key": key, "value": value}]},
    }

    def effect(resource: Resource, _: int) -> None:
        resource.tags[key] = value
        field = "tagSet" if "tagSet" in resource.configuration else "tags"
        resource.configuration[field] = [{"key": k, "value": v} for k, v in resource.tags.items()]

    return Call("ec2.amazonaws.com", "CreateTags", request, answered(request)), effect


def add_rule(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """Opens a port to an inner network, or takes such a rule back once there are many."""
    rules = r.configuration["ipPermissions"]
    inner = [p for p in rules if p.get("fromPort", 0) >= 9000]
    if len(inner) > 4 or (inner and rng.random() < 0.35):
        gone = rng.choice(inner)
        call = revoke(r.id, gone["fromPort"], gone["ipRanges"][0])
        return call, lambda res, _: res.configuration["ipPermissions"].remove(gone)
    port, cidr = rng.randrange(9000, 9999), f"10.{rng.randrange(6)}.{rng.randrange(1, 3)}.0/24"
    call = authorize(r.id, r.account, port, cidr)
    return call, lambda res, _: res.configuration["ipPermissions"].append(permission(port, cidr))


def retype(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """ModifyInstanceAttribute of a recorded attribute."""
    wanted = not r.configuration.get("ebsOptimized", True)
    request = {"instanceId": r.id, "ebsOptimized": {"value": wanted}}
    return Call("ec2.amazonaws.com", "ModifyInstanceAttribute", request, answered(request)), setting(
        "ebsOptimized", wanted
    )


def monitoring(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """MonitorInstances or UnmonitorInstances, whichever changes the state."""
    on = r.configuration["monitoring"]["state"] == "disabled"
    request = {"instancesSet": {"items": [{"instanceId": r.id}]}}
    call = Call(
        "ec2.amazonaws.com", "MonitorInstances" if on else "UnmonitorInstances", request, answered(request)
    )
    return call, setting("monitoring", {"state": "enabled" if on else "disabled"})


def grow_volume(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """ModifyVolume to a larger size."""
    size = r.configuration["size"] + rng.randrange(5, 40)
    request = {"ModifyVolumeRequest": {"VolumeId": r.id, "Size": size}}
    return Call(
        "ec2.amazonaws.com",
        "ModifyVolume",
        request,
        {
            "ModifyVolumeResponse": {
                "volumeModification": {"volumeId": r.id, "targetSize": size, "modificationState": "modifying"}
            }
        },
    ), setting("size", size)


def subnet_public(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """ModifySubnetAttribute of mapPublicIpOnLaunch."""
    value = not r.configuration["mapPublicIpOnLaunch"]
    request = {"subnetId": r.id, "mapPublicIpOnLaunch": {"value": value}}
    return Call("ec2.amazonaws.com", "ModifySubnetAttribute", request, answered(request)), setting(
        "mapPublicIpOnLaunch", value
    )


def route(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """CreateRoute to a network not yet routed, or DeleteRoute of one of these."""
    routes = r.configuration["routes"]
    extra = [x for x in routes if x["destinationCidrBlock"].startswith("172.")]
    if extra and (len(extra) > 5 or rng.random() < 0.4):
        gone = rng.choice(extra)
        request = {"routeTableId": r.id, "destinationCidrBlock": gone["destinationCidrBlock"]}
        return Call(
            "ec2.amazonaws.com", "DeleteRoute", request, answered(request)
        ), lambda res, _: res.configuration["routes"].remove(gone)
    cidr = f"172.{rng.randrange(16, 31)}.{rng.randrange(200)}.0/24"
    target = ec2_id("tgw", r.account)
    request = {"routeTableId": r.id, "destinationCidrBlock": cidr, "transitGatewayId": target}
    added = {"destinationCidrBlock": cidr, "transitGatewayId": target, "state": "active"}
    return Call(
        "ec2.amazonaws.com", "CreateRoute", request, answered(request)
    ), lambda res, _: res.configuration["routes"].append(added)


def balancer(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """ModifyLoadBalancerAttributes of the idle time."""
    value = str(rng.randrange(20, 4000))
    attributes = [{"key": "idle_timeout.timeout_seconds", "value": value}]
    return Call(
        "elasticloadbalancing.amazonaws.com",
        "ModifyLoadBalancerAttributes",
        {"loadBalancerArn": r.arn, "attributes": attributes},
        {"attributes": attributes},
    ), lambda res, _: res.supplementary.update(
        LoadBalancerAttributes=[*attributes, {"key": "deletion_protection.enabled", "value": "true"}]
    )
