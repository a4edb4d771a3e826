# SPDX-License-Identifier: Apache-2.0
"""What holds for every verb: options, exit statuses, signals, pipes, terminals."""

import json
import os
import pty
import select
import signal
import stat
import subprocess
import unittest

from cnf_program import PATIENCE, CnfTest

MIB = 1 << 20


class CommandLineTest(CnfTest):
    def test_wrong_usage_is_status_2_and_one_line(self):
        for args in [(), ("lss",), ("cat",), ("cat", "a", "b"), ("ls", "--lang"), ("ls", "-@", "0"),
                     ("ls", "-@", "x"), ("ls", "--memory", "much"), ("ls", "--memory"),
                     ("ls", "--storage-option", "nothing=1"), ("ls", "--storage-option", "region"),
                     ("cat", "--range", "b-a", "x"), ("cp", "-r", "-", "x")]:
            self.fails(2, *args)

    def test_usage_errors_name_the_help(self):
        self.assertIn("cnf cat --help", self.fails(2, "cat"))

    def verbs(self, *group):
        """Every verb, those of groups too, as the words that call it."""
        text = self.ok(*group, "--help")
        self.assertIn("Usage: " + " ".join(("cnf",) + group), text)
        for line in text.splitlines():
            self.assertLessEqual(len(line), 100, line)
        if "\nVerbs:\n" not in text:
            return [group]
        lines = text.split("\nVerbs:\n")[1].split("\n\n")[0].splitlines()
        names = [line.split()[0] for line in lines if line[2] != " "]
        return [verb for name in names for verb in self.verbs(*group, name)]

    def test_every_verb_has_help_with_examples(self):
        verbs = self.verbs()
        self.assertEqual(verbs[:6], [("ls",), ("cp",), ("cat",), ("stat",), ("rm",), ("du",)])
        self.assertIn(("bams3", "view"), verbs)
        for verb in verbs:
            examples = self.ok(*verb, "--help").split("Examples:\n")[1]
            self.assertIn("cnf " + verb[0], examples)

    def test_version(self):
        self.assertRegex(self.ok("--version"), r"^cnf \d+\.\d+\.\d+\n$")

    def test_common_options_stand_before_or_after_the_verb(self):
        self.write("a", b"12345")
        want = self.ok("--json", "stat", "a")
        self.assertEqual(want, self.ok("stat", "--json", "a"))
        self.assertEqual(want, self.ok("stat", "a", "--json"))
        self.assertEqual(json.loads(want)["size"], 5)

    def test_metrics_are_json_on_stderr(self):
        self.write("a", bytes(1000))
        status, out, err = self.run_cnf("cat", "--range", "10-20", "a", "--metrics")
        self.assertEqual((status, out), (0, bytes(10)))
        metrics = json.loads(err)
        self.assertEqual(metrics["bytes_wanted"], 10)
        self.assertEqual(metrics["requests"]["get"], 1)
        self.assertEqual(metrics["requests"]["total"],
                         sum(n for kind, n in metrics["requests"].items() if kind != "total"))
        self.assertEqual((metrics["price_usd"], metrics["prices"]), (0, []))
        self.assertEqual(metrics["connections"], {"new": 0, "reused": 0})
        self.assertGreater(metrics["peak_rss_bytes"], 0)
        self.assertEqual(set(metrics), {"requests", "bytes_wanted", "bytes_fetched", "bytes_sent",
                                        "retries", "throttles", "hedges", "connections",
                                        "cache_hits", "price_usd", "prices", "seconds",
                                        "peak_rss_bytes"})

    def test_metrics_follow_a_failure_too(self):
        status, _, err = self.run_cnf("stat", "nothing", "--metrics")
        line, metrics = err.splitlines()
        self.assertEqual(status, 1)
        self.assertTrue(line.startswith("cnf: "))
        self.assertIn("requests", json.loads(metrics))

    def test_unknown_schemes_and_missing_objects_are_status_1(self):
        self.assertIn("foo", self.fails(1, "cat", "foo://x/y"))
        self.assertIn("nothing", self.fails(1, "stat", "nothing"))
        self.fails(1, "cat", "")

    def test_a_name_with_a_newline_stays_one_line(self):
        self.fails(1, "stat", "two\nlines")


class OutputTest(CnfTest):
    def test_replaces_a_file_as_a_whole_or_not_at_all(self):
        self.write("in", b"new")
        self.write("out", b"old")
        self.ok("cat", "in", "-o", "out")
        self.assertEqual(self.read("out"), b"new")
        self.fails(1, "cat", "absent", "-o", "out")
        self.assertEqual(self.tree(), {"in": b"new", "out": b"new"})

    def test_makes_folders_and_takes_uris(self):
        self.write("in", b"new")
        self.ok("cat", "in", "-o", "file:" + self.path("deep", "a%20b"))
        self.assertEqual(self.read("deep/a b"), b"new")

    def test_a_folder_is_no_place_for_an_answer(self):
        self.write("in")
        os.mkdir(self.path("folder"))
        self.fails(1, "cat", "in", "-o", "folder/")
        self.assertEqual(os.listdir(self.path("folder")), [])

    def test_follows_a_link(self):
        self.write("in", b"new")
        self.write("target", b"old")
        os.symlink("target", self.path("link"))
        self.ok("cat", "in", "-o", "link")
        self.assertTrue(os.path.islink(self.path("link")))
        self.assertEqual(self.read("target"), b"new")

    def test_writes_into_special_files(self):
        self.write("in", b"new")
        self.ok("cat", "in", "-o", "/dev/null")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))
        self.assertEqual(self.ok("cat", "in", "-o", "/dev/stdout"), "new")

    def test_a_full_disk_is_an_error(self):
        self.write("in", b"new")
        self.assertIn("No space", self.fails(1, "cat", "in", "-o", "/dev/full"))
        with open("/dev/full", "wb") as full:
            process = self.start("cat", "in", stdout=full)
            self.assertEqual(process.wait(PATIENCE), 1)


class SignalTest(CnfTest):
    def start_copying(self, *args, **options):
        """`cnf cp - …`, which has read more than a pipe holds: it is under way."""
        process = self.start("cp", "-", *args, stdin=subprocess.PIPE, **options)
        process.stdin.write(bytes(4 * MIB))
        process.stdin.flush()
        return process

    def interrupted(self, process):
        # Its input is still open: nothing but the signal ends it.
        self.assertEqual(process.wait(PATIENCE), 130)
        self.assertEqual(process.stderr.read(), b"cnf: interrupted\n")

    def test_interrupt_leaves_nothing_visible(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start_copying("folder/target")
            process.send_signal(number)
            self.interrupted(process)
            self.assertEqual(self.tree(), {})

    def test_interrupt_leaves_the_old_object(self):
        self.write("target", b"old")
        process = self.start_copying("target", "--overwrite")
        process.send_signal(signal.SIGINT)
        self.interrupted(process)
        self.assertEqual(self.tree(), {"target": b"old"})

    def test_interrupt_ends_waiting_for_a_reader(self):
        self.write("big", bytes(4 * MIB))
        process = self.start("cat", "big")
        self.assertEqual(len(process.stdout.read(1)), 1)  # and no more: the pipe fills
        process.send_signal(signal.SIGINT)
        self.interrupted(process)

    def test_an_ignored_interrupt_stays_ignored(self):
        process = subprocess.Popen(
            [os.environ["CNF_PROGRAM"], "cp", "-", self.path("target")], stdin=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        process.stdin.write(bytes(4 * MIB))
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        process.communicate(bytes(MIB), timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(self.read("target")), 5 * MIB)

    def test_a_closed_pipe_ends_quietly_by_its_signal(self):
        self.write("big", bytes(4 * MIB))
        for args in (("cat", "big"), ("cp", "big", "-")):
            process = self.start(*args)
            process.stdout.read(10)
            process.stdout.close()
            self.assertEqual(process.wait(PATIENCE), -signal.SIGPIPE)
            self.assertEqual(process.stderr.read(), b"")


class ProgressTest(CnfTest):
    def drawn(self, rounds, *options):
        """What a terminal sees of a copy, which goes on until it has seen something."""
        terminal, slave = pty.openpty()
        self.addCleanup(os.close, terminal)
        process = self.start("cp", "-", "target", *options, stdin=subprocess.PIPE, stderr=slave)
        os.close(slave)
        seen = b""
        for _ in range(rounds):
            process.stdin.write(bytes(1000))
            process.stdin.flush()
            if select.select([terminal], [], [], 0.05)[0]:
                seen = os.read(terminal, 1000)
                break
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)
        return seen

    def test_is_drawn_on_a_terminal(self):
        self.assertRegex(self.drawn(500), rb"^\d+ B|KiB")

    def test_is_not_drawn_when_not_wanted(self):
        self.assertEqual(self.drawn(10, "--no-progress"), b"")
        self.assertEqual(self.drawn(10, "--quiet", "--overwrite"), b"")


if __name__ == "__main__":
    unittest.main()
