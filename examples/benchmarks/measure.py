# SPDX-License-Identifier: Apache-2.0
"""What every benchmark measures with: commands' time and memory, and what crosses the wire."""
import os
import re
import socket
import statistics
import subprocess
import tempfile
import threading
import time


class Failed(Exception):
    """A command ended with another status than 0."""


class Run:
    """Wall and CPU seconds of one run of a command, its peak memory in bytes, and what it printed.

    CPU and memory are those of the command and of all that it waited for. Linux counts this program's own memory
    into a child's until the child is another program: less than some 30 MB cannot be told.
    """

    def __init__(self, command, env=None):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            start = time.monotonic()
            process = subprocess.Popen(command, shell=isinstance(command, str), env=env, stdout=out, stderr=errors)
            _, status, usage = os.wait4(process.pid, 0)
            self.wall = time.monotonic() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            errors.seek(0)
            self.text = out.read().decode(errors="replace")
            self.errors = errors.read().decode(errors="replace")
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss * 1024
        if process.returncode != 0:
            raise Failed(f"{command}: exit {process.returncode}: {self.errors[-2000:]}")


def medians(runs):
    return statistics.median(r.wall for r in runs), statistics.median(r.cpu for r in runs)


def side_by_side(commands, times, env=None):
    """Runs the commands in turn, `times` rounds, so that a busy moment hits all of them alike.

    Returns {name: (median wall, median CPU, last output)}.
    """
    runs = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            runs[name].append(Run(command, env))
    return {name: (*medians(of), of[-1].text) for name, of in runs.items()}


class CountingProxy:
    """Passes TCP on to a server and counts HTTP requests and the bytes that come back.

    Bytes are those of bodies and headers together, as they cross the wire. Each request is held back for
    `latency` seconds, as a round trip to a distant store would.
    """

    def __init__(self, host, port):
        self.target = (host, port)
        self.latency = 0.0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.requests = self.bytes = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self):
        with self.lock:
            self.requests = self.bytes = 0

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.target)
            for connection in (client, server):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _pump(self, source, sink, upward):
        try:
            while data := source.recv(1 << 18):
                started = upward and len(re.findall(rb"(?:GET|HEAD|PUT|POST|DELETE) [^\r\n]* HTTP/1\.1\r\n", data))
                with self.lock:
                    if upward:
                        self.requests += started
                    else:
                        self.bytes += len(data)
                if started:
                    time.sleep(self.latency)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class S3Server:
    """versitygw on a free port of this machine, with one bucket, behind a CountingProxy.

    `options` are versitygw's own.
    """

    KEY, SECRET, BUCKET = "bench", "benchsecret", "bench"

    def __init__(self, folder, *options):
        os.makedirs(os.path.join(folder, self.BUCKET), exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = self.server_port = probe.getsockname()[1]
        program = os.path.join(os.environ["CNF_SERVERS"], "versitygw")
        env = dict(os.environ, ROOT_ACCESS_KEY=self.KEY, ROOT_SECRET_KEY=self.SECRET)
        self.process = subprocess.Popen([program, "--port", f"127.0.0.1:{port}", "--keep-alive", *options,
                                         "posix", folder],
                                        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        self.proxy = CountingProxy("127.0.0.1", port)
        self.endpoint = f"http://127.0.0.1:{self.proxy.port}"
        self.env = dict(os.environ, AWS_ACCESS_KEY_ID=self.KEY, AWS_SECRET_ACCESS_KEY=self.SECRET,
                        AWS_REGION="us-east-1", AWS_ENDPOINT_URL=self.endpoint)

    def presign(self, key):
        import boto3
        from botocore.config import Config
        client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1",
                              aws_access_key_id=self.KEY, aws_secret_access_key=self.SECRET,
                              config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
        return client.generate_presigned_url("get_object", Params={"Bucket": self.BUCKET, "Key": key})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def print_table(title, header, rows):
    print(f"\n### {title}\n")
    print("| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")
