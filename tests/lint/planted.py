"""A throw-away source tree to plant violations in."""

import pathlib
import tempfile
import unittest


class PlantedTree(unittest.TestCase):
    check_tree = None  # the lint under test: root -> (findings, files)

    def findings(self, files):
        """The findings of the lint over a tree of {path: text}, as (path, line, message)."""
        with tempfile.TemporaryDirectory() as root:
            for name, text in files.items():
                path = pathlib.Path(root, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return type(self).check_tree(root)[0]

    def assert_found(self, name, text, *lines, says="", beside=None):
        """Exactly these lines of this one file are reported, each with that word in its message."""
        found = self.findings({**(beside or {}), name: text})
        self.assertEqual([(f, line) for f, line, _ in sorted(found)], [(name, line) for line in lines], f"{text!r}: {found}")
        for _, _, message in found:
            self.assertIn(says, message)

    def assert_clean(self, name, text):
        self.assertEqual(self.findings({name: text}), [], text)
