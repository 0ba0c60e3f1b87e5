#pragma once
/// Events as people and programs read them. Both forms are canonical: the same event gives the same text everywhere.
///
///   text  12 2013-10-07T13:30:00.072Z quote instrument=IBM bid=181.69 ask=181.9 bid_qty=200 ask_qty=100
///   JSON  {"seq":12,"ts_ns":"1381152600072000000","type":"quote","instrument":"IBM",...}
///
/// Facts add cause=SEQ root=SEQ (JSON: "causation", "correlation"). Ids print as names; counts are JSON numbers, while
/// money, prices, quantities and times are strings in minimal decimals. Prices and quantities that are zero because the
/// order's type does not use them are left out of the text, not of the JSON.

#include "events/event.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// What ids are called, learned from the events themselves.
class Names {
public:
    /// Takes note of RunConfigured and InstrumentListed; ignores the rest.
    void learn(const Event& event);
    /// The name, or "#id" for one never learned.
    std::string instrument(InstrumentId id) const;
    std::string portfolio(PortfolioId id) const;
    std::string strategy(StrategyId id) const;
    std::string broker(BrokerId id) const;

private:
    std::vector<std::string> instruments_;
    std::vector<std::string> portfolios_;
    std::vector<std::string> strategies_;
    std::vector<std::string> brokers_;
};

/// The event type's name, e.g. "order_filled".
const char* type_name(const Event& event);
/// Every type's name, in tag order.
const std::vector<const char*>& all_type_names();

/// One line, without the newline.
std::string to_text(const Envelope& envelope, const Event& event, const Names& names);
std::string to_json(const Envelope& envelope, const Event& event, const Names& names);

/// Bytes of the character at the front of `text`, which is not empty, or 0 where there is none that may be shown: bytes that are
/// not UTF-8, and control characters (C0, DEL, C1), which would let a file rewrite the screen of whoever reads about it.
std::size_t printable_length(std::string_view text);
/// Whether all of it may be shown, and the text with '?' for every byte that may not.
bool is_printable(std::string_view text);
std::string printable(std::string_view text);
/// The same, cut to so many bytes, between two characters.
std::string bounded(std::string_view text, std::size_t most);

/// `text` with "\\u202e" for every character that cannot be seen, or that turns around how its neighbours are shown: zero-width and
/// bidirectional ones, fillers, tags. Two names that differ must not look the same. O(length); a copy where there is none.
std::string revealed(std::string_view text);

/// Cuts a line of CSV into its cells, quoted as in RFC 4180 and without line breaks inside; spaces stay. False where quotes are not closed
/// or something stands behind them. O(length).
bool cut_csv_row(std::string_view line, std::vector<std::string>& cells);

/// `text` as a JSON string, quotes included; control characters, those that cannot be seen and invalid UTF-8 are escaped or replaced.
std::string json_string(std::string_view text);

}  // namespace alpha
