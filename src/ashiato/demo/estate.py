"""The company: its accounts, networks, instances, people, buckets and trails. The same for every seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ashiato.demo.ids import ec2_id, fixed_uuid

PROD: Final = "111122223333"
DEV: Final = "444455556666"
SECURITY: Final = "123456789012"
NAMES: Final = {PROD: "shop-prod", DEV: "shop-dev", SECURITY: "shop-security"}
ORGANISATION: Final = "o-aa111bb222"
HOME_REGION: Final = "us-east-1"
SECOND_REGION: Final = "ap-northeast-1"
REGIONS: Final = (HOME_REGION, SECOND_REGION)

ORGANISATION_TRAIL: Final = "organization-trail"
ORGANISATION_BUCKET: Final = "shop-org-cloudtrail-123456789012"
OWN_TRAIL: Final = "shop-prod-trail"
OWN_TRAIL_BUCKET: Final = "shop-prod-cloudtrail-111122223333"
CONFIG_BUCKET: Final = "shop-config-123456789012"
PROD_FLOW_BUCKET: Final = "shop-prod-flowlogs-111122223333"
DEV_FLOW_BUCKET: Final = "shop-dev-flowlogs-444455556666"
FLOW_DEFAULT: Final = ec2_id("fl", PROD, "default format")
FLOW_DEFAULT_AGAIN: Final = ec2_id("fl", PROD, "default format, made again")
FLOW_CUSTOM: Final = ec2_id("fl", PROD, "custom format")
FLOW_SECOND_REGION: Final = ec2_id("fl", PROD, "parquet", SECOND_REGION)
FLOW_DEV: Final = ec2_id("fl", DEV, "parquet")

OFFICE: Final = "198.51.100"  # .10 to .60: the office's and the build service's addresses
PEOPLE: Final = ("alice", "bob", "carol", "kenji", "yuki", "haruto", "sakura", "mei")
BUILD_ADDRESS: Final = "198.51.100.20"
EXPORT_BUCKET: Final = "shop-prod-customer-exports"

AZ_IDS: Final = {"us-east-1": "use1-az", "ap-northeast-1": "apne1-az"}


@dataclass(frozen=True, slots=True)
class Instance:
    """An EC2 instance with its one network interface."""

    name: str
    instance_id: str
    interface_id: str
    volume_id: str
    private_ip: str
    public_ip: str | None
    ipv6: str | None
    subnet_id: str
    zone: str
    zone_id: str
    group_id: str
    role: str
    instance_type: str


@dataclass(frozen=True, slots=True)
class Network:
    """A VPC of one account and region with two subnets, its security groups and its instances."""

    account: str
    region: str
    number: int
    vpc_id: str
    cidr: str
    subnets: tuple[tuple[str, str, str, str], ...]  # id, cidr, zone, zone id
    groups: dict[str, str]
    route_table: str
    gateway: str
    nat_interface: str
    nat_private_ip: str
    nat_public_ip: str
    instances: tuple[Instance, ...] = field(default=())

    def instance(self, name: str) -> Instance:
        """The instance of that name."""
        return next(i for i in self.instances if i.name == name)


# name, count, group, role, has a public address
FLEETS: Final[dict[tuple[str, str], tuple[tuple[str, int, str, str, bool], ...]]] = {
    (PROD, HOME_REGION): (
        ("web", 4, "web-sg", "shop-web-role", True),
        ("app", 4, "app-sg", "shop-app-role", False),
        ("orders-legacy", 1, "legacy-sg", "shop-legacy-role", True),
        ("batch", 2, "app-sg", "shop-batch-role", False),
    ),
    (PROD, SECOND_REGION): (
        ("web", 3, "web-sg", "shop-web-role", True),
        ("app", 2, "app-sg", "shop-app-role", False),
    ),
    (DEV, HOME_REGION): (
        ("dev", 4, "app-sg", "dev-role", False),
        ("runner", 1, "web-sg", "dev-runner-role", True),
    ),
    (DEV, SECOND_REGION): (("dev", 2, "app-sg", "dev-role", False),),
    (SECURITY, HOME_REGION): (("collector", 1, "app-sg", "collector-role", False),),
    (SECURITY, SECOND_REGION): (("collector", 1, "app-sg", "collector-role", False),),
}
OTHER_FLEET: Final = (("app", 2, "app-sg", "app-role", False),)
GROUPS: Final = ("default", "web-sg", "app-sg", "db-sg", "legacy-sg", "isolation-sg", "vpce-sg")
TYPES: Final = {"web": "m7g.large", "app": "m7g.xlarge", "orders-legacy": "t3.medium", "batch": "c7g.2xlarge"}


def network(account: str, region: str, number: int) -> Network:
    """The VPC `10.<number>.0.0/16` of an account and region."""
    names = (account, region)
    zone_prefix = AZ_IDS.get(region, region.replace("-", "")[:5] + "-az")
    subnets = tuple(
        (ec2_id("subnet", *names, z), f"10.{number}.{n}.0/24", region + z, f"{zone_prefix}{n}")
        for n, z in ((1, "a"), (2, "c"))
    )
    groups = {g: ec2_id("sg", *names, g) for g in GROUPS}
    instances: list[Instance] = []
    for name, count, group, role, public in FLEETS.get((account, region), OTHER_FLEET):
        for i in range(count):
            label = f"{name}-{i + 1}" if count > 1 else name
            # The attacked one shares the first subnet with the others, so that its scan finds them.
            subnet = subnets[0] if name == "orders-legacy" else subnets[i % 2]
            host = 10 + len(instances)
            instances.append(
                Instance(
                    name=label,
                    instance_id=ec2_id("i", *names, label),
                    interface_id=ec2_id("eni", *names, label),
                    volume_id=ec2_id("vol", *names, label),
                    private_ip=f"{subnet[1][: subnet[1].rindex('.')]}.{host}",
                    public_ip=f"192.0.2.{(number * 20 + 10 + len(instances)) % 120 + 1}" if public else None,
                    ipv6=f"2001:db8:{number + 16:x}:{1 + i % 2}::{host:x}" if name == "web" else None,
                    subnet_id=subnet[0],
                    zone=subnet[2],
                    zone_id=subnet[3],
                    group_id=groups[group],
                    role=role,
                    instance_type=TYPES.get(name, "t4g.medium"),
                )
            )
    return Network(
        account=account,
        region=region,
        number=number,
        vpc_id=ec2_id("vpc", *names),
        cidr=f"10.{number}.0.0/16",
        subnets=subnets,
        groups=groups,
        route_table=ec2_id("rtb", *names),
        gateway=ec2_id("igw", *names),
        nat_interface=ec2_id("eni", *names, "nat"),
        nat_private_ip=f"10.{number}.1.250",
        nat_public_ip=f"192.0.2.{121 + number % 6}",
        instances=tuple(instances),
    )


@dataclass(frozen=True)
class Estate:
    """Accounts (id to name), regions and the network of each pair."""

    accounts: dict[str, str]
    regions: tuple[str, ...]
    networks: dict[tuple[str, str], Network]

    @property
    def streams(self) -> list[tuple[str, str]]:
        """Every account and region: what CloudTrail delivers separately."""
        return list(self.networks)


def company(accounts: int = 3, regions: tuple[str, ...] = REGIONS) -> Estate:
    """The estate with the first three accounts named, further ones `team-04` and so on."""
    ids = [PROD, DEV, SECURITY][:accounts] + [f"2222{n:04d}{n:04d}" for n in range(4, accounts + 1)]
    named = {a: NAMES.get(a, f"team-{n + 1:02d}") for n, a in enumerate(ids)}
    pairs = [(a, r) for a in named for r in regions]
    return Estate(named, regions, {p: network(*p, n % 250) for n, p in enumerate(pairs)})


def kms_key(account: str, region: str, name: str = "data") -> str:
    """The key id of an account's customer managed key."""
    return fixed_uuid("kms", account, region, name)


def kms_arn(account: str, region: str, name: str = "data") -> str:
    """Its ARN."""
    return f"arn:aws:kms:{region}:{account}:key/{kms_key(account, region, name)}"


ENDPOINTS: Final = {
    pair: ec2_id("vpce", *pair) for pair in ((PROD, HOME_REGION), (PROD, SECOND_REGION), (DEV, HOME_REGION))
}
