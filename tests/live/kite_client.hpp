#pragma once
/// A client of Kite's in one process with the exchange: what a transport would do, under virtual time. Requests take their time to get there and
/// answers to come back; some connections are not made. What the exchange answers, or does not, is by its own script (kite_exchange.hpp).

#include "adapters/zerodha/kite_exchange.hpp"
#include "adapters/zerodha/kite_translate.hpp"
#include "events/outside_client.hpp"
#include "tests/live/timeline.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace alpha::test {

/// The line between this machine and Kite, which outlives a process: what was written gets there whatever became of who wrote it.
class KiteLine {
public:
    struct Trouble {
        std::uint64_t unreachable_per_thousand = 0;  ///< no connection is made, and no byte written
        Duration slowest;                            ///< of one way
        // Breaks, to see that they are noticed.
        bool sends_again = false;          ///< a request without an answer
        bool denies_what_it_sent = false;  ///< says that no byte was written where no answer came
    };

    KiteLine(Timeline& timeline, kite::KiteExchange& exchange, const kite::Symbols& names, Trouble trouble,
             std::uint64_t seed)
        : timeline_(timeline), exchange_(exchange), names_(names), trouble_(trouble), random_(seed) {}

    /// From here on the line does what it should.
    void mend() { trouble_.unreachable_per_thousand = 0; }
    /// How often a place with this tag has come to the exchange's gate.
    std::size_t arrivals(const std::string& tag) const {
        const auto at = arrivals_.find(tag);
        return at == arrivals_.end() ? 0 : at->second;
    }
    bool is_on_its_way(const std::string& tag) const { return on_the_way_.contains(tag); }
    const std::string& token() const { return token_; }
    void login(const std::string& user) { token_ = exchange_.login(timeline_.now(), user); }

private:
    friend class KiteClient;
    Timeline& timeline_;
    kite::KiteExchange& exchange_;
    const kite::Symbols& names_;
    Trouble trouble_;
    Random random_;
    std::string token_;
    std::map<std::string, std::size_t> arrivals_;
    std::multiset<std::string> on_the_way_;
};

/// Of one process.
class KiteClient final : public OutsideClient {
public:
    struct Ears {
        std::function<void(SendToken, const SendAnswer&)> answered;
        std::function<void(const std::optional<OutsideRead>&)> was_read;
    };
    KiteClient(KiteLine& line, Ears ears) : line_(line), ears_(std::make_shared<Ears>(std::move(ears))) {}

    void begin(SendToken token, const OutsideMessage& message) override;
    void abandon(SendToken) override {}
    void read_book() override;

private:
    struct Reading {
        OutsideRead read;
        std::vector<kite::PositionRow> positions;
        bool is_whole = true;
    };
    Duration way() { return line_.random_.ms(1, std::max<std::int64_t>(2, line_.trouble_.slowest.ns / 1'000'000)); }
    void send(SendToken token, const OutsideMessage& message);
    void answer(SendToken token, const SendAnswer& answer);
    void read_trades(const std::shared_ptr<Reading>& reading);
    void read_positions(const std::shared_ptr<Reading>& reading);
    void read_holdings(const std::shared_ptr<Reading>& reading);
    void end_read(const std::shared_ptr<Reading>& reading);
    /// Later, if this process still is there.
    void later(Duration wait, std::function<void()> task);

    KiteLine& line_;
    std::shared_ptr<Ears> ears_;  ///< gone with the process
};

}  // namespace alpha::test
