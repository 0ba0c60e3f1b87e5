#pragma once
/// The side of a broker outside that talks: begins messages, waits for their answers, reads the broker's book and says what in it is new. It
/// decides nothing and knows nothing that must survive: what it says are words (events/outside.hpp), and a new one that is told what is known
/// already says nothing twice that matters.
///
/// No thread, no clock, no socket: time comes in, what is to be asked of the broker goes to a client (a transport and a translation), and the
/// client's answers come in again. One thread calls it.

#include "events/outside_client.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace alpha {

using OutsideWord = std::variant<SendEnded, BrokerOrderSeen, BrokerTradeSeen, AccountRead, BookRead, SessionChange>;

struct GatewaySettings {
    Duration answer_within{7 * kSecondNs};
    Duration read_within{5 * kSecondNs};
    Duration read_when_unsure{kSecondNs};  ///< while a message, or what became of one, is open
    Duration read_when_working{5 * kSecondNs};
    Duration read_when_quiet{20 * kSecondNs};
    Duration read_least{333'000'000};  ///< between two, whatever hints come
    Duration down_after{30 *
                        kSecondNs};  ///< without a whole read; longer than read_when_quiet and read_within together
};

class Gateway {
public:
    /// A word, and the raw JSON that it was read from; empty where there is none.
    using Say = std::function<void(const OutsideWord&, std::string_view)>;
    using TurnOf = std::function<Turn(const OutsideMessage&, Time)>;

    /// The client outlives the gateway. `event_time` says how far the session has come, by which reads are stamped as they begin; empty: it is
    /// where time is.
    Gateway(OutsideClient& client, Say say, TurnOf turn_of, GatewaySettings settings = {},
            std::function<Time()> event_time = {});

    /// Connected, and logged in: reads until two reads in a row say the same, the second with what the account holds, then says that it is up.
    void connect(Time now);
    void disconnect(SessionChange why);

    /// Its turn has come: begun at once, or withheld. Where nobody is connected nothing of it is written.
    void send(const OutsideMessage& message, Time now);
    void answered(SendToken token, const SendAnswer& answer, Time now);
    void was_read(const std::optional<OutsideRead>& read, Time now);
    /// Something may have changed at the broker: a word of its own that is believed no further than to look.
    void hint(Time now);
    /// How many orders wait for something to become of them, and how many rest; how often the book is read goes by it.
    void expect(std::size_t unsure, std::size_t working);

    /// Does what is due at `now`.
    void tick(Time now);
    Time next_due() const;
    bool is_up() const { return state_ == State::up; }
    /// Messages that have begun, and wait for their answer.
    std::size_t in_flight() const { return in_flight_.size(); }

private:
    enum class State : std::uint8_t { off, reconciling, up };
    struct InFlight {
        OutsideMessage message;
        Time until;
    };
    using TradeKey = std::tuple<std::string, std::string, std::string>;

    void end(const OutsideMessage& message, const SendAnswer& answer);
    void say(const OutsideWord& word, std::string_view raw = {}) { say_(word, raw); }
    void begin_read(Time now);
    Duration pause() const;
    void tell(const OutsideRead& read);
    static bool is_same_row(const AccountRead& a, const AccountRead& b);

    OutsideClient* client_;
    Say say_;
    TurnOf turn_of_;
    GatewaySettings settings_;
    std::function<Time()> event_time_;
    State state_ = State::off;
    std::map<SendToken, InFlight> in_flight_;
    SendToken last_token_ = 0;
    std::size_t unsure_ = 0;
    std::size_t working_ = 0;
    // Reads.
    std::optional<Time> reading_since_;
    Time begun_at_;                 ///< the same in the session's time
    Time last_read_ = kBeforeAll;   ///< begun
    Time last_whole_ = kBeforeAll;  ///< ended
    bool is_hinted_ = false;
    std::optional<OutsideRead> before_;  ///< while reconciling: what the read before said
    Date day_;
    std::map<std::string, BrokerOrderSeen> rows_;  ///< of the day, as last told
    std::set<TradeKey> trades_;
    std::vector<AccountRead> account_;  ///< rows as last told
};

}  // namespace alpha
