"""Plants every kind of banned name and expects determinism.py to name each, and to leave good code alone."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import determinism
from planted import PlantedTree

FOLDS = ("events", "kernel", "markets", "adapters/paper", "adapters/outside")
STRICT = (*FOLDS, "strategies")
FREE = ("store", "adapters/data", "runtime", "cli", "bench", "tests/kernel")

BANNED = """\
auto t = std::chrono::system_clock::now();
auto t = steady_clock::now();
auto t = std::time(nullptr);
auto t = time(nullptr);
auto t = time(&now);
return ::time(0);
auto t = clock();
gettimeofday(&tv, nullptr);
clock_gettime(CLOCK_REALTIME, &ts);
auto day = localtime(&seconds);
const char* built = __DATE__;
std::random_device seed;
int r = rand();
std::mt19937 engine(7);
std::mt19937_64 engine(7);
std::uniform_int_distribution<int> die(1, 6);
std::ranges::shuffle(orders, engine_);
#include <random>
uuid_t id;
auto home = std::getenv("HOME");
std::ifstream in("fees.csv");
std::locale::global(std::locale(""));
out.imbue(classic);
#include <unordered_map>
std::unordered_map<int, int> orders;
std::unordered_set<int> seen;
auto h = std::hash<int>{}(1);
std::map<Order*, int> by_order;
std::set<const Order*> orders;
std::map<std::pair<int, Order*>, int> orders;
std::set<std::shared_ptr<Order>> orders;
auto key = reinterpret_cast<std::uintptr_t>(&order);
std::sort(begin, end, std::less<Order*>{});
std::thread writer;
std::jthread writer;
std::mutex guard;
std::atomic<int> count;
std::atomic_int count;
thread_local int count;
auto f = std::async(work);
#include <mutex>
using namespace std;
#pragma GCC optimize("Ofast")
""".splitlines()

FLOATS = """\
double price = 0;
float price = 0;
long double price = 0;
auto half = 1.5;
auto half = .5;
auto big = 1e9;
auto big = 1'000.0;
std::vector<double> prices;
""".splitlines()

LIBM = """\
auto y = std::exp(x);
auto y = exp(x);
auto y = std::log(x);
auto y = log1p(x);
auto y = std::pow(x, 2);
return pow(x, 2);
auto y = ::sin(x);
auto y = cosf(x);
auto y = std::tan(x) + 1;
auto y = __builtin_exp(x);
std::transform(a, b, c, std::tanh);
using std::exp;
""".splitlines()

GOOD = """\
// std::random_device, double, time(nullptr), unordered_map: only spoken of
/* std::thread and
   getenv */
const char* text = "rand() double 1.5 std::mutex";
const char* raw = R"(double x = time(nullptr);)";
Time time() const { return time_; }
auto at = envelope.time();
auto at = envelope->time ( );
Envelope(Time time) : time(time), clock(clock) {}
std::map<OrderId, Order*> orders;
std::map<std::string, std::vector<Order*>> orders;
std::set<InstrumentId> marked;
std::int64_t units = 100'000'000;
std::uint32_t mask = 0x1e5;
auto doubled = twice(quantity);
int randomly_named = operand + timed + localed;
auto later = time_of(event) + sometime(3);
std::array<int, 3> latch; Instrument future; bool barrier;
log_.append(event); journal.log(event); text::log(event);
""".splitlines()


class Determinism(PlantedTree):
    check_tree = staticmethod(determinism.check_tree)

    def test_banned_names_are_found_in_every_strict_folder(self):
        for line in BANNED:
            for folder in STRICT:
                found = self.findings({f"{folder}/a.cpp": f"// first\n{line}\n"})
                self.assertTrue(found, f"{folder}: {line!r} was not found")
                self.assertEqual({(name, number) for name, number, _ in found}, {(f"{folder}/a.cpp", 2)}, line)

    def test_they_are_free_elsewhere(self):
        for folder in FREE:
            self.assertEqual(self.findings({f"{folder}/a.cpp": "\n".join(BANNED + FLOATS + LIBM)}), [])

    def test_floats_are_banned_in_the_folds(self):
        for line in FLOATS:
            for folder in FOLDS:
                self.assert_found(f"{folder}/a.hpp", f"\n{line}\n", 2, says="is floating point")

    def test_whatever_executes_orders_is_a_fold(self):
        venue = "class Other final : public Venue {};\n"
        found = self.findings({"adapters/other/venue.hpp": venue, "adapters/other/b.cpp": "double price = 0;\nint r = rand();\n"})
        self.assertEqual({(name, number) for name, number, _ in found}, {("adapters/other/b.cpp", 1), ("adapters/other/b.cpp", 2)})
        self.assertEqual(self.findings({"adapters/other/b.cpp": "// no : public Venue\ndouble price = 0;\n"}), [])

    def test_a_pure_file_is_a_fold_wherever_it_is(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        for name in determinism.PURE:
            self.assertTrue((root / name).is_file(), name)
            self.assertEqual(len(self.findings({name: "double price = 0;\nint r = rand();\n"})), 2)
        self.assertEqual(self.findings({"adapters/zerodha/other.cpp": "double price = 0;\n"}), [])

    def test_strategies_may_use_doubles(self):
        for line in FLOATS:
            if "long" not in line:
                self.assert_clean("strategies/a.cpp", line)
        self.assert_clean("strategies/a.cpp", "auto y = std::sqrt(x) + std::abs(x) + std::floor(x) + std::accumulate(a, b, 0.0);")
        self.assert_found("strategies/a.cpp", "long double x = 0;", 1)

    def test_libm_is_banned_in_strategies(self):
        for line in LIBM:
            self.assert_found("strategies/a.cpp", f"\n{line}\n", 2, says="libm")

    def test_own_names_that_look_alike(self):
        self.assert_clean("strategies/a.cpp", "journal.log(x); journal->log(x); text::log(x); double exp_ = expected(x) + logs(x);")

    def test_good_code_is_clean(self):
        for folder in STRICT:
            self.assert_clean(f"{folder}/a.cpp", "\n".join(GOOD))

    def test_each_line_is_named(self):
        self.assert_found("kernel/state.hpp", "int a;\ndouble b;\n/*\n*/ double c;\n", 2, 4)
        self.assert_found("kernel/state.hpp", "std::map<\n    Order*, int> a;\n", 1)

    def test_an_escape_with_a_reason(self):
        self.assert_clean("kernel/a.cpp", "double shown; // determinism-ok: display only, never folded\n")
        self.assert_clean("kernel/a.cpp", "// determinism-ok: display only,\n// never folded\ndouble shown;\n")

    def test_an_escape_without_a_reason(self):
        for comment in ("// determinism-ok", "// determinism-ok:", "// determinism-ok:   "):
            self.assert_found("kernel/a.cpp", f"double shown; {comment}\n", 1, says="needs its reason")

    def test_an_escape_covers_its_own_line_only(self):
        self.assert_found("kernel/a.cpp", "double a; // determinism-ok: display only\ndouble b;\n", 2, says="is floating point")
        self.assert_found("kernel/a.cpp", "// determinism-ok: display only\ndouble a;\ndouble b;\n", 3)

    def test_an_escape_in_a_string_is_none(self):
        self.assert_found("kernel/a.cpp", 'double a; f("// determinism-ok: no");\n', 1)

    def test_a_stale_escape(self):
        self.assert_found("kernel/a.cpp", "int a; // determinism-ok: display only\n", 1, says="excuses nothing")
        self.assert_found("kernel/a.cpp", "int a;\n// determinism-ok: display only", 2, says="excuses nothing")

    def test_relaxed_arithmetic_in_build_files(self):
        for name in ("CMakeLists.txt", "kernel/CMakeLists.txt", "cmake/Flags.cmake", "CMakePresets.json", "Makefile"):
            for flag in ("-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-ffp-contract=fast"):
                self.assert_found(name, f'\n"-O2 {flag}"\n', 2, says=flag)
        self.assert_clean("CMakeLists.txt", "add_compile_options(-O3 -fno-fast-math -ffp-contract=off) # never -ffast-math\n")

    def test_the_command(self):
        with tempfile.TemporaryDirectory() as root:
            run = lambda: subprocess.run([sys.executable, determinism.__file__, root], capture_output=True, text=True, check=False)
            self.assertEqual(run().returncode, 2, "nothing to check is no success")
            path = pathlib.Path(root, "kernel/a.hpp")
            path.parent.mkdir()
            path.write_text("int a;\n")
            self.assertEqual(run().returncode, 0)
            path.write_text("int a;\nstd::mutex b;\n")
            self.assertEqual(run().returncode, 1)
            self.assertIn("kernel/a.hpp:2: std::mutex", run().stdout)


if __name__ == "__main__":
    unittest.main()
