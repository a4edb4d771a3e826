# SPDX-License-Identifier: Apache-2.0
"""The servers that storage.py measures against, on free ports of this machine."""
import base64
import email.utils
import hmac
import json
import os
import shutil
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


def send(url, body, headers, method=None):
    request = urllib.request.Request(url, body, headers, method=method)
    # No proxy of the environment's: it could not reach this machine's own ports.
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()


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

    SCHEME = "s3"
    IS_PARTIAL = False

    def __init__(self, folder):
        self.log = os.path.join(os.path.dirname(folder), "access.log")
        self.folder = folder
        super().__init__(folder, "--access-log", self.log, "--quiet")
        self.env["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{self.server_port}"

    def forget(self, prefixes):
        """Removes what was written below them: the folder is in memory."""
        for prefix in prefixes:
            shutil.rmtree(os.path.join(self.folder, self.BUCKET, prefix), ignore_errors=True)

    def requests(self):
        with open(self.log, "rb") as log:
            return sum(1 for _ in log)


class OtherServer:
    """A store's emulator on a free port, with a bucket; it does not say how many requests there were."""

    BUCKET = "bench"
    IS_PARTIAL = False

    def __init__(self, program, options):
        self.server_port = free_port()
        command = [os.path.join(os.environ["CNF_SERVERS"], program),
                   *(option.format(port=self.server_port) for option in options)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.server_port)

    def requests(self):
        return 0

    def forget(self, prefixes):
        """Its objects are few, and go with it."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class FakeGcs(OtherServer):
    """fake-gcs-server: Google's JSON API, in memory; nothing is signed. obstore writes by the XML API, which it lacks."""

    IS_PARTIAL = True
    TITLE, SCHEME = "Google's API, on fake-gcs-server", "gs"

    def __init__(self):
        super().__init__("fake-gcs-server", ["-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port",
                                             "{port}", "-public-host", "127.0.0.1:{port}", "-external-url",
                                             "http://127.0.0.1:{port}", "-log-level", "warn"])
        endpoint = f"http://127.0.0.1:{self.server_port}"
        send(f"{endpoint}/storage/v1/b?project=bench", json.dumps({"name": self.BUCKET}).encode(),
             {"Content-Type": "application/json"})
        self.env = dict(os.environ, STORAGE_EMULATOR_HOST=endpoint)


class Azurite(OtherServer):
    """Azurite: Azure's Blob API, in memory; signatures are verified."""

    TITLE, SCHEME = "Azure's API, on Azurite", "az"
    ACCOUNT = "devstoreaccount1"
    # Everybody's: Azurite's documentation.
    KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def __init__(self):
        super().__init__("azurite", ["--blobHost", "127.0.0.1", "--blobPort", "{port}", "--inMemoryPersistence",
                                     "--skipApiVersionCheck", "--disableTelemetry", "--silent"])
        endpoint = f"http://127.0.0.1:{self.server_port}/{self.ACCOUNT}"
        headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
        text = ("PUT" + 12 * "\n" + "".join(f"{name}:{value}\n" for name, value in headers.items()) +
                f"/{self.ACCOUNT}/{self.ACCOUNT}/{self.BUCKET}\nrestype:container")
        mac = hmac.digest(base64.b64decode(self.KEY), text.encode(), "sha256")
        send(f"{endpoint}/{self.BUCKET}?restype=container", None,
             {**headers, "Authorization": f"SharedKey {self.ACCOUNT}:{base64.b64encode(mac).decode()}"}, "PUT")
        self.env = dict(os.environ, AZURE_STORAGE_CONNECTION_STRING=(
            f"DefaultEndpointsProtocol=http;AccountName={self.ACCOUNT};AccountKey={self.KEY};BlobEndpoint={endpoint};"))


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
        send(f"http://127.0.0.1:{api}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
