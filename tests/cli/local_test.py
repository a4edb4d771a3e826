# SPDX-License-Identifier: Apache-2.0
"""What only the local disk has: folders of their own, and paths that are no URIs."""

import os
import unittest

from cnf_program import CnfTest


class LocalTest(CnfTest):
    def test_the_current_folder_is_the_default(self):
        self.write("here", b"123")
        self.assertEqual(self.ok("ls"), "here\n")
        self.assertEqual(self.ok_json("du")["bytes"], 3)

    def test_an_empty_folder_is_there(self):
        os.mkdir(self.path("empty"))
        self.assertEqual(self.ok("ls", "empty"), "")
        self.write("in", b"1")
        self.ok("cp", "in", "empty")
        self.assertEqual(self.read("empty/in"), b"1")

    def test_a_removed_tree_leaves_no_folders(self):
        self.write("a/b/c")
        self.ok("rm", "-r", "a")
        self.assertFalse(os.path.exists(self.path("a")))

    def test_paths_that_look_odd(self):
        self.write("sample:1.bam", b"1")
        self.write("what?x=1", b"2")
        self.write("50%", b"3")
        self.assertEqual(self.ok("cat", "sample:1.bam"), "1")
        self.assertEqual(self.ok("cat", "what?x=1"), "2")
        self.assertEqual(self.ok("cat", "50%"), "3")
        self.assertEqual(self.ok("cat", "file:" + self.path("50%25")), "3")
        self.assertEqual(self.ok("cat", "file://" + self.path("what%3Fx=1")), "2")
        self.assertEqual(self.ok("cat", "./../" + os.path.basename(self.folder) + "/50%"), "3")


if __name__ == "__main__":
    unittest.main()
