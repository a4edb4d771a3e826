# SPDX-License-Identifier: Apache-2.0
"""One peer of storage.py in a process of its own: reads, writes and lists objects, and says what each job cost.

storage_peer.py LIBRARY URI CONCURRENCY, then the jobs of storage_client.cc on standard input, with the same answers.
Each library is used as its documentation advises for that job, with so many requests in flight; what it reads is in
memory of its own making.
"""
import concurrent.futures
import hashlib
import io
import itertools
import json
import os
import sys
import time
import urllib.parse

MIB = 1 << 20
PART = 8 * MIB  # of an upload, as cnf has it; boto3's default too
PIECE = 16 * MIB  # of a long read, as cnf has it


def split(size, step):
    return [(at, min(step, size - at)) for at in range(0, size, step)]


def numbered(prefix, count):
    return [f"{prefix}{i:05}" for i in range(count)]


def contents(path):
    with open(path, "rb") as file:
        return file.read()


class Obstore:
    """Threads, so many at once: measured, they take less time of the CPU than its coroutines, and for ranges of some
    MiB a twentieth. Ranges of one object by its own call for them, which has 10 in flight; from a distant store by
    threads, for there that would tell."""

    def __init__(self, uri, concurrency):
        import obstore
        from obstore.store import AzureStore, GCSStore, S3Store
        self.obstore, self.concurrency = obstore, concurrency
        scheme, bucket = urllib.parse.urlsplit(uri)[:2]
        options = {"client_options": {"allow_http": True}}
        if scheme == "s3":
            self.store = S3Store(bucket, endpoint=os.environ["AWS_ENDPOINT_URL"], **options)
        elif scheme == "gs":
            key = {"gcs_base_url": os.environ["STORAGE_EMULATOR_HOST"], "disable_oauth": True, "client_email": "",
                   "private_key": "", "private_key_id": ""}
            self.store = GCSStore(bucket, service_account_key=json.dumps(key), **options)
        else:
            said = dict(item.split("=", 1) for item in os.environ["AZURE_STORAGE_CONNECTION_STRING"].split(";") if item)
            self.store = AzureStore(bucket, account_name=said["AccountName"], account_key=said["AccountKey"],
                                    endpoint=said["BlobEndpoint"], **options)
        self.pool = concurrent.futures.ThreadPoolExecutor(concurrency)
        self.is_distant = "BENCH_LATENCY" in os.environ

    def range(self, key, offset, length):
        return self.obstore.get(self.store, key, options={"range": (offset, offset + length)}).bytes()

    def read(self, key, size):
        return list(self.pool.map(lambda piece: self.range(key, *piece), split(size, PIECE)))

    def write(self, key, payload):
        self.obstore.put(self.store, key, payload, chunk_size=PART, max_concurrency=self.concurrency)

    def ranges(self, key, length, offsets):
        if self.is_distant:
            return list(self.pool.map(lambda offset: self.range(key, offset, length), offsets))
        return self.vector(key, length, offsets, coalesce=0)

    def vector(self, key, length, offsets, **more):
        return self.obstore.get_ranges(self.store, key, starts=offsets, lengths=[length] * len(offsets), **more)

    def read_many(self, keys, size):
        return list(self.pool.map(lambda key: self.obstore.get(self.store, key).bytes(), keys))

    def write_many(self, keys, size, payload):
        payload = memoryview(payload)
        list(self.pool.map(lambda i, key: self.obstore.put(self.store, key, payload[i * size:(i + 1) * size],
                                                           use_multipart=False), itertools.count(), keys))

    def list(self, prefix):
        return sum(len(page) for page in self.obstore.list(self.store, prefix))


class Boto3:
    """Threads, so many at once; the transfer manager for what is long, with its parts and threads set as here."""

    def __init__(self, uri, concurrency):
        import boto3
        from boto3.s3.transfer import TransferConfig
        from botocore.config import Config
        self.bucket = urllib.parse.urlsplit(uri)[1]
        self.client = boto3.client("s3", config=Config(max_pool_connections=concurrency, retries={"mode": "standard"}))
        self.transfer = TransferConfig(max_concurrency=concurrency, multipart_chunksize=PART, multipart_threshold=PART,
                                       preferred_transfer_client="classic")
        self.pool = concurrent.futures.ThreadPoolExecutor(concurrency)

    def range(self, key, offset, length):
        return self.client.get_object(Bucket=self.bucket, Key=key,
                                      Range=f"bytes={offset}-{offset + length - 1}")["Body"].read()

    def read(self, key, size):
        file = io.BytesIO()
        self.client.download_fileobj(self.bucket, key, file, Config=self.transfer)
        return [file.getbuffer()]

    def write(self, key, payload):
        self.client.upload_fileobj(io.BytesIO(payload), self.bucket, key, Config=self.transfer)

    def ranges(self, key, length, offsets):
        return list(self.pool.map(lambda offset: self.range(key, offset, length), offsets))

    def read_many(self, keys, size):
        return list(self.pool.map(
            lambda key: self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read(), keys))

    def write_many(self, keys, size, payload):
        list(self.pool.map(lambda i, key: self.client.put_object(Bucket=self.bucket, Key=key,
                                                                 Body=payload[i * size:(i + 1) * size]),
                           itertools.count(), keys))

    def list(self, prefix):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return sum(len(page.get("Contents", [])) for page in pages)


class S3fs:
    """fsspec's own bulk calls: cat_ranges, cat, pipe."""

    def __init__(self, uri, concurrency):
        import s3fs
        self.bucket, self.concurrency = urllib.parse.urlsplit(uri)[1], concurrency
        self.fs = s3fs.S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"], max_concurrency=concurrency,
                                    use_listings_cache=False,
                                    config_kwargs={"max_pool_connections": concurrency})

    def path(self, key):
        return f"{self.bucket}/{key}"

    def cat_ranges(self, key, pieces):
        return self.fs.cat_ranges([self.path(key)] * len(pieces), [at for at, _ in pieces],
                                  [at + length for at, length in pieces], batch_size=self.concurrency,
                                  on_error="raise")

    def read(self, key, size):
        return self.cat_ranges(key, split(size, PIECE))

    def write(self, key, payload):
        self.fs.pipe_file(self.path(key), payload, chunksize=PART, max_concurrency=self.concurrency)

    def ranges(self, key, length, offsets):
        return self.cat_ranges(key, [(offset, length) for offset in offsets])

    def read_many(self, keys, size):
        found = self.fs.cat([self.path(key) for key in keys], batch_size=self.concurrency)
        return [found[self.path(key)] for key in keys]

    def write_many(self, keys, size, payload):
        self.fs.pipe({self.path(key): payload[i * size:(i + 1) * size] for i, key in enumerate(keys)},
                     batch_size=self.concurrency)

    def list(self, prefix):
        return len(self.fs.find(self.path(prefix), refresh=True))


def numbers(path):
    with open(path) as file:
        return [int(line) for line in file]


def prepare(peer, name, words):
    """The job as a call without arguments."""
    if name == "read":
        key, size = words
        return lambda: peer.read(key, int(size))
    if name == "write":
        key, payload = words[0], contents(words[1])
        return lambda: peer.write(key, payload)
    if name in ("ranges", "vector"):
        key, length, offsets = words[0], int(words[1]), numbers(words[2])
        return lambda: getattr(peer, name)(key, length, offsets)
    if name == "read-many":
        keys, size = numbered(words[0], int(words[1])), int(words[2])
        return lambda: peer.read_many(keys, size)
    if name == "write-many":
        keys, size, payload = numbered(words[0], int(words[1])), int(words[2]), contents(words[3])
        return lambda: peer.write_many(keys, size, payload)
    if name == "list":
        return lambda: peer.list(words[0])
    raise SystemExit(f"{name}: there is no such job")


def main():
    peer = {"obstore": Obstore, "boto3": Boto3, "s3fs": S3fs}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
    for line in sys.stdin:
        name, *words = line.split()
        check = name == "check"
        if check:
            name, *words = words
        work = prepare(peer, name, words)
        cpu, wall = time.process_time(), time.monotonic()
        try:
            found = work()
        except Exception as error:  # the harness decides whether it may
            print(json.dumps({"failed": str(error).splitlines()[0]}), flush=True)
            continue
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        answer = {"cpu": cpu, "wall": wall, "sha256": ""}
        if isinstance(found, list):
            answer["count"] = sum(len(piece) for piece in found)
            if check:
                digest = hashlib.sha256()
                for piece in found:
                    digest.update(piece)
                answer["sha256"] = digest.hexdigest()
        elif found is not None:
            answer["count"] = found
        del found  # what it takes to give the memory back is not the next job's
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
