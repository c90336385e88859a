"""The program that called: its product family, without versions, from CloudTrail's userAgent.

User agents are written by the caller and can be forged: a family lowers or raises a suspicion, it proves nothing.
Forms: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

#: Longest part of a user agent that is looked at, in characters; CloudTrail itself cuts at 1 KB.
MOST: Final = 1024
_MOST_TOKEN: Final = 48

#: A product that is named anywhere in the agent, before what its first token says: most are built on an SDK,
#: whose name comes first.
_ANYWHERE: Final = tuple(
    (re.compile(pattern, re.I), family)
    for pattern, family in (
        (r"opentofu", "OpenTofu"),
        (r"terraform", "Terraform"),
        (r"pulumi", "Pulumi"),
        (r"\bcrossplane|upjet", "Crossplane"),
        (r"\baws-?cdk\b", "aws-cdk"),
        (r"\beksctl\b", "eksctl"),
        (r"\bkarpenter\b", "Karpenter"),
        (r"cluster-autoscaler", "cluster-autoscaler"),
        (r"load-balancer-controller|elbv2\.k8s\.aws", "aws-load-balancer-controller"),
        (r"\bexternal-?dns\b", "external-dns"),
        (r"\bcert-manager\b", "cert-manager"),
        (r"aws-ebs-csi|ebs\.csi\.aws\.com", "aws-ebs-csi-driver"),
        (r"aws-efs-csi|efs\.csi\.aws\.com", "aws-efs-csi-driver"),
        (r"amazon-vpc-cni", "amazon-vpc-cni-k8s"),
        (r"kubernetes/|\bkops\b", "Kubernetes"),
        (r"\bvelero\b", "Velero"),
        (r"ansible", "Ansible"),
        (r"\bpacker\b", "Packer"),
        (r"\bserverless(?:-framework)?/", "Serverless Framework"),
        (r"aws-?sam-?cli", "aws-sam-cli"),
        (r"configure-aws-credentials|github-?actions", "GitHub Actions"),
        (r"\bjenkins\b", "Jenkins"),
        (r"\bc7n\b|cloud-?custodian", "Cloud Custodian"),
        (r"amazon-ssm-agent", "amazon-ssm-agent"),
        (r"amazon[ -]ecs[ -]agent", "amazon-ecs-agent"),
        (r"amazon-?cloudwatch-?agent|cwagent", "amazon-cloudwatch-agent"),
        (r"aws-codedeploy-agent|codedeploy-agent", "aws-codedeploy-agent"),
        (r"fluent-?bit", "Fluent Bit"),
        (r"exec-env/cloudshell", "CloudShell"),
    )
)

#: Families that change or watch an estate by themselves.
AUTOMATION: Final = frozenset(family for _, family in _ANYWHERE) - {"CloudShell"}

#: Families of AWS's SDKs: a program, but not which.
SDKS: Final = re.compile(r"boto3|botocore|aws-sdk-.*|aws-chalice|aws-internal|awspowershell.*", re.I)

#: First tokens that name a product that is generally known, as AWS and their makers write them.
_KNOWN: Final = re.compile(
    r"(?:aws-cli|boto3|botocore|aws-sdk-[a-z0-9+.-]+?|awspowershell(?:\.[a-z.]+)?|aws-internal|aws-chalice"
    r"|s3console|ec2consolefrontend|[a-z0-9]*console[a-z]*|cyberduck|cloudberry|s3 browser|hadoop|rclone|minio"
    r"|curl|wget|python-requests|go-http-client|okhttp|apache-httpclient|postmanruntime|vault|grafana"
    r"|datadog|amazon-ec2-spot-fleet|amazoneks|elastic)",
    re.I,
)
_SERVICE: Final = re.compile(r"[a-z0-9.-]+\.(?:amazonaws\.com(?:\.cn)?|aws\.internal|aws\.amazon\.com)", re.I)
_CONSOLES: Final = re.compile(r"(?:console|signin)(?:\.[a-z0-9.-]+)?\.amazonaws\.com|aws-console", re.I)
_NAMED_CONSOLE: Final = re.compile(r"((?:aws |amazon )?[a-z0-9 ]{1,30}? ?console)\b", re.I)
_VERSION: Final = re.compile(
    r"[_-]?(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|v?\d+(?:\.\d+)+|[0-9a-f]{16,}|\d{4,})",
    re.I,
)
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e\u00a1-\ud7ff\ue000-\ufffd]")


def agent_family(user_agent: str | None) -> str:
    """The product family: `aws-cli`, `Terraform`, `Boto3`, `console`, `S3Console`, `browser`, a service's DNS
    name, `AWS Internal`, `none`, or `other:` and the first token without its version.

    >>> agent_family("aws-cli/2.15.0 Python/3.11.6 Linux/5.10 exe/x86_64 prompt/off command/s3.ls")
    'aws-cli'
    >>> agent_family("stratus-red-team_ea782787-a65d-4fc4-9fca-1c97869a9a25")
    'other:stratus-red-team'
    """
    return _family(user_agent[:MOST]) if isinstance(user_agent, str) else "none"


@lru_cache(maxsize=1 << 14)
def _family(user_agent: str) -> str:
    text = _UNPRINTABLE.sub("?", user_agent).strip().strip("[]").strip()
    if not text:
        return "none"
    if text.lower() == "aws internal":
        return "AWS Internal"
    if _CONSOLES.fullmatch(text):
        return "console"
    if _SERVICE.fullmatch(text):
        return text.lower()[:_MOST_TOKEN]
    for pattern, family in _ANYWHERE:
        if pattern.search(text):
            return family
    if text.startswith("Mozilla/"):
        return "browser"
    return _first(text)


def _first(text: str) -> str:
    named = _NAMED_CONSOLE.match(text)
    if named:
        return named[1]
    token = re.split(r"[/\s,;(]", text, maxsplit=1)[0] or text.split()[0]
    if _KNOWN.fullmatch(token):
        return token[:_MOST_TOKEN]
    return f"other:{(_VERSION.sub('', token) or token)[:_MOST_TOKEN]}"


def is_console_agent(family: str) -> bool:
    """Whether a family is a page of the console or a browser."""
    return family in ("console", "browser", "CloudShell") or "console" in family.lower()[:_MOST_TOKEN]
