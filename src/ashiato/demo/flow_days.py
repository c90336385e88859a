"""All flow logs of the window; independent of the other two logs, so it may run in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from ashiato.demo.estate import DEV, HOME_REGION, PROD, SECOND_REGION, company
from ashiato.demo.ids import DAY
from ashiato.demo.story import FLOW_LOG_CREATED, FLOW_LOG_DELETED

# Shares of the flow records; the first VPC is recorded by two flow logs, so its share counts twice.
SHARES: Final = {(PROD, HOME_REGION): 0.35, (PROD, SECOND_REGION): 0.15, (DEV, HOME_REGION): 0.15}
WORTH_A_PROCESS: Final = 100_000


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """What to write: `start` and `incident` in seconds since 1970, `flows` the least number of records."""

    out: str
    start: int
    days: int
    accounts: int
    flows: int
    seed: int
    incident: int


@dataclass(frozen=True, slots=True)
class FlowResult:
    """Records and files by shape, objects and bytes."""

    records: dict[str, int]
    files: dict[str, int]
    objects: int
    bytes: int


def write_days(plan: FlowPlan) -> FlowResult:
    """Writes every flow log object of the window."""
    import pyarrow as pa  # heavy: a process that only starts the other one does without

    from ashiato.demo import attack_flows, flow_edges, flow_traffic
    from ashiato.demo.delivery import Delivery
    from ashiato.demo.flow_files import FlowFiles, as_table, flow_logs, slot_for

    estate = company(plan.accounts)
    delivery = Delivery(Path(plan.out))
    files = FlowFiles(delivery, plan.seed)
    logs = flow_logs((plan.incident + FLOW_LOG_DELETED, plan.incident + FLOW_LOG_CREATED))
    logged = {p: s for p, s in SHARES.items() if p in estate.networks}
    whole = sum(s * (2 if p == (PROD, HOME_REGION) else 1) for p, s in logged.items())
    # The deleted flow log misses nine hours; in a short window that has to be made up for.
    lack = 0.4 * 0.35 / whole / plan.days
    rows = {p: int(plan.flows * (1 + lack) * s / whole / plan.days) + 1 for p, s in logged.items()}
    traffic = {p: flow_traffic.Traffic(estate.networks[p], plan.seed, 60) for p in logged}
    for start in range(plan.start, plan.start + plan.days * DAY, DAY):
        for pair, source in traffic.items():
            net = estate.networks[pair]
            extra = flow_edges.edge_records(net, start, Random(f"edges/{pair}/{start}"))
            if pair == (PROD, HOME_REGION):
                if start == plan.incident:
                    extra += attack_flows.incident_records(net, start)
                else:
                    extra += attack_flows.knocking(net, start, plan.incident)
            table = source.day(start, rows[pair])
            if pair == (PROD, HOME_REGION) and start >= plan.incident:
                quiet = net.instance("orders-legacy").interface_id
                table = attack_flows.without_isolated(table, quiet, plan.incident)
            table = pa.concat_tables([table, as_table(extra)])
            for log in logs:
                if (log.account, log.region) == pair:
                    files.write(log, table, slot_for(rows[pair]))
    counts = files.counts
    return FlowResult(dict(counts.records), dict(counts.files), delivery.objects, delivery.bytes)


class FlowWork:
    """The flow logs' generation: at once when there is little of it, else in a second process meanwhile."""

    def __init__(self, plan: FlowPlan, processes: int) -> None:
        self.plan = plan
        self._process: subprocess.Popen[str] | None = None
        if processes > 1 and plan.flows >= WORTH_A_PROCESS:
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    "from ashiato.demo.flow_days import main; main()",
                    json.dumps(_as_json(plan)),
                ],
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )

    def result(self) -> FlowResult:
        """Waits for the end; an error of the other process is raised here."""
        if self._process is None:
            return write_days(self.plan)
        output, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(
                f"generating flow logs failed with status {self._process.returncode}; its message is above"
            )
        return FlowResult(**json.loads(output))

    def stop(self) -> None:
        """Ends the other process, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _as_json(value: FlowPlan | FlowResult) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def main() -> None:
    """The second process: a plan as its argument, the result on standard output."""
    print(json.dumps(_as_json(write_days(FlowPlan(**json.loads(sys.argv[1]))))))
