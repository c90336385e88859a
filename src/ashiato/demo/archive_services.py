"""Archive: objects, databases, Config rules, network changes and old TLS that the samples look for."""

from __future__ import annotations

from typing import Any

from ashiato.demo.archive_record import OTHER, Old, at
from ashiato.demo.estate import ENDPOINTS, PROD
from ashiato.demo.events import Call, Event
from ashiato.demo.identities import CLI, Session, assumed_role, iam_user
from ashiato.demo.ids import compact, fixed_uuid, iso


def objects(old: Old) -> None:
    """S3: a file looked for, a deleted bucket, anonymous requests, refusals, a public access block."""
    alice = iam_user(PROD, "alice", "AKIAJULY2021EXAMPLE0", address="198.51.100.31", agent=CLI)
    for n, name in enumerate(("PutObject", "GetObject", "GetObject", "DeleteObject")):
        old.add(
            f"2022-06-0{n + 1} 04:00:00",
            alice,
            Call(
                "s3.amazonaws.com",
                name,
                {"bucketName": "example", "key": "datafile.txt"},
                category="Data",
                read_only=name == "GetObject",
                resources=(
                    ("AWS::S3::Object", "arn:aws:s3:::example/datafile.txt"),
                    ("AWS::S3::Bucket", "arn:aws:s3:::example"),
                ),
            ),
            "athena-cloudtrail/002",
        )
    old.add(
        "2022-06-10 04:00:00",
        alice,
        Call(
            "s3.amazonaws.com",
            "DeleteBucket",
            {"bucketName": "example", "Host": "example.s3.amazonaws.com"},
            resources=(("AWS::S3::Bucket", "arn:aws:s3:::example"),),
        ),
        "athena-cloudtrail/003",
    )
    anonymous = Session(
        compact({"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}),
        "203.0.113.12",
        "curl/7.81.0",
        "cli",
        "",
        "anonymous",
    )
    # Someone pasted the sample with its placeholder: a request for a bucket of that name, which cannot exist.
    for bucket, error in (("[your bucket name ]", "InvalidBucketName"), ("example", None)):
        old.add(
            "2022-01-05 06:00:00",
            anonymous,
            Call(
                "s3.amazonaws.com",
                "GetObject",
                {"bucketName": bucket, "key": "index.html"},
                error=error,
                message="The specified bucket is not valid." if error else None,
                category="Data",
            ),
            "athena-cloudtrail/004",
        )
    for n in range(4):
        old.add(
            f"2022-01-1{n} 07:00:00",
            alice,
            Call(
                "s3.amazonaws.com",
                "GetObject",
                {"bucketName": "example", "key": f"part-{n % 2}.csv"},
                error="AccessDenied" if n % 2 else None,
                message="Access Denied" if n % 2 else None,
                category="Data",
            ),
            "lake/043",
        )
    for day, name in (
        ("2023-07-07 09:00:00", "PutBucketPublicAccessBlock"),
        ("2023-07-07 10:00:00", "PutPublicAccessBlock"),
        ("2023-07-08 09:00:00", "DeletePublicAccessBlock"),
    ):
        block = {
            "RestrictPublicBuckets": False,
            "BlockPublicPolicy": False,
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
        }
        request: dict[str, Any] = {
            "bucketName": "demo-20230707",
            "Host": "demo-20230707.s3.amazonaws.com",
            "publicAccessBlock": "",
        }
        if name != "DeletePublicAccessBlock":
            request["PublicAccessBlockConfiguration"] = block
        old.add(day, alice, Call("s3.amazonaws.com", name, request), "lake/055")


def databases_and_more(old: Old) -> None:
    """RDS, DynamoDB, Config rules, support, and one event of 2019."""
    admin = assumed_role(
        PROD, "database-admin", "kenji", at("2022-05-01 00:00:00"), address="198.51.100.33", agent=CLI
    )
    for n, (engine, public) in enumerate(
        (("aurora-mysql", False), ("postgres", True), ("aurora-mysql", True))
    ):
        old.add(
            f"2022-05-0{n + 1} 05:00:00",
            admin,
            Call(
                "rds.amazonaws.com",
                "CreateDBInstance",
                {
                    "dBInstanceIdentifier": f"shop-{n}",
                    "dBInstanceClass": "db.r6g.large",
                    "engine": engine,
                    "publiclyAccessible": public,
                },
                {"dBInstanceIdentifier": f"shop-{n}"},
            ),
            "lake/007 lake/045",
        )
    old.add(
        "2022-05-09 05:00:00",
        admin,
        Call(
            "rds.amazonaws.com",
            "RebootDBInstance",
            {"dBInstanceIdentifier": "shop-0"},
            {"dBInstanceIdentifier": "shop-0"},
        ),
        "lake/015",
    )
    old.add(
        "2022-05-09 06:00:00",
        admin,
        Call(
            "dynamodb.amazonaws.com",
            "Scan",
            {"tableName": "orders"},
            category="Data",
            read_only=True,
            resources=(("AWS::DynamoDB::Table", f"arn:aws:dynamodb:us-east-1:{PROD}:table/orders"),),
        ),
        "lake/017",
    )
    config = Session(
        compact({"type": "AWSService", "invokedBy": "config.amazonaws.com"}),
        "config.amazonaws.com",
        "config.amazonaws.com",
        "service",
        "",
        "config",
    )
    for when, verdict in (
        ("2022-11-02 01:00:00", "COMPLIANT"),
        ("2022-11-02 02:00:00", "NON_COMPLIANT"),
        ("2022-11-20 01:00:00", "COMPLIANT"),
        ("2023-11-16 01:00:00", "NON_COMPLIANT"),
        ("2023-11-16 02:00:00", "NOT_APPLICABLE"),
        ("2023-11-16 03:00:00", "COMPLIANT"),
    ):
        old.add(
            when,
            config,
            Call(
                "config.amazonaws.com",
                "PutEvaluations",
                {
                    "evaluations": [
                        {
                            "complianceType": verdict,
                            "complianceResourceType": "AWS::EC2::SecurityGroup",
                            "complianceResourceId": "sg-abcd1234",
                        }
                    ]
                },
                additional={
                    "configRuleName": "restricted-ssh",
                    "configRuleArn": f"arn:aws:config:us-east-1:{PROD}:config-rule/config-rule-abc123",
                },
                read_only=False,
            ),
            "lake/003 lake/053",
        )
    support = Session(
        compact({"type": "AWSService", "invokedBy": "support.amazonaws.com"}),
        "support.amazonaws.com",
        "support.amazonaws.com",
        "service",
        "",
        "support",
    )
    role = f"arn:aws:iam::{PROD}:role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport"
    old.add(
        "2022-08-03 11:00:00",
        support,
        Call(
            "sts.amazonaws.com",
            "AssumeRole",
            {"roleArn": role, "roleSessionName": "support"},
            resources=(("AWS::IAM::Role", role),),
        ),
        "lake/009",
    )
    old.add(
        "2019-12-30 03:00:00",
        iam_user(PROD, "alice", "AKIAJULY2021EXAMPLE0", address="198.51.100.31", agent=CLI),
        Call("ec2.amazonaws.com", "DescribeVpcs"),
        "lake/081",
    )


def network(old: Old) -> None:
    """EC2: rules of July 2023, snapshots, network ACLs, old TLS, and endpoint policies that refused."""
    alice = iam_user(PROD, "alice", "AKIAJULY2021EXAMPLE0", address="198.51.100.31", agent=CLI)
    ports = {
        "items": [
            {
                "ipProtocol": "tcp",
                "fromPort": 3389,
                "toPort": 3389,
                "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]},
            }
        ]
    }
    old.add(
        "2023-07-06 08:00:00",
        alice,
        Call(
            "ec2.amazonaws.com",
            "AuthorizeSecurityGroupIngress",
            {"groupId": "sg-abcd1234", "ipPermissions": ports},
            {"_return": True},
        ),
        "lake/021",
    )
    changed = {
        "ModifySecurityGroupRulesRequest": {
            "GroupId": "sg-abcd1234",
            "SecurityGroupRule": {
                "SecurityGroupRuleId": "sgr-0123456789abcdef0",
                "SecurityGroupRule": {
                    "CidrIpv4": "0.0.0.0/0",
                    "FromPort": 22,
                    "ToPort": 22,
                    "IpProtocol": "tcp",
                },
                "tag": 1,
            },
        }
    }
    old.add(
        "2023-07-06 09:00:00",
        alice,
        Call(
            "ec2.amazonaws.com",
            "ModifySecurityGroupRules",
            changed,
            {"ModifySecurityGroupRulesResponse": {"return": True}},
        ),
        "lake/021",
    )
    old.add(
        "2022-03-01 08:00:00",
        alice,
        Call(
            "ec2.amazonaws.com",
            "CreateSnapshots",
            {"CreateSnapshotsRequest": {"InstanceSpecification": {"InstanceId": "i-abcd1234"}}},
            {
                "CreateSnapshotsResponse": {
                    "snapshotSet": {"item": {"snapshotId": "snap-0123456789abcdef0", "encrypted": False}}
                }
            },
        ),
        "lake/023",
    )
    old.add(
        "2022-03-02 08:00:00",
        alice,
        Call(
            "ec2.amazonaws.com",
            "CreateNetworkAclEntry",
            {
                "networkAclId": "acl-abcd1234",
                "ruleNumber": 90,
                "egress": False,
                "ruleAction": "allow",
                "cidrBlock": "0.0.0.0/0",
            },
            {"_return": True},
        ),
        "lake/019",
    )
    old.add(
        "2022-03-03 08:00:00",
        alice,
        Call(
            "ec2.amazonaws.com",
            "AcceptVpcPeeringConnection",
            {"AcceptVpcPeeringConnectionRequest": {"VpcPeeringConnectionId": "pcx-abcd1234"}},
        ),
        "lake/019",
    )
    for n, version in enumerate(("TLSv1", "TLSv1.1", "TLSv1.2")):
        tls = {
            "tlsDetails": {
                "tlsVersion": version,
                "cipherSuite": "ECDHE-RSA-AES128-SHA",
                "clientProvidedHostHeader": "ec2.us-east-1.amazonaws.com",
            }
        }
        old.add(
            f"2023-06-2{n + 1} 02:00:00",
            alice,
            Call("ec2.amazonaws.com", "DescribeInstances", {"n": n}, extra=tls),
            "lake/063",
        )
    for n in range(3):
        second = at(f"2023-06-2{n + 3} 03:00:00")
        event_id = fixed_uuid("archive network activity", str(n))
        who = iam_user(OTHER, "carlos", "AKIACARLOS2EXAMPLE00", address="10.0.1.14", agent=CLI)
        body = (
            f'{{"eventVersion":"1.09","userIdentity":{who.identity},"eventTime":"{iso(second)}",'
            f'"eventSource":"secretsmanager.amazonaws.com",'
            f'"eventName":"GetSecretValue","awsRegion":"us-east-1","sourceIPAddress":"10.0.1.14","errorCode":"VpceAccessDenied",'
            f'"errorMessage":"The request was denied due to a VPC endpoint policy",'
            f'"requestID":"{fixed_uuid("archive request", str(n))}","eventID":"{event_id}",'
            f'"eventType":"AwsVpceEvent",'
            f'"recipientAccountId":"{PROD}",'
            f'"vpcEndpointId":"{ENDPOINTS[PROD, "us-east-1"]}","vpcEndpointAccountId":"{PROD}",'
            f'"eventCategory":"NetworkActivity"}}'
        )
        old.put(
            Event(second, PROD, "us-east-1", "NetworkActivity", body, event_id),
            "GetSecretValue",
            "lake/049 lake/051",
        )
