#pragma once
/// Quotes from a seed that look like days at NSE: 09:15 to 15:30 IST on weekdays (holidays are not
/// known), a tick of 0.05, spreads of one to three ticks, sizes in lots, busy opens and closes,
/// calm and wild spells, gaps overnight. Integers only, so that every machine makes the same bytes.
///
/// PUBLISHED, DO NOT CHANGE: a seed stands for its records for ever; tests/data/synth_test.cpp
/// holds their hash.

#include "adapters/data/feed.hpp"

namespace alpha {

class RecordStream;

/// Exactly `spec.ticks` quotes. Refuses (kind usage) a spec that cannot be followed.
Result<std::unique_ptr<RecordStream>> open_synth(const SynthSpec& spec);

/// Writes the same quotes as CSV to a new file, built under a temporary name. Refuses (kind usage)
/// when `path` exists; without success nothing is left behind.
Result<void> write_synth_csv(const SynthSpec& spec, const std::string& path);

}  // namespace alpha
