"""A peer in a process of its own, so that no framework's threads disturb another's measurement.

Reads one JSON command a line from standard input and answers with one JSON line: ``{"make": …}`` builds a peer,
``{"pass": n}`` makes n timed passes, ``{"score": true}`` scores it on the test set, ``{"limit": …}`` times the bare
matrix products.
"""

import json
import sys
import time
import warnings
from typing import Any

import numpy as np

from bench import limit
from bench.peers import PEERS
from npdigits.data import sets

warnings.simplefilter("ignore")  # scikit-learn says at each pass that it has not converged


def main() -> None:
    """Answer commands until standard input ends."""
    source = sets.load("mnist", fallback=None)
    images, labels = np.array(source.train.images), source.train.labels
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever a framework prints is no answer
    peer: Any = None
    for line in sys.stdin:
        command = json.loads(line)
        if "make" in command:
            chosen = command["make"]
            if hasattr(peer, "close"):
                peer.close()
            peer = None  # lets go of the last one's memory first
            peer = PEERS[chosen["peer"]](images, labels, chosen["hidden"], chosen["batch"], chosen["threads"])
            answer: Any = "made"
        elif "pass" in command:
            answer = []
            for _ in range(command["pass"]):
                begun = time.perf_counter()
                peer.one_pass()
                answer.append(time.perf_counter() - begun)
        elif "limit" in command:
            answer = limit.seconds(command["limit"]["hidden"], command["limit"]["batch"], command["limit"]["threads"])
        else:
            guesses = peer.predict(np.array(source.test.images))
            answer = float((guesses == source.test.labels).mean())
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
