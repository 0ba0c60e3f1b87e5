#pragma once
/// Every key of a scenario: what is written there, what it is when it is not, and what it means. Validation, defaults, help and
/// docs/reference-scenario.md all come from this one table, and what brokers and strategies say of theirs.

#include "events/broker_spec.hpp"
#include "events/event.hpp"
#include "events/key.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha::config {

using Form = KeyForm;

struct Section {
    std::string path;  ///< as it leads in messages; NAME stands for a name of the user's
    std::string example;
    std::string help;
    std::vector<Key> keys;
};

extern const Section kRoot;
extern const Section kAccount;
extern const Section kData;
extern const Section kSynth;
extern const Section kDefaultInstrument;
extern const Section kInstrument;
extern const Section kCalendars;
extern const Section kActions;
extern const Section kPortfolio;
extern const Section kStrategy;
extern const Section kCharges;
extern const Section kRisk;

// Of brokers, whose kinds describe themselves; each kind is one of broker_catalog().
/// broker.NAME, of a broker of this kind: its kind and settings.
const Section& broker_section(const BrokerSpec& spec);
/// brokers.NAME: one key a kind.
const Section& brokers_section();
/// brokers.NAME.KIND: the settings alone.
const Section& settings_section(const BrokerSpec& spec);

/// Top-level maps whose keys are names of the user's.
inline constexpr std::string_view kPortfoliosExample = "{main: {cash: 1000000}}";
inline constexpr std::string_view kInstrumentsExample = "{IBM: {tick: 0.01, lot: 1}}";
inline constexpr std::string_view kBrokerExample = "{paper: {fill: touch}}";
inline constexpr std::string_view kBrokersExample = "{touch: {paper: {fill: touch}}, slow: {paper: {fill: next_open}}}";

/// Limits that are one number.
struct LimitKey {
    Rule rule;
    std::string_view key;
    Form form;  ///< decimal or count
};
std::span<const LimitKey> limit_keys();

std::vector<std::string_view> choices_of(const Key& key);
/// What to write for a key, as it reads after "write" and in the reference.
std::string describe(const Key& key);

/// The section's keys with form, default and meaning, as a table in Markdown.
std::string table_of(const Section& section);

/// Every key with its form, default and meaning, in Markdown, from the table that also validates:
/// docs/reference-scenario.md is this text.
std::string scenario_reference();

}  // namespace alpha::config
