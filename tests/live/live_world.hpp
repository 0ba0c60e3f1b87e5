#pragma once
/// A live session with a broker outside, all of it but threads and sockets: the kernel with strategies, what it wishes on its way through the
/// outbox, the gateway, and Kite's exchange behind it; a log of which a crash takes what is not durable; people who kill, release, trade by hand
/// and are asked. One seed is one walk. After every input and once all is quiet what is promised in docs/orders-outside.md holds, or `Broken` is
/// thrown.
///
/// What the exchange may do is in its script (live_world.cpp, `script`): answers are late, doubled, lost or wrong, books lag and are short. What it
/// really took and traded is in its ledger, which nothing here but the oracle and a person reads.

#include "adapters/outside/gateway.hpp"
#include "runtime/components.hpp"
#include "runtime/outbox.hpp"
#include "runtime/sends.hpp"
#include "store/journal.hpp"
#include "tests/live/kite_client.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace alpha::test {

struct Broken : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What is done wrong on purpose, to see that it is noticed.
struct Breaks {
    bool sends_again = false;            ///< a place that was not answered
    bool sends_before_durable = false;   ///< a message begins when it was decided
    bool denies_what_it_sent = false;    ///< "not a byte was written", though it was
    bool tags_without_log = false;       ///< two journals of one account have one number
    bool takes_hints_for_truth = false;  ///< updates of the broker's own are taken for rows of the book
    bool places_after_kill = false;      ///< nobody holds places back
    bool restarts_in_silence = false;    ///< the log does not say that a session was restarted
};

class LiveWorld {
public:
    explicit LiveWorld(std::uint64_t seed, Breaks breaks = {}, bool is_mild = false);
    ~LiveWorld();

    /// The whole walk of the seed. Throws Broken.
    void walk();
    /// The last events of the log, as text.
    std::vector<std::string> story(std::size_t most) const;
    bool has_shadow() const { return plan_.has_shadow; }
    /// What became of the orders of the paper broker's portfolio, in words without numbers of orders.
    std::vector<std::string> shadow() const;
    std::size_t inputs() const { return log_.cuts.size(); }

private:
    /// What the seed decides at the beginning.
    struct Plan {
        bool has_shadow = false;
        std::size_t instruments = 1;
        std::size_t portfolios = 1;
        bool is_intraday = true;
        Time begins;
        Duration trades_for;
        std::uint64_t activity = 0;
        OutsideRules rules;
        SendLimits limits;
        bool crashes = false;
        bool disconnects = false;
        bool kills = false;
        bool has_hands = false;  ///< a person trades in the same account, and changes orders
        bool has_other_journal = false;
        bool has_next_day = false;
        bool has_final_read = false;
        Duration slowest_line;
        Duration slowest_disk;
        Duration slowest_thread;
    };
    /// Whole inputs alone are cut off by a crash.
    struct Log {
        struct Cut {
            Seq seq = 0;         ///< of what comes next
            std::size_t at = 0;  ///< where that begins
        };
        std::vector<std::uint8_t> bytes;
        std::vector<Cut> cuts;
        Seq next_seq() const { return cuts.empty() ? 0 : cuts.back().seq; }
        void add(const Frame& frame);
        void cut_to(Seq seq);
        Frame frame(Seq from, Seq end) const;
    };
    struct Life;

    static Plan make_plan(std::uint64_t seed);
    RunConfigured make_config() const;
    kite::Settings make_exchange() const;
    void script();
    Result<Components> make_parts(const RunConfigured& config) const;

    // A process.
    void begin();
    void crash();
    void restart();
    void connect();
    void disconnect(SessionChange why);
    void make_links();
    bool runs() const { return life_ != nullptr; }
    template <class E>
    void take(const E& input);
    void after_input();
    void pump();
    void start_sends();
    void serve_gateway();
    void on_begin(const OutsideMessage& message);
    Turn turn_of(const OutsideMessage& message, Time now) const;

    // What happens.
    void run_until(Time end);
    void quote();
    void someday(std::int64_t least_ms, std::int64_t most_ms, void (LiveWorld::*what)());
    void crash_someday();
    void disconnect_someday();
    void kill_someday();
    void release_someday();
    void trade_by_hand();
    void change_by_hand();
    void other_journal_trades();
    void thaw_someday();
    void halt_someday();
    void keep_checkpoint();
    void resolve_stale();
    void go_quiet();
    bool is_quiet() const;
    void next_day();

    // What must hold.
    void check_state() const;
    void check_settled();
    void check_again() const;
    [[noreturn]] void broken(const std::string& what) const;

    std::uint64_t seed_;
    Breaks breaks_;
    bool is_mild_;  ///< the same market and strategies, and nothing goes wrong
    Plan plan_;
    Random market_;  ///< quotes, which are the same however much goes wrong
    Random dice_;
    Timeline timeline_;
    RunConfigured config_;
    kite::Symbols names_;
    kite::KiteExchange exchange_;
    KiteLine line_;
    std::vector<Price> mids_;

    Log log_;
    Seq durable_ = 0;
    std::optional<StoredSnapshot> checkpoint_;
    std::unique_ptr<Life> life_;
    bool has_begun_ = false;
    bool is_trading_ = true;  ///< quotes come
    bool is_faulty_ = true;
    bool is_connected_ = false;
    Time restarted_ = kBeforeAll;                   ///< what was decided before is not begun any more
    std::map<PortfolioId, OrderId> killed_before_;  ///< orders with smaller numbers are not begun any more
    std::set<OrderId> placed_by_person_;
    std::set<std::string>
        disowned_;  ///< orders of the broker's whose trades stay outside, since a person had to say so
    std::uint64_t other_orders_ = 0;
};

}  // namespace alpha::test
