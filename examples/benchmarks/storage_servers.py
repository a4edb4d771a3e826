# SPDX-License-Identifier: Apache-2.0
"""The servers that storage.py measures against, on free ports of this machine."""
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request

from measure import S3Server


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"no server came up on port {port}")


def memory_folder():
    """A folder in memory if versitygw can work there, which wants extended attributes; else the usual one."""
    folder = "/dev/shm"
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            os.setxattr(file.name, "user.test", b"1")
        return folder
    except OSError:
        return tempfile.gettempdir()


class LoggedS3Server(S3Server):
    """versitygw without a proxy before it; requests are counted by its own log."""

    def __init__(self, folder):
        self.log = os.path.join(os.path.dirname(folder), "access.log")
        super().__init__(folder, "--access-log", self.log, "--quiet")
        self.bucket_folder = os.path.join(folder, self.BUCKET)
        self.env["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{self.server_port}"

    def requests(self):
        with open(self.log, "rb") as log:
            return sum(1 for _ in log)


class Toxiproxy:
    """TCP to a port, with every answer held back by `latency` milliseconds. What is under way meanwhile goes on."""

    def __init__(self, port, latency):
        api, listen = free_port(), free_port()
        program = os.path.join(os.environ["CNF_SERVERS"], "toxiproxy-server")
        self.process = subprocess.Popen([program, "-host", "127.0.0.1", "-port", str(api)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(api)
        self.post(api, "/proxies", {"name": "store", "listen": f"127.0.0.1:{listen}", "upstream": f"127.0.0.1:{port}"})
        self.post(api, "/proxies/store/toxics",
                  {"type": "latency", "stream": "downstream", "attributes": {"latency": latency}})
        self.endpoint = f"http://127.0.0.1:{listen}"

    @staticmethod
    def post(api, path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{api}{path}", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        # No proxy of the environment's: it could not reach this machine's own ports.
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
