"""Taking in and evaluating that a test kills: `python kill_driver.py HOME FOLDER`.

Each file of the folder is a batch of its own, evaluated as records come. A line on standard output names each step.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

    from ashiato.detect.engine import Engine
    from ashiato.detect.evaluation import Evaluation
    from ashiato.intake.collect import Collector
    from ashiato.lake.home import Home
    from detect.evaluating import AROUND
    from detect.test_streaming_lake import made_rules

    with Home.open_for_writing(Path(sys.argv[1]), "kill test", wait_seconds=30) as home:

        def say(step: str) -> None:
            print(step, flush=True)

        evaluation = Evaluation(home, Engine(made_rules(), AROUND), live=True, news_since=None)
        for path in sorted(Path(sys.argv[2]).iterdir()):
            say("collect")
            # It settles first what a killed process left.
            Collector(home, processes=1).run([str(path)])
            say("settle")
            evaluation.settle_rules()
            say("pending")
            evaluation.pending()
            if int(path.stem.split(".")[0]) % 3 == 0:
                say("reconcile")
                evaluation.reconcile()
        say("end")
        evaluation.reconcile()
