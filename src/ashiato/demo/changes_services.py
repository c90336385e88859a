"""Calls that change functions, databases, tables, alarms, stacks and topics, and what they change."""
# ruff: noqa: ARG001 - every act has the same parameters

from __future__ import annotations

from random import Random

from ashiato.demo.change_calls import Effect, setting
from ashiato.demo.events import Call
from ashiato.demo.ids import fixed_uuid, iso_ms
from ashiato.demo.resources import Resource


def function_memory(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """UpdateFunctionConfiguration of memory and time limit."""
    memory = rng.choice([m for m in range(128, 3072, 64) if m != r.configuration["memorySize"]])
    timeout = rng.randrange(10, 120)
    revision = fixed_uuid(r.arn, str(rng.random()))
    request = {"functionName": r.name, "memorySize": memory, "timeout": timeout}

    def effect(resource: Resource, second: int) -> None:
        resource.configuration.update(
            memorySize=memory,
            timeout=timeout,
            revisionId=revision,
            lastModified=iso_ms(second * 1000)[:-1] + "+0000",
        )

    return Call(
        "lambda.amazonaws.com",
        "UpdateFunctionConfiguration20150331v2",
        request,
        {
            "functionName": r.name,
            "functionArn": r.arn,
            "memorySize": memory,
            "timeout": timeout,
            "revisionId": revision,
        },
    ), effect


def function_code(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """UpdateFunctionCode to another build."""
    code = fixed_uuid("code", r.arn, str(rng.random()))
    request = {
        "functionName": r.arn if rng.random() < 0.5 else r.name,
        "s3Bucket": f"shop-artifacts-{r.account}",
        "s3Key": f"{r.name}/{code}.zip",
        "publish": False,
        "dryRun": False,
    }

    def effect(resource: Resource, second: int) -> None:
        resource.configuration.update(
            codeSha256=code,
            codeSize=60000 + rng.randrange(90000),
            lastModified=iso_ms(second * 1000)[:-1] + "+0000",
        )

    return Call(
        "lambda.amazonaws.com",
        "UpdateFunctionCode20150331v2",
        request,
        {"functionName": r.name, "functionArn": r.arn, "codeSha256": code},
    ), effect


def database(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """ModifyDBInstance of retention or storage."""
    days = rng.choice([d for d in range(3, 36) if d != r.configuration["backupRetentionPeriod"]])
    request = {
        "dBInstanceIdentifier": r.name,
        "backupRetentionPeriod": days,
        "applyImmediately": True,
        "allowMajorVersionUpgrade": False,
    }
    return Call(
        "rds.amazonaws.com",
        "ModifyDBInstance",
        request,
        {
            "dBInstanceIdentifier": r.name,
            "dBInstanceArn": r.arn,
            "pendingModifiedValues": {"backupRetentionPeriod": days},
        },
    ), setting("backupRetentionPeriod", days)


def table(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """UpdateTable of the provisioned throughput."""
    units = {"readCapacityUnits": rng.randrange(20, 4000), "writeCapacityUnits": rng.randrange(10, 900)}
    return Call(
        "dynamodb.amazonaws.com",
        "UpdateTable",
        {"tableName": r.name, "provisionedThroughput": units},
        {"tableDescription": {"tableName": r.name, "tableStatus": "UPDATING"}},
        resources=(("AWS::DynamoDB::Table", r.arn),),
    ), setting("provisionedThroughput", units)


def alarm(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutMetricAlarm with another threshold."""
    threshold = float(rng.randrange(10, 99)) + rng.randrange(10) / 10
    request = {
        "alarmName": r.name,
        "threshold": threshold,
        "period": 60,
        "evaluationPeriods": 5,
        "comparisonOperator": "GreaterThanThreshold",
    }
    return Call("monitoring.amazonaws.com", "PutMetricAlarm", request), setting("threshold", threshold)


def stack(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """UpdateStack with another version parameter."""
    version = str(int(r.configuration["parameters"][0]["parameterValue"]) + 1)

    def effect(resource: Resource, second: int) -> None:
        resource.configuration["parameters"] = [{"parameterKey": "Version", "parameterValue": version}]
        resource.configuration["lastUpdatedTime"] = iso_ms(second * 1000)

    return Call(
        "cloudformation.amazonaws.com",
        "UpdateStack",
        {
            "stackName": r.name,
            "parameters": [{"parameterKey": "Version", "parameterValue": version}],
            "usePreviousTemplate": True,
        },
        {"stackId": r.arn},
    ), effect


def topic(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """SetTopicAttributes of the display name."""
    name = f"alerts {rng.randrange(100000)}"
    return Call(
        "sns.amazonaws.com",
        "SetTopicAttributes",
        {"topicArn": r.arn, "attributeName": "DisplayName", "attributeValue": name},
    ), setting("DisplayName", name)
