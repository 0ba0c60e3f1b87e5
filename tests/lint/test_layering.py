"""Plants includes that go the wrong way and expects layering.py to name each, and to leave good code alone."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import layering
from planted import PlantedTree


class Layering(PlantedTree):
    check_tree = staticmethod(layering.check_tree)

    # Every folder against every header it could reach for: the table of ARCHITECTURE.md, spelt out once more.
    FOLDERS = ("events", "markets", "kernel", "strategies", "store", "views", "adapters/paper", "adapters/outside", "adapters/data",
               "adapters/kafka", "plugins", "config", "runtime", "cli")
    REACHES = {
        "events": "events",
        "markets": "events markets",
        "kernel": "events markets kernel",
        "strategies": "events kernel strategies",
        "store": "events markets store",
        "views": "events markets kernel store views",
        "adapters/paper": "events adapters/paper",
        "adapters/outside": "events adapters/outside",
        "adapters/data": "events markets store views adapters/data",
        "adapters/kafka": "events store views adapters/kafka",
        "plugins": "events kernel strategies store plugins",
        "config": "events markets kernel strategies store adapters/paper adapters/outside adapters/data adapters/kafka plugins config",
        "runtime": "events markets kernel strategies store views adapters/paper adapters/outside adapters/data adapters/kafka plugins config runtime",
        "cli": "events markets kernel strategies store views adapters/paper adapters/outside adapters/data adapters/kafka plugins config runtime cli",
    }

    def test_each_direction(self):
        for folder in self.FOLDERS:
            for target in self.FOLDERS:
                text = f'#pragma once\n#include "{target}/x.hpp"\n'
                if target in self.REACHES[folder].split():
                    self.assert_clean(f"{folder}/a.hpp", text)
                else:
                    self.assert_found(f"{folder}/a.hpp", text, 2, says=f"{folder} may not include {target}/x.hpp")

    def test_tests_and_benchmarks_include_anything(self):
        for folder in ("tests/kernel", "bench"):
            self.assert_clean(f"{folder}/a.cpp", "".join(f'#include "{t}/x.hpp"\n' for t in self.FOLDERS))
            self.assert_clean(f"{folder}/a.cpp", "#include <rocksdb/db.h>\n#include <cereal/cereal.hpp>\n#include <thread>\n")

    def test_nobody_includes_tests(self):
        self.assert_found("runtime/a.cpp", '#include "tests/support/x.hpp"\n', 1, says="runtime may not include")

    def test_a_new_folder_needs_a_rule(self):
        self.assert_found("common/a.hpp", "", 1, says="has no rule")
        self.assert_found("a.cpp", "", 1, says="has no rule")
        self.assert_found("adapters/a.hpp", "", 1, says="has no rule")

    def test_disguises(self):
        self.assert_found("events/a.hpp", '  #  include  "kernel/x.hpp" // why not\n', 1)
        self.assert_found("events/a.hpp", "#include <kernel/x.hpp>\n", 1, 1)
        self.assert_found("events/a.hpp", '#include "../kernel/x.hpp"\n', 1, says="root of the project")
        self.assert_found("events/a.hpp", '#include "./b.hpp"\n', 1, says="root of the project")
        self.assert_found("events/a.hpp", "#include KERNEL\n", 1, says="macro")
        self.assert_found("events/a.hpp", '#include "b.hpp"\n', 1, says='"events/b.hpp"', beside={"events/b.hpp": ""})
        self.assert_found("kernel/a.ipp", '\n\n#include "store/x.hpp"\n', 3)

    def test_comments_and_strings_include_nothing(self):
        self.assert_clean("events/a.hpp", '// #include "kernel/x.hpp"\n/*\n#include "kernel/x.hpp"\n*/\n')
        self.assert_clean("events/a.hpp", "const char* text = \"#include <rocksdb/db.h>\";\n")

    def test_libraries_stay_where_they_belong(self):
        homes = {
            "cereal/types/vector.hpp": {"events/codec.cpp", "events/archive.hpp", "kernel/snapshot.cpp"},
            "rocksdb/db.h": {"store/a.cpp"},
            "spdlog/spdlog.h": {"runtime/a.cpp", "cli/a.cpp"},
            "yaml-cpp/yaml.h": {"config/a.cpp"},
            "CLI/CLI.hpp": {"cli/a.cpp"},
            **dict.fromkeys(
                "thread mutex atomic csignal condition_variable future".split(),
                {"runtime/a.cpp", "store/a.cpp", "cli/a.cpp", "plugins/crash.cpp"},
            ),
        }
        files = {f"{folder}/a.cpp" for folder in self.FOLDERS} | homes["cereal/types/vector.hpp"] | homes["thread"]
        for header, home in homes.items():
            for file in files:
                for text in (f"\n#include <{header}>\n", f'\n#include "{header}"\n'):
                    if file in home:
                        self.assert_clean(file, text)
                    else:
                        self.assert_found(file, text, 2, says=header)

    def test_clocks(self):
        use = "#include <chrono>\nauto now() { return std::chrono::steady_clock::now(); }\n"
        for folder in ("events", "kernel", "strategies", "views", "adapters/paper", "adapters/data", "plugins", "config"):
            self.assert_found(f"{folder}/a.cpp", use, 2, says="take the time as an argument")
        for folder in ("runtime", "store", "cli", "bench", "tests"):
            self.assert_clean(f"{folder}/a.cpp", use)
        self.assert_clean("events/a.cpp", "#include <chrono>\nstd::chrono::year_month_day day(); // no system_clock here\n")

    def test_the_command(self):
        with tempfile.TemporaryDirectory() as root:
            run = lambda: subprocess.run([sys.executable, layering.__file__, root], capture_output=True, text=True, check=False)
            self.assertEqual(run().returncode, 2, "nothing to check is no success")
            path = pathlib.Path(root, "events/a.hpp")
            path.parent.mkdir()
            path.write_text("#pragma once\n")
            self.assertEqual(run().returncode, 0)
            path.write_text('#pragma once\n#include "cli/x.hpp"\n')
            self.assertEqual(run().returncode, 1)
            self.assertIn("events/a.hpp:2: events may not include cli/x.hpp", run().stdout)


if __name__ == "__main__":
    unittest.main()
