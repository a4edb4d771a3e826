# SPDX-License-Identifier: Apache-2.0
"""Runs a module of tests in the Python that CNF_PEERS names: `with_peers.py MODULE`."""

import os
import sys

peers = os.environ.get("CNF_PEERS", "")
if not os.access(peers, os.X_OK):
    sys.exit("CNF_PEERS names no Python that has the peers: run this by ./dev test, or set it to what "
             "scripts/peers.sh prints")
os.execv(peers, [peers, "-B", "-m", "unittest", *sys.argv[1:]])
