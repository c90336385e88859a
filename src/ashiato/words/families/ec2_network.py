"""VPC: security groups, network ACLs, routes, gateways, peering, flow logs, addresses.

Parameters: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/OperationList-query.html
"""

from ashiato.words.calls import Call
from ashiato.words.family import Family, single
from ashiato.words.names import Value
from ashiato.words.ports import peer, peers_of, port_phrase, ports_of

FAMILY = Family("ec2")
_says = FAMILY.says


def _acl_ports(call: Call) -> Value:
    return port_phrase(
        call.value("aclProtocol|protocol|ipProtocol"),
        call.value("portRange.from"),
        call.value("portRange.to"),
    )


def _allowed(call: Call) -> Value:
    cidr = call.value("cidrBlock|ipv6CidrBlock")
    return peer(cidr) if cidr and (call.value("ruleAction") or "").lower() == "allow" else None


def _denied(call: Call) -> Value:
    cidr = call.value("cidrBlock|ipv6CidrBlock")
    return peer(cidr) if cidr and (call.value("ruleAction") or "").lower() == "deny" else None


def _destination(call: Call) -> Value:
    cidr = call.value("destinationCidrBlock|destinationIpv6CidrBlock|destinationPrefixListId")
    return None if cidr is None else peer(cidr)


_GROUP = "groupId|groupName|response:securityGroupRuleSet.groupId|resources:"
_NEXT = (
    "gatewayId|natGatewayId|vpcPeeringConnectionId|transitGatewayId|networkInterfaceId|instanceId"
    "|egressOnlyInternetGatewayId|vpcEndpointId|localGatewayId|carrierGatewayId"
)

# fmt: off
_says(
    "AuthorizeSecurityGroupIngress",
    ("{who} [opened|tried to open] {ports} of {group} to {peers}",
     "{who} が {group} の {ports} を {peers} に開放[しました|しようとしました]"),
    ("{who} [opened|tried to open] {ports} of {group}",
     "{who} が {group} の {ports} を開放[しました|しようとしました]"),
    ("{who} [added|tried to add] an inbound rule to the security group {group}",
     "{who} がセキュリティグループ {group} にインバウンドルールを追加[しました|しようとしました]"),
    ("{who} [added|tried to add] an inbound rule to a security group",
     "{who} がセキュリティグループにインバウンドルールを追加[しました|しようとしました]"),
    group=_GROUP, ports=ports_of, peers=peers_of,
)
_says(
    "AuthorizeSecurityGroupEgress",
    ("{who} [let|tried to let] {group} reach {peers} on {ports}",
     "{who} が {group} から {peers} への {ports} のアウトバウンド通信を許可[しました|しようとしました]"),
    ("{who} [added|tried to add] an outbound rule to the security group {group}",
     "{who} がセキュリティグループ {group} にアウトバウンドルールを追加[しました|しようとしました]"),
    ("{who} [added|tried to add] an outbound rule to a security group",
     "{who} がセキュリティグループにアウトバウンドルールを追加[しました|しようとしました]"),
    group=_GROUP, ports=ports_of, peers=peers_of,
)
_says(
    "RevokeSecurityGroupIngress",
    ("{who} [closed|tried to close] {ports} of {group} to {peers}",
     "{who} が {group} の {ports} の {peers} への開放を取り消[しました|そうとしました]"),
    ("{who} [removed|tried to remove] inbound rules of the security group {group}",
     "{who} がセキュリティグループ {group} のインバウンドルールを削除[しました|しようとしました]"),
    ("{who} [removed|tried to remove] inbound rules of a security group",
     "{who} がセキュリティグループのインバウンドルールを削除[しました|しようとしました]"),
    group=_GROUP, ports=ports_of, peers=peers_of,
)
_says(
    "RevokeSecurityGroupEgress",
    ("{who} [no longer let|tried to no longer let] {group} reach {peers} on {ports}",
     "{who} が {group} から {peers} への {ports} のアウトバウンド通信の許可を取り消[しました|そうとしました]"),
    ("{who} [removed|tried to remove] outbound rules of the security group {group}",
     "{who} がセキュリティグループ {group} のアウトバウンドルールを削除[しました|しようとしました]"),
    ("{who} [removed|tried to remove] outbound rules of a security group",
     "{who} がセキュリティグループのアウトバウンドルールを削除[しました|しようとしました]"),
    group=_GROUP, ports=ports_of, peers=peers_of,
)
_says(
    "ModifySecurityGroupRules",
    ("{who} [changed|tried to change] a rule of {group} to allow {ports} for {peers}",
     "{who} が {group} のルールを変更し、{peers} に {ports} を許可[しました|しようとしました]"),
    ("{who} [changed|tried to change] rules of the security group {group}",
     "{who} がセキュリティグループ {group} のルールを変更[しました|しようとしました]"),
    group=_GROUP, ports=ports_of, peers=peers_of,
)
_says(
    "UpdateSecurityGroupRuleDescriptionsIngress UpdateSecurityGroupRuleDescriptionsEgress",
    ("{who} [changed|tried to change] descriptions of rules of {group}",
     "{who} が {group} のルールの説明を変更[しました|しようとしました]"),
    group=_GROUP,
)
_says(
    "CreateSecurityGroup",
    ("{who} [created|tried to create] the security group {name} ({group})",
     "{who} がセキュリティグループ {name}({group})を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] the security group {name}",
     "{who} がセキュリティグループ {name} を作成[しました|しようとしました]"),
    group="response:groupId", name="groupName", about="group name",
)
_says(
    "DeleteSecurityGroup",
    ("{who} [deleted|tried to delete] the security group {group}",
     "{who} がセキュリティグループ {group} を削除[しました|しようとしました]"),
    group="groupId|groupName",
)
_says(
    "CreateNetworkAclEntry ReplaceNetworkAclEntry",
    ("{who} [allowed|tried to allow] {ports} with {allowed} in the network ACL {acl}",
     "{who} がネットワーク ACL {acl} で {allowed} との {ports} を許可[しました|しようとしました]"),
    ("{who} [blocked|tried to block] {ports} with {denied} in the network ACL {acl}",
     "{who} がネットワーク ACL {acl} で {denied} との {ports} を遮断[しました|しようとしました]"),
    ("{who} [changed|tried to change] an entry of the network ACL {acl}",
     "{who} がネットワーク ACL {acl} のエントリを変更[しました|しようとしました]"),
    acl="networkAclId", ports=_acl_ports, allowed=_allowed, denied=_denied,
)
_says(
    "DeleteNetworkAclEntry",
    ("{who} [deleted|tried to delete] rule {number} of the network ACL {acl}",
     "{who} がネットワーク ACL {acl} のルール {number} を削除[しました|しようとしました]"),
    acl="networkAclId", number="ruleNumber",
)
_says(
    "ReplaceNetworkAclAssociation",
    ("{who} [put|tried to put] another network ACL, {acl}, on a subnet",
     "{who} がサブネットのネットワーク ACL を {acl} に変更[しました|しようとしました]"),
    acl="networkAclId", association="associationId",
)
_says(
    "CreateRoute",
    ("{who} [added|tried to add] a route to {destination} through {next} to {table}",
     "{who} が {table} に {destination} へのルート({next} 経由)を追加[しました|しようとしました]"),
    ("{who} [added|tried to add] a route to {destination} to {table}",
     "{who} が {table} に {destination} へのルートを追加[しました|しようとしました]"),
    table="routeTableId", destination=_destination, next=_NEXT,
)
_says(
    "ReplaceRoute",
    ("{who} [led|tried to lead] the route to {destination} of {table} to {next}",
     "{who} が {table} の {destination} へのルートを {next} 経由に変更[しました|しようとしました]"),
    ("{who} [changed|tried to change] the route to {destination} of {table}",
     "{who} が {table} の {destination} へのルートを変更[しました|しようとしました]"),
    table="routeTableId", destination=_destination, next=_NEXT,
)
_says(
    "DeleteRoute",
    ("{who} [deleted|tried to delete] the route to {destination} of {table}",
     "{who} が {table} の {destination} へのルートを削除[しました|しようとしました]"),
    table="routeTableId", destination=_destination,
)
_says(
    "CreateRouteTable",
    ("{who} [created|tried to create] the route table {table} in {vpc}",
     "{who} が {vpc} にルートテーブル {table} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] a route table in {vpc}",
     "{who} が {vpc} にルートテーブルを作成[しました|しようとしました]"),
    table="response:routeTable.routeTableId", vpc="vpcId", about="table vpc",
)
_says(
    "DeleteRouteTable",
    ("{who} [deleted|tried to delete] the route table {table}",
     "{who} がルートテーブル {table} を削除[しました|しようとしました]"),
    table="routeTableId",
)
_says(
    "AssociateRouteTable",
    ("{who} [made|tried to make] {subnet} use the route table {table}",
     "{who} が {subnet} にルートテーブル {table} を関連付け[ました|ようとしました]"),
    subnet="subnetId|gatewayId", table="routeTableId", about="subnet table",
)
_says(
    "DisassociateRouteTable",
    ("{who} [ended|tried to end] the use of a route table ({association})",
     "{who} がルートテーブルの関連付け {association} を解除[しました|しようとしました]"),
    association="associationId",
)
_says(
    "CreateInternetGateway",
    ("{who} [created|tried to create] the internet gateway {gateway}",
     "{who} がインターネットゲートウェイ {gateway} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] an internet gateway",
     "{who} がインターネットゲートウェイを作成[しました|しようとしました]"),
    gateway="response:internetGateway.internetGatewayId",
)
_says(
    "DeleteInternetGateway",
    ("{who} [deleted|tried to delete] the internet gateway {gateway}",
     "{who} がインターネットゲートウェイ {gateway} を削除[しました|しようとしました]"),
    gateway="internetGatewayId",
)
_says(
    "CreateNetworkInterface",
    ("{who} [created|tried to create] the network interface {interface} in {subnet}",
     "{who} が {subnet} にネットワークインターフェイス {interface} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] a network interface in {subnet}",
     "{who} が {subnet} にネットワークインターフェイスを作成[しました|しようとしました]"),
    interface="response:networkInterface.networkInterfaceId", subnet="subnetId", about="interface subnet",
)
_says(
    "DeleteNetworkInterface",
    ("{who} [deleted|tried to delete] the network interface {interface}",
     "{who} がネットワークインターフェイス {interface} を削除[しました|しようとしました]"),
    interface="networkInterfaceId",
)
_says(
    "ModifyNetworkInterfaceAttribute",
    ("{who} [put|tried to put] the network interface {interface} into the security groups {groups}",
     "{who} がネットワークインターフェイス {interface} のセキュリティグループを {groups} に変更[しました|しようとしました]"),
    ("{who} [changed|tried to change] the network interface {interface}",
     "{who} がネットワークインターフェイス {interface} の属性を変更[しました|しようとしました]"),
    interface="networkInterfaceId", groups="groupSet.groupId",
)
_says(
    "AttachInternetGateway",
    ("{who} [attached|tried to attach] the internet gateway {gateway} to {vpc}",
     "{who} がインターネットゲートウェイ {gateway} を {vpc} にアタッチ[しました|しようとしました]"),
    gateway="internetGatewayId", vpc="vpcId", about="vpc gateway",
)
_says(
    "DetachInternetGateway",
    ("{who} [detached|tried to detach] the internet gateway {gateway} from {vpc}",
     "{who} がインターネットゲートウェイ {gateway} を {vpc} からデタッチ[しました|しようとしました]"),
    gateway="internetGatewayId", vpc="vpcId", about="vpc gateway",
)
_says(
    "CreateVpcPeeringConnection",
    ("{who} [asked|tried to ask] for a peering of {vpc} with {peer} of account {owner}",
     "{who} が {vpc} とアカウント {owner} の {peer} とのピアリングを要求[しました|しようとしました]"),
    ("{who} [asked|tried to ask] for a peering of {vpc} with {peer}",
     "{who} が {vpc} と {peer} とのピアリングを要求[しました|しようとしました]"),
    vpc="vpcId", peer="peerVpcId", owner="peerOwnerId",
)
_says(
    "AcceptVpcPeeringConnection",
    ("{who} [accepted|tried to accept] the peering {peering} with {requester}",
     "{who} が {requester} とのピアリング {peering} を承認[しました|しようとしました]"),
    ("{who} [accepted|tried to accept] the peering {peering}",
     "{who} がピアリング {peering} を承認[しました|しようとしました]"),
    peering="vpcPeeringConnectionId", requester="response:vpcPeeringConnection.requesterVpcInfo.vpcId",
)
_says(
    "DeleteVpcPeeringConnection",
    ("{who} [deleted|tried to delete] the peering {peering}",
     "{who} がピアリング {peering} を削除[しました|しようとしました]"),
    peering="vpcPeeringConnectionId",
)
_says(
    "CreateFlowLogs",
    ("{who} [switched on|tried to switch on] flow logs of {resources} for {traffic} traffic, into {where_to}",
     "{who} が {resources} の {traffic} トラフィックのフローログ(送信先 {where_to})を有効化[しました|しようとしました]"),
    ("{who} [switched on|tried to switch on] flow logs of {resources} for {traffic} traffic",
     "{who} が {resources} の {traffic} トラフィックのフローログを有効化[しました|しようとしました]"),
    ("{who} [switched on|tried to switch on] flow logs of {resources}",
     "{who} が {resources} のフローログを有効化[しました|しようとしました]"),
    resources="resourceId", traffic="trafficType", where_to="logDestination|logGroupName",
)
_says(
    "DeleteFlowLogs",
    ("{who} [deleted|tried to delete] the flow log {logs}",
     "{who} がフローログ {logs} を削除[しました|しようとしました]", "one"),
    ("{who} [deleted|tried to delete] the flow logs {logs}",
     "{who} がフローログ {logs} を削除[しました|しようとしました]"),
    logs="flowLogId|flowLogIds", one=single("flowLogId|flowLogIds"),
)
_says(
    "CreateTrafficMirrorSession",
    ("{who} [mirrored|tried to mirror] the traffic of {interface} to {target}",
     "{who} が {interface} のトラフィックの {target} へのミラーリングを開始[しました|しようとしました]"),
    interface="networkInterfaceId", target="trafficMirrorTargetId",
)
_says(
    "AllocateAddress",
    ("{who} [allocated|tried to allocate] the Elastic IP address {address}",
     "{who} が Elastic IP アドレス {address} を割り当て[ました|ようとしました]"),
    ("{who} [allocated|tried to allocate] an Elastic IP address",
     "{who} が Elastic IP アドレスを割り当て[ました|ようとしました]"),
    address="response:publicIp", allocation="response:allocationId", about="address allocation",
)
_says(
    "AssociateAddress",
    ("{who} [gave|tried to give] {target} the Elastic IP address {address}",
     "{who} が {target} に Elastic IP アドレス {address} を関連付け[ました|ようとしました]"),
    target="instanceId|networkInterfaceId", address="publicIp|allocationId",
)
_says(
    "DisassociateAddress",
    ("{who} [took|tried to take] the Elastic IP address {address} away from its resource",
     "{who} が Elastic IP アドレス {address} の関連付けを解除[しました|しようとしました]"),
    address="publicIp|associationId",
)
_says(
    "ReleaseAddress",
    ("{who} [released|tried to release] the Elastic IP address {address}",
     "{who} が Elastic IP アドレス {address} を解放[しました|しようとしました]"),
    address="publicIp|allocationId",
)
_says(
    "CreateVpc CreateDefaultVpc",
    ("{who} [created|tried to create] the VPC {vpc}", "{who} が VPC {vpc} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] a VPC", "{who} が VPC を作成[しました|しようとしました]"),
    vpc="response:vpc.vpcId",
)
_says(
    "DeleteVpc",
    ("{who} [deleted|tried to delete] the VPC {vpc}", "{who} が VPC {vpc} を削除[しました|しようとしました]"),
    vpc="vpcId",
)
_says(
    "CreateSubnet CreateDefaultSubnet",
    ("{who} [created|tried to create] the subnet {subnet}",
     "{who} がサブネット {subnet} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] a subnet in {vpc}",
     "{who} が {vpc} にサブネットを作成[しました|しようとしました]"),
    subnet="response:subnet.subnetId", vpc="vpcId", about="subnet vpc",
)
_says(
    "DeleteSubnet",
    ("{who} [deleted|tried to delete] the subnet {subnet}",
     "{who} がサブネット {subnet} を削除[しました|しようとしました]"),
    subnet="subnetId",
)
_says(
    "ModifySubnetAttribute",
    ("{who} [made|tried to make] new instances in the subnet {subnet} get public addresses",
     "{who} がサブネット {subnet} の新しいインスタンスにパブリック IP を付与するように[しました|しようとしました]", "public"),
    ("{who} [changed|tried to change] the subnet {subnet}",
     "{who} がサブネット {subnet} の設定を変更[しました|しようとしました]"),
    subnet="subnetId", public=lambda call: call.value("mapPublicIpOnLaunch.value|mapPublicIpOnLaunch") == "true",
)
_says(
    "CreateVpcEndpoint",
    ("{who} [created|tried to create] an endpoint for {service} in {vpc}",
     "{who} が {vpc} に {service} のエンドポイントを作成[しました|しようとしました]"),
    vpc="vpcId", service="serviceName",
)
_says(
    "DeleteVpcEndpoints",
    ("{who} [deleted|tried to delete] the VPC endpoint {endpoints}",
     "{who} が VPC エンドポイント {endpoints} を削除[しました|しようとしました]", "one"),
    ("{who} [deleted|tried to delete] the VPC endpoints {endpoints}",
     "{who} が VPC エンドポイント {endpoints} を削除[しました|しようとしました]"),
    endpoints="vpcEndpointId|vpcEndpointIds", one=single("vpcEndpointId|vpcEndpointIds"),
)
_says(
    "CreateNatGateway",
    ("{who} [created|tried to create] a NAT gateway in {subnet}",
     "{who} が {subnet} に NAT ゲートウェイを作成[しました|しようとしました]"),
    gateway="response:natGateway.natGatewayId", subnet="subnetId", about="gateway subnet",
)
_says(
    "DeleteNatGateway",
    ("{who} [deleted|tried to delete] the NAT gateway {gateway}",
     "{who} が NAT ゲートウェイ {gateway} を削除[しました|しようとしました]"),
    gateway="natGatewayId",
)
