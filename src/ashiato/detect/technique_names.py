"""ATT&CK for Enterprise, version 19 (April 2026): names of the techniques that rules about AWS use.

https://attack.mitre.org/. pySigma's own table is not used: it downloads. Version 19 split Defense Evasion and took
T1562 apart; `REPLACED` says by what.
"""

from __future__ import annotations

from typing import Final

NAMES: Final[dict[str, str]] = {
    "T1005": "Data from Local System",
    "T1020": "Automated Exfiltration",
    "T1021": "Remote Services",
    "T1021.004": "Remote Services: SSH",
    "T1021.007": "Remote Services: Cloud Services",
    "T1021.008": "Remote Services: Direct Cloud VM Connections",
    "T1040": "Network Sniffing",
    "T1041": "Exfiltration Over C2 Channel",
    "T1046": "Network Service Discovery",
    "T1048": "Exfiltration Over Alternative Protocol",
    "T1059": "Command and Scripting Interpreter",
    "T1059.001": "Command and Scripting Interpreter: PowerShell",
    "T1059.003": "Command and Scripting Interpreter: Windows Command Shell",
    "T1059.004": "Command and Scripting Interpreter: Unix Shell",
    "T1059.009": "Command and Scripting Interpreter: Cloud API",
    "T1069.003": "Permission Groups Discovery: Cloud Groups",
    "T1070": "Indicator Removal",
    "T1071.001": "Application Layer Protocol: Web Protocols",
    "T1074": "Data Staged",
    "T1078": "Valid Accounts",
    "T1078.001": "Valid Accounts: Default Accounts",
    "T1078.004": "Valid Accounts: Cloud Accounts",
    "T1087.004": "Account Discovery: Cloud Account",
    "T1098": "Account Manipulation",
    "T1098.001": "Account Manipulation: Additional Cloud Credentials",
    "T1098.003": "Account Manipulation: Additional Cloud Roles",
    "T1098.004": "Account Manipulation: SSH Authorized Keys",
    "T1098.005": "Account Manipulation: Device Registration",
    "T1098.006": "Account Manipulation: Additional Container Cluster Roles",
    "T1110": "Brute Force",
    "T1110.001": "Brute Force: Password Guessing",
    "T1110.003": "Brute Force: Password Spraying",
    "T1133": "External Remote Services",
    "T1136.003": "Create Account: Cloud Account",
    "T1190": "Exploit Public-Facing Application",
    "T1199": "Trusted Relationship",
    "T1204": "User Execution",
    "T1213.006": "Data from Information Repositories: Databases",
    "T1484": "Domain or Tenant Policy Modification",
    "T1484.002": "Domain or Tenant Policy Modification: Trust Modification",
    "T1485": "Data Destruction",
    "T1485.001": "Data Destruction: Lifecycle-Triggered Deletion",
    "T1486": "Data Encrypted for Impact",
    "T1489": "Service Stop",
    "T1490": "Inhibit System Recovery",
    "T1496": "Resource Hijacking",
    "T1496.004": "Resource Hijacking: Cloud Service Hijacking",
    "T1525": "Implant Internal Image",
    "T1526": "Cloud Service Discovery",
    "T1530": "Data from Cloud Storage",
    "T1531": "Account Access Removal",
    "T1535": "Unused/Unsupported Cloud Regions",
    "T1537": "Transfer Data to Cloud Account",
    "T1538": "Cloud Service Dashboard",
    "T1539": "Steal Web Session Cookie",
    "T1548": "Abuse Elevation Control Mechanism",
    "T1548.005": "Abuse Elevation Control Mechanism: Temporary Elevated Cloud Access",
    "T1550": "Use Alternate Authentication Material",
    "T1550.001": "Use Alternate Authentication Material: Application Access Token",
    "T1552": "Unsecured Credentials",
    "T1552.001": "Unsecured Credentials: Credentials In Files",
    "T1552.005": "Unsecured Credentials: Cloud Instance Metadata API",
    "T1555": "Credentials from Password Stores",
    "T1555.006": "Credentials from Password Stores: Cloud Secrets Management Stores",
    "T1556": "Modify Authentication Process",
    "T1556.006": "Modify Authentication Process: Multi-Factor Authentication",
    "T1560": "Archive Collected Data",
    "T1566.002": "Phishing: Spearphishing Link",
    "T1567.002": "Exfiltration Over Web Service: Exfiltration to Cloud Storage",
    "T1571": "Non-Standard Port",
    "T1578": "Modify Cloud Compute Infrastructure",
    "T1578.002": "Modify Cloud Compute Infrastructure: Create Cloud Instance",
    "T1578.005": "Modify Cloud Compute Infrastructure: Modify Cloud Compute Configurations",
    "T1580": "Cloud Infrastructure Discovery",
    "T1583.006": "Acquire Infrastructure: Web Services",
    "T1584.001": "Compromise Infrastructure: Domains",
    "T1608.003": "Stage Capabilities: Install Digital Certificate",
    "T1610": "Deploy Container",
    "T1619": "Cloud Storage Object Discovery",
    "T1621": "Multi-Factor Authentication Request Generation",
    "T1648": "Serverless Execution",
    "T1651": "Cloud Administration Command",
    "T1666": "Modify Cloud Resource Hierarchy",
    "T1685": "Disable or Modify Tools",
    "T1685.002": "Disable or Modify Tools: Disable or Modify Cloud Log",
    "T1685.003": "Disable or Modify Tools: Modify or Spoof Tool UI",
    "T1686": "Disable or Modify System Firewall",
    "T1686.001": "Disable or Modify System Firewall: Cloud Firewall",
    "T1687": "Exploitation for Defense Impairment",
    "T1688": "Safe Mode Boot",
    "T1689": "Downgrade Attack",
    "T1690": "Prevent Command History Logging",
}

#: Revoked ids, and the one that took the place of each; "" where there is none to name.
REPLACED: Final[dict[str, str]] = {
    "T1108": "",
    "T1562": "T1685",
    "T1562.001": "T1685",
    "T1562.004": "T1686",
    "T1562.007": "T1686.001",
    "T1562.008": "T1685.002",
}


def current(technique: str) -> str | None:
    """The id that took the place of a revoked one; "" where it has no successor, None where it is not revoked.

    >>> current("T1562.008")
    'T1685.002'
    """
    found = REPLACED.get(technique)
    if found is None and technique.startswith("T1562."):
        return "T1685"
    return found
