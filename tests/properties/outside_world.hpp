#pragma once
/// What is around kernel/outside.hpp in a live session, as hostile as it may be: a log of which a crash takes what is not durable, an outbox
/// and a gateway that forget, a broker that is late, that doubles and that fills what it cancelled, and people who change orders by hand and
/// are wrong. One seed is one walk. After every step and once all is quiet the invariants hold, or `Broken` is thrown.
///
/// What the broker may not do: take a message more than `accept_late` complete reads after its first byte, or show a change more than
/// `seen_late` reads after it was made. Refusals never lie, and a final read has all of its day.

#include "events/outside.hpp"
#include "kernel/outside.hpp"

#include <array>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace alpha::test {

struct Broken : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// ---- what the log keeps -------------------------------------------------------------------------------------------------

struct Intended {
    OrderId order;
    InstrumentId instrument;
    Side side = Side::buy;
    Qty quantity;
    Date day;
};
struct CancelAsked {
    OrderId order;
};
struct ModifyAsked {
    OrderId order;
    Qty quantity;
};
struct Latched {};
struct Released {};
struct Overdue {
    OrderId order;
};
struct Thawed {
    InstrumentId instrument;
};
struct Started {
    SendStarted started;
    Date day;
};
struct Input {
    Time at;
    std::variant<Intended, CancelAsked, ModifyAsked, Latched, Released, Overdue, Thawed, Started, SendEnded,
                 BrokerOrderSeen, BrokerTradeSeen, BookRead, SessionChange, OrderResolved>
        what;
};

/// The fold, and what the kernel would have made of its facts.
struct Engine {
    static constexpr OrderId kOutside{0};
    using Trade = std::pair<std::string, std::string>;  // the broker's order, and the trade's number of it

    explicit Engine(OutsideRules rules);
    void take(const Input& input);
    bool knows(OrderId order, const std::string& broker_order) const;

    OutsideBook book;
    std::set<Trade> told;                         ///< trades that it was told
    std::map<Trade, OrderId> booked;              ///< and where its facts put them
    std::map<std::string, BrokerOrderSeen> rows;  ///< as last told
    std::map<OrderId, std::map<Send, std::uint8_t>> attempts;
    std::vector<OutsideFact> claims;  ///< conflicts and differences
};

// ---- what is outside of it ----------------------------------------------------------------------------------------------

/// What a row of the book says.
struct Said {
    RowStatus status = RowStatus::open;
    int quantity = 0;
    int filled = 0;
    int price = 0;
    bool has_tag = true;
    friend bool operator==(const Said&, const Said&) = default;
};

struct BrokerOrder {
    std::string id;
    OrderId order{0};  ///< whose tag it bears; 0: none of ours
    std::string tag;
    InstrumentId instrument;
    Side side = Side::buy;
    Date day;
    Time placed_at;
    Said is;
    std::optional<Said> seen;  ///< what its row in the book is yet
    int trades_seen = 0;
    int age = 0;               ///< reads since it changed and was not seen to
    bool is_double = false;    ///< the broker made two of one message
    bool is_touched = false;   ///< another quantity by hand, or a fill after it was cancelled
    bool is_repriced = false;  ///< by hand
    bool has_lost_tag = false;

    bool is_alive() const { return !is_terminal(is.status); }
    bool is_in_sight() const { return seen == is && trades_seen == is.filled; }
};

/// What may be on its way to the broker, or an answer to it on its way back.
struct Message {
    enum class Fate { open, taken, not_taken };
    SendStarted started;
    int quantity = 0;
    int price = 0;
    Fate fate = Fate::open;
    std::string id;  ///< of the order that a place became
    int age = 0;     ///< reads since its first byte
    bool is_answered = false;
    bool may_answer_late = false;
};

/// What the gateway has not begun to send. Gone after a crash.
struct Request {
    SendStarted started;
    int quantity = 0;
    int price = 0;
    std::size_t at = 0;  ///< of its SendStarted in the log
};

/// A read of the book between its beginning and its being told.
struct Read {
    std::vector<std::pair<std::string, Said>> rows;
    std::vector<Engine::Trade> trades;
    Time begun_at;
    Date day;
};

class OutsideWorld {
public:
    explicit OutsideWorld(std::uint64_t seed);

    /// The whole walk of the seed. Throws Broken.
    void walk();
    const std::vector<std::string>& trace() const { return trace_; }

private:
    struct Move {
        const char* name;
        unsigned weight;
        bool is_fault;  ///< happens a few times, and not in every walk
        bool (OutsideWorld::*go)();
    };
    static const std::vector<Move>& moves();

    std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_() % count); }
    bool one_in(std::size_t count) { return below(count) == 0; }
    template <class Range, class Test>
    auto* any(Range& range, Test test);
    const Wire* any_wire(bool (*test)(const Wire&), OrderId& order);
    void say(std::string what);
    void pass(std::int64_t milliseconds) { now_.ns += milliseconds * 1'000'000; }

    void put(decltype(Input::what) what);
    BrokerOrder* find(const std::string& id);
    BrokerOrder& make(OrderId order, InstrumentId instrument, Side side, int quantity, std::string tag);
    void decide(Message& message, bool takes);
    void answer(Message& message, SendOutcome outcome);
    bool withdraw(Request request, SendOutcome outcome);
    void begin(Request request);
    void start(const SendWish& wish);
    void see(BrokerOrder& order);
    bool is_in_flight(OrderId order) const;
    bool is_told(const BrokerOrder& order) const;
    Read read_book();
    void tell(const Read& read, bool is_final);
    bool resolve(OrderId order, Resolution how, const std::string& id);

    // Each says whether it could be done.
    bool intend();
    bool overdue();
    bool strategy_cancels();
    bool strategy_modifies();
    bool starts();
    bool commits();
    bool crashes();
    bool restarts();
    bool comes_up();
    bool goes_down();
    bool holds();
    bool latches();
    bool releases();
    bool first_byte();
    bool not_started();
    bool aged_out();
    bool broker_takes();
    bool broker_refuses();
    bool answers();
    bool answer_lost();
    bool too_many_requests();
    bool answers_late();
    bool moves_on();
    bool fills();
    bool rejects();
    bool hand_cancels();
    bool hand_changes();
    bool hand_reprices();
    bool doubles();
    bool fills_late();
    bool hand_trades();
    bool other_journal();
    bool loses_tag();
    bool finds_tag();
    bool row_seen();
    bool trades_seen();
    bool read_begins();
    bool read_comes();
    bool final_read();
    bool night();
    bool day_over();
    bool resolves();
    bool resolves_wrongly();
    bool tells_wrong_id();
    bool closes();
    bool thaws();

    void check();
    void check_order(OrderId order, const Wire& wire);
    void check_trades();
    void check_claims();
    void check_replay();
    void settle(int rounds);
    void go_quiet();
    void check_books();

    std::mt19937_64 random_;
    int accept_late_ = 1;
    int seen_late_ = 1;
    std::size_t most_orders_ = 1;
    OutsideRules rules_;
    std::vector<int> left_;  ///< how often each move may still happen
    std::vector<unsigned> weights_;
    bool is_quiet_ = false;
    std::vector<std::string> trace_;

    Time now_{1'700'000'000 * kSecondNs};
    Date day_{19'675};
    bool is_closed_ = false;  ///< the day's trading
    unsigned life_ = 0;       ///< of the session

    std::vector<Input> log_;
    std::size_t durable_ = 0;
    Engine engine_;
    OutsideBook at_commit_;
    std::vector<OutsideBook> since_;  ///< after each input that is not durable

    bool is_running_ = false;
    bool is_held_ = false;
    bool is_kill_asked_ = false;
    std::size_t last_release_ = 0;  ///< its place in the log, once durable
    std::vector<Request> outbox_;
    std::map<std::string, Said> reported_;  ///< by the gateway
    std::optional<Read> reading_;

    std::vector<Message> messages_;
    std::vector<BrokerOrder> orders_;

    std::map<OrderId, unsigned> born_;  ///< in which life an order was decided
    std::set<OrderId> sent_;            ///< places of which a first byte left
    std::set<OrderId> misjudged_;       ///< a person said a wrong thing of it
    std::set<OrderId> closed_;          ///< by a person
    std::set<OrderId> doubled_;
    std::set<InstrumentId> thawed_;  ///< by a person
};

}  // namespace alpha::test
