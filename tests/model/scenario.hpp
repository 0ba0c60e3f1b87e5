#pragma once
/// What happens to a handful of scripted orders, in plain numbers: the inputs in their order, what strategies ask at each, and
/// the broker's settings. A scenario is data: it can be printed, cut down and run by anything.

#include <cstdint>
#include <string>
#include <vector>

namespace alpha::model {

using Nanos = std::int64_t;  ///< an instant, or a length of time
using Units = std::int64_t;  ///< prices in thousandths, quantities in hundredths, per cent in hundredths

enum class Side : std::uint8_t { buy, sell };
enum class Type : std::uint8_t { market, limit, stop, stop_limit };
enum class Tif : std::uint8_t { gtc, day, ioc };

struct Bar {
    Units open = 0;
    Units high = 0;
    Units low = 0;
    Units close = 0;
    Units volume = 0;
    Nanos label = 0;
    Nanos interval = 0;
};
struct Quote {
    Units bid = 0;  ///< 0: no such side
    Units ask = 0;
    Units bid_size = 0;
    Units ask_size = 0;
};

struct Trade {
    Units price = 0;
    Units size = 0;  ///< 0: not told
};

/// One order of a request.
struct Leg {
    Side side = Side::buy;
    Type type = Type::market;
    Tif tif = Tif::gtc;
    Units quantity = 0;
    Units limit = 0;
    Units stop = 0;
    bool reduce_only = false;
};

/// What a strategy asks once the input has been matched.
struct Request {
    enum class Kind : std::uint8_t {
        place,    ///< one leg
        bracket,  ///< entry, then exits
        oco,      ///< legs of which one cancels the others
        cancel,
        modify
    };
    Kind kind = Kind::place;
    int key = 0;       ///< names the request: cancels and modifies refer to it, whatever else is cut away
    int strategy = 0;  ///< each has a portfolio of its own
    int instrument = 0;
    std::vector<Leg> legs;
    bool is_grouped = false;  ///< bracket: one exit cancels the others
    // cancel, modify: leg `target_leg` of request `target`; the new total and prices
    int target = 0;
    int target_leg = 0;
    Units quantity = 0;
    Units limit = 0;
    Units stop = 0;
};

struct Input {
    enum class Kind : std::uint8_t { quote, trade, bar_opened, bar_closed, session_opened, session_closed, timer };
    Kind kind = Kind::quote;
    Nanos time = 0;
    int instrument = 0;
    Quote quote;
    Trade trade;
    Bar bar;
    int date = 0;            ///< sessions: days since 1970
    Nanos session_ends = 0;  ///< of one that opens
    std::vector<Request> requests;
};

struct Settings {
    bool next_open = false;
    bool through = false;
    bool use_size = false;
    Units volume_share = 1'000;  ///< per cent
    Units slippage = 0;          ///< a price
    std::int64_t slippage_ticks = 0;
    Units slippage_percent = 0;
    Nanos latency = 0;
    // of both instruments
    Units tick = 10;
    Units lot = 100;
};

struct Scenario {
    Settings settings;
    std::vector<Input> inputs;
};

/// What came of it.
struct Fill {
    Nanos time = 0;
    int order = 0;
    Units quantity = 0;
    Units price = 0;
    friend bool operator==(const Fill&, const Fill&) = default;
};
struct End {
    Nanos time = 0;
    int order = 0;
    std::string how;  ///< "cancelled: why" or "expired"
    friend bool operator==(const End&, const End&) = default;
};
struct Outcome {
    std::vector<Fill> fills;
    std::vector<End> ends;  ///< of orders that did not fill whole; by time, then order
    friend bool operator==(const Outcome&, const Outcome&) = default;

    /// What no model expects: the run came to no end.
    static Outcome broken() { return {{{-1, 0, 0, 0}}, {}}; }
    bool is_broken() const { return *this == broken(); }
};

std::string to_text(const Scenario& scenario);
std::string to_text(const Outcome& outcome);

/// The outcome by the words of adapters/paper/paper_broker.hpp, computed slowly and in the open.
Outcome expected(const Scenario& scenario);

}  // namespace alpha::model
