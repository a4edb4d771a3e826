# SPDX-License-Identifier: Apache-2.0
"""What cnf writes other clients of a store read, and the reverse: obstore, boto3 and Google's own.

Run by with_server in the Python of scripts/servers.sh that has them (client-python)."""

import os
import subprocess
import tempfile
import unittest

import obstore
from obstore.exceptions import AlreadyExistsError

PROGRAM = os.environ["CNF_PROGRAM"]
KIND = os.environ["CNF_TEST_KIND"]
BUCKET = os.environ["CNF_TEST_BUCKET"]
URI = os.environ["CNF_TEST_URI"]
PART = 5 << 20

SIZES = {"size 0": 0, "size 1": 1, "part - 1": PART - 1, "part": PART, "part + 1": PART + 1, "parts": 2 * PART + 3}
KEYS = ["plain", "a b", "a+b", "a%20b", "a&b=c", "a'(b)*!~", "ü/ñ/日本", "x/y z/é%", "a@b,c$d;e"]


def pattern(size):
    seed = bytes(range(251)) * 17  # 251 is prime: no block of a power of two is like the next
    return (seed * (size // len(seed) + 1))[:size]


OBJECTS = {name: pattern(size) for name, size in SIZES.items()} | {key: key.encode() for key in KEYS}


class Obstore:
    def __init__(self):
        if KIND == "s3":
            self.store = obstore.store.S3Store(
                BUCKET, endpoint=os.environ["AWS_ENDPOINT_URL"], region="us-east-1", client_options={"allow_http": True},
                access_key_id=os.environ["AWS_ACCESS_KEY_ID"], secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"])
        else:
            self.store = obstore.store.AzureStore(
                container_name=BUCKET, account_name=os.environ["AZURE_STORAGE_ACCOUNT"],
                account_key=os.environ["AZURE_STORAGE_KEY"], endpoint=os.environ["AZURE_STORAGE_SERVICE_ENDPOINT"],
                client_options={"allow_http": True})

    def put(self, key, content):
        obstore.put(self.store, key, content, chunk_size=PART, use_multipart=len(content) > PART)

    def get(self, key):
        return bytes(obstore.get(self.store, key).bytes())

    def list(self, prefix):
        return {entry["path"]: entry["size"] for page in obstore.list(self.store, prefix) for entry in page}

    def create(self, key, content):
        """False if it is there."""
        try:
            obstore.put(self.store, key, content, mode="create")
            return True
        except AlreadyExistsError:
            return False

    def delete(self, key):
        obstore.delete(self.store, key)


class Boto3:
    def __init__(self):
        import boto3
        from boto3.s3.transfer import TransferConfig
        self.client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
        self.config = TransferConfig(multipart_threshold=PART + 1, multipart_chunksize=PART)

    def put(self, key, content):
        import io
        self.client.upload_fileobj(io.BytesIO(content), BUCKET, key, Config=self.config)

    def get(self, key):
        return self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def list(self, prefix):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}

    def create(self, key, content):
        try:
            self.client.put_object(Bucket=BUCKET, Key=key, Body=content, IfNoneMatch="*")
            return True
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            return False

    def delete(self, key):
        self.client.delete_object(Bucket=BUCKET, Key=key)


class GoogleCloudStorage:
    """Google's own; obstore writes by the XML API, which fake-gcs-server does not have."""

    def __init__(self):
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage
        self.client = storage.Client(project="cnf-test", credentials=AnonymousCredentials())
        self.bucket = self.client.bucket(BUCKET)

    def put(self, key, content):
        self.bucket.blob(key, chunk_size=PART).upload_from_string(content)

    def get(self, key):
        return self.bucket.blob(key).download_as_bytes()

    def list(self, prefix):
        return {blob.name: blob.size for blob in self.client.list_blobs(BUCKET, prefix=prefix)}

    def create(self, key, content):
        from google.api_core.exceptions import PreconditionFailed
        try:
            self.bucket.blob(key).upload_from_string(content, if_generation_match=0)
            return True
        except PreconditionFailed:
            return False

    def delete(self, key):
        self.bucket.blob(key).delete()


PEERS = {"s3": [Obstore, Boto3], "gcs": [GoogleCloudStorage], "azure": [Obstore]}


class ForeignClientTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="cnf-foreign-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.peers = [peer() for peer in PEERS[KIND]]

    def cnf(self, *args, status=0, content=None):
        done = subprocess.run([PROGRAM, *args, "--storage-option", f"part_size={PART}"], cwd=self.folder,
                              input=content, capture_output=True, timeout=120)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return done.stdout

    def listed(self, prefix):
        return set(self.cnf("ls", "-r", f"{URI}/{prefix}").decode().splitlines())

    def test_written_by_cnf_and_read_by_others(self):
        for key, content in OBJECTS.items():
            path = os.path.join(self.folder, "in", key)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
        self.cnf("cp", "-r", "in", f"{URI}/ours")
        want = {f"ours/{key}": len(content) for key, content in OBJECTS.items()}
        for peer in self.peers:
            with self.subTest(type(peer).__name__):
                self.assertEqual(peer.list("ours/"), want)
                for key, content in OBJECTS.items():
                    self.assertTrue(peer.get(f"ours/{key}") == content, key)

    def test_written_by_others_and_read_by_cnf(self):
        for peer in self.peers:
            name = type(peer).__name__.lower()
            with self.subTest(name):
                for key, content in OBJECTS.items():
                    peer.put(f"{name}/{key}", content)
                self.assertEqual(self.listed(name), set(OBJECTS))
                self.cnf("cp", "-r", f"{URI}/{name}", f"out-{name}")
                for key, content in OBJECTS.items():
                    with open(os.path.join(self.folder, f"out-{name}", key), "rb") as file:
                        self.assertTrue(file.read() == content, key)

    def test_conditions_hold_between_clients(self):
        for peer in self.peers:
            name = type(peer).__name__.lower()
            with self.subTest(name):
                self.cnf("cp", "-", f"{URI}/race/{name}-1", content=b"ours")
                self.assertFalse(peer.create(f"race/{name}-1", b"theirs"))
                self.assertEqual(peer.get(f"race/{name}-1"), b"ours")
                self.assertTrue(peer.create(f"race/{name}-2", b"theirs"))
                self.cnf("cp", "-", f"{URI}/race/{name}-2", content=b"ours", status=1)
                self.assertEqual(self.cnf("cat", f"{URI}/race/{name}-2"), b"theirs")

    def test_removed_by_one_is_gone_for_the_other(self):
        for peer in self.peers:
            name = type(peer).__name__.lower()
            with self.subTest(name):
                for key in ("a b", "c+d", "é"):
                    self.cnf("cp", "-", f"{URI}/gone-{name}/{key}", content=b"x")
                peer.delete(f"gone-{name}/a b")
                self.assertEqual(self.listed(f"gone-{name}"), {"c+d", "é"})
                self.cnf("rm", "-r", f"{URI}/gone-{name}")
                self.assertEqual(peer.list(f"gone-{name}/"), {})


if __name__ == "__main__":
    unittest.main()
