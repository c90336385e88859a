"""`vpc_flow_logs`: a flow record of a VPC or a transit gateway, versions 2 to 11.

Names and types are those of AWS's Parquet files and Athena table (underscores for hyphens):
https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html
"""

import pyarrow as pa

from ashiato.formats.columns import PROVENANCE, TIMESTAMP, Column, TableDescription

VPC = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"
TGW = "https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html"

S, I32, I64 = pa.string(), pa.int32(), pa.int64()


def _vpc(name: str, type_: pa.DataType, meaning: str) -> Column:
    return Column(name, type_, meaning, VPC)


def _tgw(name: str, type_: pa.DataType, meaning: str) -> Column:
    return Column(name, type_, meaning, TGW)


#: Fields as AWS names them (with underscores), by the version that brought them.
FIELDS = (
    _vpc("version", I32, "highest version among the chosen fields"),
    _vpc("account_id", S, "owner of the interface, or `unknown`"),
    _vpc("interface_id", S, "interface that the traffic was recorded at"),
    _vpc("srcaddr", S, "source address (of the interface: its primary private one)"),
    _vpc("dstaddr", S, "destination address (of the interface: its primary private one)"),
    _vpc("srcport", I32, "source port"),
    _vpc("dstport", I32, "destination port"),
    _vpc("protocol", I32, "IANA protocol number"),
    _vpc("packets", I64, "packets in the window"),
    _vpc("bytes", I64, "bytes in the window"),
    _vpc("start", I64, "first packet within the window, Unix seconds (up to 60 s off)"),
    _vpc("end", I64, "last packet within the window, Unix seconds (up to 60 s off)"),
    _vpc("action", S, "ACCEPT or REJECT"),
    _vpc("log_status", S, "OK, NODATA (no traffic) or SKIPDATA (records were skipped: a gap)"),
    _vpc("vpc_id", S, "VPC"),
    _vpc("subnet_id", S, "subnet"),
    _vpc("instance_id", S, "instance, unless the interface is managed by a service"),
    _vpc("tcp_flags", I32, "TCP flags seen in the window, as a bit mask"),
    _vpc("type", S, "IPv4, IPv6 or EFA"),
    _vpc("pkt_srcaddr", S, "source address in the packet"),
    _vpc("pkt_dstaddr", S, "destination address in the packet"),
    _vpc("region", S, "region"),
    _vpc("az_id", S, "availability zone id"),
    _vpc("sublocation_type", S, "wavelength, outpost or localzone"),
    _vpc("sublocation_id", S, "its id"),
    _vpc("pkt_src_aws_service", S, "AWS service of the source address"),
    _vpc("pkt_dst_aws_service", S, "AWS service of the destination address"),
    _vpc("flow_direction", S, "ingress or egress, as seen from the interface"),
    _vpc("traffic_path", I32, "way that egress traffic took: 1 to 8"),
    _vpc("ecs_cluster_arn", S, "ECS cluster"),
    _vpc("ecs_cluster_name", S, "ECS cluster's name"),
    _vpc("ecs_container_instance_arn", S, "ECS container instance"),
    _vpc("ecs_container_instance_id", S, "ECS container instance's id"),
    _vpc("ecs_container_id", S, "first container"),
    _vpc("ecs_second_container_id", S, "second container"),
    _vpc("ecs_service_name", S, "ECS service"),
    _vpc("ecs_task_definition_arn", S, "ECS task definition"),
    _vpc("ecs_task_arn", S, "ECS task"),
    _vpc("ecs_task_id", S, "ECS task's id"),
    _vpc("reject_reason", S, "BPA (block public access) or EC (encryption controls)"),
    _vpc("resource_id", S, "regional NAT gateway"),
    _vpc("encryption_status", I32, "0 clear, 1 Nitro, 2 application TLS, 3 both"),
    _vpc("instance_tag", S, "chosen tag of the instance, percent-encoded"),
    _vpc("instance_tag_2", S, "second chosen tag of the instance"),
    _vpc("interface_tag", S, "chosen tag of the interface"),
    _vpc("interface_tag_2", S, "second chosen tag of the interface"),
    _vpc("asg_tag", S, "chosen tag of the Auto Scaling group"),
    _vpc("asg_tag_2", S, "second chosen tag of the Auto Scaling group"),
    _vpc("interface_type", S, "nat_gateway, network_load_balancer, transit_gateway, vpc_endpoint …"),
    _vpc("next_hop_interface_id", S, "next hop's interface"),
    _vpc("next_hop_subnet_id", S, "next hop's subnet"),
    _vpc("next_hop_az_id", S, "next hop's availability zone id"),
    _vpc("next_hop_vpc_id", S, "next hop's VPC"),
    _vpc("next_hop_interface_type", S, "next hop's kind"),
    _tgw("resource_type", S, "TransitGateway or TransitGatewayAttachment"),
    _tgw("tgw_id", S, "transit gateway"),
    _tgw("tgw_attachment_id", S, "attachment"),
    _tgw("tgw_src_vpc_account_id", S, "owner of the source VPC"),
    _tgw("tgw_dst_vpc_account_id", S, "owner of the destination VPC"),
    _tgw("tgw_src_vpc_id", S, "source VPC"),
    _tgw("tgw_dst_vpc_id", S, "destination VPC"),
    _tgw("tgw_src_subnet_id", S, "source subnet"),
    _tgw("tgw_dst_subnet_id", S, "destination subnet"),
    _tgw("tgw_src_eni", S, "source interface"),
    _tgw("tgw_dst_eni", S, "destination interface"),
    _tgw("tgw_src_az_id", S, "source availability zone id"),
    _tgw("tgw_dst_az_id", S, "destination availability zone id"),
    _tgw("tgw_pair_attachment_id", S, "attachment at the other side"),
    _tgw("packets_lost_no_route", I64, "packets lost: no route"),
    _tgw("packets_lost_blackhole", I64, "packets lost: black hole"),
    _tgw("packets_lost_mtu_exceeded", I64, "packets lost: MTU exceeded"),
    _tgw("packets_lost_ttl_expired", I64, "packets lost: TTL expired"),
)

VPC_FLOW_LOGS = TableDescription(
    name="vpc_flow_logs",
    row="a flow record: one 5-tuple at one interface in one window",
    columns=(
        *FIELDS,
        *PROVENANCE,
        Column("start_time", TIMESTAMP, "`start` as a timestamp; without `start`, the object's time"),
        Column("time_from_object", pa.bool_(), "true where the format has no start and end"),
        Column("log_event_id", S, "CloudWatch Logs' event id, where it came from a log group"),
    ),
    time_column="start_time",
    partition="day",
    sort=("start_time",),
)
