#pragma once
/// A live session with one broker outside or two, all of it but threads and sockets: the kernel with strategies, what it wishes on its way through
/// the outbox, the gateway, and Kite's exchange behind it; a log of which a crash takes what is not durable; people who kill, release, trade by
/// hand, assign and are asked. One seed is one walk. After every input and once all is quiet what is promised in docs/orders-outside.md holds, or
/// `Broken` is thrown.
///
/// What the exchange may do is in its script (live_world.cpp, `script`): answers are late, doubled, lost or wrong, books lag and are short. What it
/// really took and traded is in its ledger, which nothing here but the oracle and a person reads.

#include "adapters/outside/gateway.hpp"
#include "runtime/components.hpp"
#include "runtime/outbox.hpp"
#include "runtime/sends.hpp"
#include "store/journal.hpp"
#include "tests/live/kite_client.hpp"

#include <functional>
#include <list>
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
    bool sends_again = false;               ///< a place that was not answered
    bool sends_before_durable = false;      ///< a message begins when it was decided
    bool denies_what_it_sent = false;       ///< "not a byte was written", though it was
    bool tags_without_log = false;          ///< two journals of one account have one number
    bool takes_hints_for_truth = false;     ///< updates of the broker's own are taken for rows of the book
    bool places_after_kill = false;         ///< nobody holds places back
    bool places_what_is_cancelled = false;  ///< nor those whose order is to be cancelled
    bool restarts_in_silence = false;       ///< the log does not say that a session was restarted
    // Of two brokers.
    bool holds_at_first = false;     ///< a kill holds places back at the first broker, whoever is killed
    bool holds_everywhere = false;   ///< a kill holds places back at both
    bool mixes_up_messages = false;  ///< one broker's gateway gets what the other is to do
    bool mixes_up_rows = false;      ///< what one broker's book says is taken for the other's
};

/// Where nothing goes wrong, with the same market and strategies.
enum class Calm : std::uint8_t { nowhere, at_first, everywhere };

class LiveWorld {
public:
    explicit LiveWorld(std::uint64_t seed, Breaks breaks = {}, Calm calm = Calm::nowhere);
    ~LiveWorld();

    /// The whole walk of the seed, and beside it the one to compare with, where what one broker's portfolios do must not depend on the other
    /// broker. Throws Broken.
    void walk();
    /// The last events of the log, as text.
    std::vector<std::string> story(std::size_t most) const;
    bool is_compared() const { return plan_.is_compared; }
    std::size_t inputs() const { return log_.cuts.size(); }

private:
    /// What the seed decides at the beginning of one broker outside.
    struct BrokerPlan {
        std::size_t portfolios = 1;
        bool is_intraday = true;
        OutsideRules rules;
        SendLimits limits;
        bool disconnects = false;
        bool kills = false;
        bool has_hands = false;  ///< a person trades in the same account, and changes orders
        bool has_other_journal = false;
        bool assigns = false;         ///< a person says whose it is what lies outside
        bool closes_missing = false;  ///< a person closes orders of which nobody saw the end
        Duration slowest_line;
        Duration slowest_thread;
    };
    struct Plan {
        bool has_shadow = false;
        std::size_t brokers = 1;
        bool is_compared = false;     ///< the second broker with itself beside a first one where nothing goes wrong
        bool is_second_calm = false;  ///< of these
        std::size_t instruments = 1;
        Time begins;
        Duration trades_for;
        std::uint64_t activity = 0;
        bool crashes = false;
        bool has_next_day = false;
        bool has_final_read = false;
        Duration slowest_disk;
        Duration slowest_thread;
        std::vector<BrokerPlan> of_brokers;
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
    struct Link;
    struct Broker;
    struct Really;
    struct Logged;

    static Plan make_plan(std::uint64_t seed);
    static BrokerPlan make_broker_plan(Random& random);
    RunConfigured make_config() const;
    kite::Settings make_exchange(std::size_t broker) const;
    std::uint64_t seed_of(std::size_t broker) const;
    bool is_calm(std::size_t broker) const;
    void script(Broker& broker);
    Result<Components> make_parts(const RunConfigured& config) const;

    // A process.
    void begin();
    void crash();
    void restart();
    void connect(Broker& broker);
    void disconnect(Broker& broker, SessionChange why);
    void make_links();
    bool runs() const { return life_ != nullptr; }
    template <class E>
    void take(const E& input);
    void after_input();
    void pump();
    void decide();
    void take_words(Broker& broker);
    void start_sends();
    void serve(Broker& broker);
    void on_begin(const Broker& broker, const OutsideMessage& message) const;
    const OutsideBroker& known_of(const Broker& broker) const;

    // What happens.
    void run_until(Time end);
    void quote();
    void someday(Random& dice, std::int64_t least_ms, std::int64_t most_ms, std::function<void()> what);
    void begin_troubles(Broker& broker);
    void crash_someday();
    void disconnect_someday(Broker& broker);
    void kill_someday(Broker& broker);
    void release_someday(Broker& broker);
    void trade_by_hand(Broker& broker);
    void change_by_hand(Broker& broker);
    void other_journal_trades(Broker& broker);
    void assign_something(Broker& broker) { assign(broker, false); }
    void assign(Broker& broker, bool all);
    void thaw_someday(Broker& broker);
    void halt_someday(Broker& broker);
    void keep_checkpoint();
    void resolve_stale(Broker& broker);
    void close_missing(const Broker& broker);
    void go_quiet();
    bool is_quiet() const;
    bool is_quiet(const Broker& broker) const;
    void next_day();
    void walk_alone();

    // What must hold.
    void check_state() const;
    void check_state(const Broker& broker) const;
    void check_settled();
    void check_orders(const Broker& broker, const Logged& logged, const std::map<std::string, Really>& there) const;
    void check_trades(const Broker& broker, const Logged& logged) const;
    void check_positions(const Broker& broker, const Logged& logged, const std::map<std::string, Really>& there) const;
    void check_again() const;
    Logged read_log() const;
    std::map<std::string, Really> read_ledger(const Broker& broker) const;
    bool is_unseen(Time when) const { return blind_from_ < when && when < blind_until_; }
    [[noreturn]] static void broken(const std::string& what);
    /// What became of the portfolios' orders until people begin to be asked, in words without numbers of orders.
    std::vector<std::string> deeds(const std::vector<PortfolioId>& portfolios) const;

    std::uint64_t seed_;
    Breaks breaks_;
    Calm calm_;
    Plan plan_;
    Random market_;  ///< quotes, which are the same however much goes wrong
    Random dice_;    ///< of what no broker has for itself
    Timeline timeline_;
    RunConfigured config_;
    kite::Symbols names_;
    std::list<Broker> brokers_;
    std::vector<Price> mids_;

    Log log_;
    Seq durable_ = 0;
    std::optional<StoredSnapshot> checkpoint_;
    std::unique_ptr<Life> life_;
    bool is_trading_ = true;  ///< quotes come
    bool is_faulty_ = true;
    Time restarted_ = kBeforeAll;  ///< what was decided before is not begun any more
    // A night before which nobody saw the day's last book.
    Time blind_from_ = kNever;
    Time blind_until_ = kNever;
};

}  // namespace alpha::test
