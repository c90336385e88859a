"""Which calls change which resources, what they change, and which calls only look as if they did.

A kind's `act` returns the call and the effect on the recorded state; `unrecorded` calls name the
resource, write, and leave the recorded state as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ashiato.demo.change_calls import Act
from ashiato.demo.changes_access import (
    bucket_lifecycle,
    bucket_policy,
    bucket_tags,
    bucket_versioning,
    inline_policy,
    key_policy,
    policy_version,
    role_policy,
    secret,
)
from ashiato.demo.changes_network import (
    add_rule,
    balancer,
    grow_volume,
    monitoring,
    retype,
    route,
    subnet_public,
    tag_ec2,
)
from ashiato.demo.changes_services import alarm, database, function_code, function_memory, stack, table, topic


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to change resources of one type, and its share among the type's changes."""

    weight: float
    act: Act


KINDS: Final[dict[str, tuple[Kind, ...]]] = {
    "AWS::EC2::SecurityGroup": (Kind(5, add_rule), Kind(1, tag_ec2)),
    "AWS::EC2::Instance": (Kind(2, tag_ec2), Kind(1, retype), Kind(2, monitoring)),
    "AWS::EC2::NetworkInterface": (Kind(1, tag_ec2),),
    "AWS::EC2::Volume": (Kind(2, grow_volume), Kind(1, tag_ec2)),
    "AWS::EC2::Subnet": (Kind(1, subnet_public), Kind(1, tag_ec2)),
    "AWS::EC2::VPC": (Kind(1, tag_ec2),),
    "AWS::EC2::RouteTable": (Kind(3, route),),
    "AWS::IAM::Role": (Kind(2, role_policy), Kind(1, inline_policy)),
    "AWS::IAM::User": (Kind(1, role_policy),),
    "AWS::IAM::Policy": (Kind(1, policy_version),),
    "AWS::S3::Bucket": (
        Kind(2, bucket_policy),
        Kind(1, bucket_versioning),
        Kind(2, bucket_tags),
        Kind(1, bucket_lifecycle),
    ),
    "AWS::Lambda::Function": (Kind(2, function_memory), Kind(4, function_code)),
    "AWS::RDS::DBInstance": (Kind(1, database),),
    "AWS::KMS::Key": (Kind(1, key_policy),),
    "AWS::DynamoDB::Table": (Kind(1, table),),
    "AWS::CloudWatch::Alarm": (Kind(1, alarm),),
    "AWS::CloudFormation::Stack": (Kind(1, stack),),
    "AWS::SNS::Topic": (Kind(1, topic),),
    "AWS::SecretsManager::Secret": (Kind(1, secret),),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (Kind(1, balancer),),
}


# How often a resource of the type changes, against the others.
ACTIVITY: Final[dict[str, float]] = {
    "AWS::EC2::SecurityGroup": 4,
    "AWS::EC2::Instance": 2,
    "AWS::EC2::NetworkInterface": 0.4,
    "AWS::EC2::Volume": 1,
    "AWS::EC2::Subnet": 0.5,
    "AWS::EC2::VPC": 0.5,
    "AWS::EC2::RouteTable": 2,
    "AWS::IAM::Role": 2.5,
    "AWS::IAM::User": 1,
    "AWS::IAM::Policy": 2,
    "AWS::S3::Bucket": 2.5,
    "AWS::Lambda::Function": 5,
    "AWS::RDS::DBInstance": 2,
    "AWS::KMS::Key": 2,
    "AWS::DynamoDB::Table": 2,
    "AWS::CloudWatch::Alarm": 1,
    "AWS::CloudFormation::Stack": 5,
    "AWS::SNS::Topic": 1,
    "AWS::SecretsManager::Secret": 1,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": 1,
}
