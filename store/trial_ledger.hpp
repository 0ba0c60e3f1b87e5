#pragma once
/// The trial ledger: what was tried on data, a row a run, so that who looks at the best result can say out of how many it was chosen.
/// A text file that only grows, tab-separated, with a header; each row holds the hash of the one before it, so that none can be left
/// out or changed afterwards without it showing.
///
///   number  when  family  log_head  initial_cash  days  previous  hash
///
/// `days` is "DATE=EQUITY DATE=EQUITY …" at the end of each trading day; `hash` is SHA-256 of all before it in the row.

#include "events/event.hpp"
#include "events/fixed.hpp"
#include "events/time.hpp"
#include "store/chain.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace alpha {

/// Where it lies unless somebody says otherwise, beside the journals of runs.
inline constexpr const char* kTrialLedger = "runs/ledger.tsv";

struct TrialRow {
    std::uint64_t number = 0;  ///< from 1 on; given by append_trial
    Time when;                 ///< UTC, of the machine
    std::string family;        ///< what was tried, without its parameters: trial_family()
    std::string log_head;      ///< hexadecimal: the same run on the same data has the same
    Money initial_cash;
    std::vector<std::pair<Date, Money>> days;
    Digest previous{};
    Digest hash{};
};

/// Which strategies on which instruments, whatever their parameters and whatever the scenario is called: "sma_cross on NSE:INFY". Of many
/// instruments a few are named, and the rest stands for itself by a hash.
std::string trial_family(const RunConfigured& config);

/// How to wait for another process that adds a row: it needs milliseconds, unless it was stopped.
struct LedgerWait {
    std::chrono::milliseconds most{30'000};
    const std::atomic<bool>* stop = nullptr;            ///< ends it at once
    std::function<void(const std::string& what)> tell;  ///< once, after a second
};

/// Adds a row, in one write, after those that other processes add at the same moment. What a process that was killed left of a row is cut
/// off. Refuses (kind data) a file that is no ledger, (kind transient) one that another process keeps locked, and what the system refuses.
Result<void> append_trial(const std::string& path, TrialRow row, const LedgerWait& wait = {});

/// All rows, in their order; of a file that is not there, none. Refuses (kind data) with file:line a row that is not as it was written. O(bytes).
Result<std::vector<TrialRow>> read_trials(const std::string& path);

}  // namespace alpha
