# SPDX-License-Identifier: Apache-2.0
"""Runs the program that CNF_PROGRAM names, in a folder of its own for each test."""

import json
import os
import signal
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["CNF_PROGRAM"]
MAKE_DATASET = os.environ["CNF_MAKE_DATASET"]
PATIENCE = 60  # seconds after which a program that should have ended is a failure


def default_signals():
    # A test that runs in the background of a script inherits an ignored SIGINT.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class CnfTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="cnf-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content=b"content of a file"):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def tree(self, name=""):
        """Every file below a folder, hidden ones too, by its path."""
        base = self.path(name)
        files = {}
        for folder, _, names in os.walk(base):
            for file in names:
                path = os.path.join(folder, file)
                with open(path, "rb") as content:
                    files[os.path.relpath(path, base)] = content.read()
        return files

    def start(self, *args, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen([PROGRAM, *args], cwd=self.folder,
                                   preexec_fn=default_signals, **options)

        def end():
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()

        self.addCleanup(end)
        return process

    def run_cnf(self, *args, **options):
        """(exit status, stdout, stderr as text)."""
        content = options.pop("input", None)
        if content is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*args, **options)
        out, err = process.communicate(content, timeout=PATIENCE)
        return process.returncode, out, err.decode()

    def ok(self, *args, **options):
        """stdout of a run that must succeed, and say nothing on stderr."""
        status, out, err = self.run_cnf(*args, **options)
        self.assertEqual((status, err), (0, ""), args)
        return out.decode()

    def ok_json(self, *args, **options):
        return json.loads(self.ok(*args, "--json", **options))

    def fails(self, want_status, *args, **options):
        """The one line on stderr of a run that must fail with this status, without "cnf: "."""
        status, out, err = self.run_cnf(*args, **options)
        self.assertEqual(status, want_status, (args, err))
        self.assertEqual(out, b"", args)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertTrue(err.startswith("cnf: ") and err.endswith("\n"), err)
        return err[len("cnf: "):-1]
