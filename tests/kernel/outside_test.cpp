// The protocol of orders at a broker outside, against what its text says. outside_cells.csv was written from the text alone, before the code was
// read: what a state makes of a word stands there, one line a cell, and where the text leaves it open the fifth column says what and why.

#include "events/order_tag.hpp"
#include "kernel/outside.hpp"
#include "tests/change_names.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace alpha;
using alpha::test::name_of_change;

namespace {

constexpr std::uint32_t kLog = 7;
constexpr OrderId kOrder{1};
constexpr OrderId kNext{2};
constexpr InstrumentId kInstrument{3};
constexpr Date kDay{20'000};
constexpr Date kLater{20'001};
constexpr Time kSent{20'000 * kDayNs + 36'000 * kSecondNs};
constexpr Price kPrice{10 * kScale};

constexpr Duration seconds(std::int64_t count) {
    return Duration{count * kSecondNs};
}

/// Words of the kernel, the gateway, the book and a person, in their order, and what came of them.
struct Story {
    OutsideBook book{kLog};
    OutsideBook::Facts facts;
    Time now = kSent;
    bool is_agreed = false;            ///< what the last call answered
    std::function<void(Story&)> last;  ///< the last word, where it may come twice

    Story() { book.on(SessionChange::up, facts); }

    const Wire& wire(OrderId order = kOrder) const {
        const Wire* found = book.find(order);
        REQUIRE(found != nullptr);
        return *found;
    }
    void intend(OrderId order = kOrder) { book.intend(order, kInstrument, Side::buy, Product::mis, qty_of(100), kDay); }
    void cancel() { book.cancel(kOrder, facts); }
    void modify(std::int64_t quantity) { is_agreed = book.modify(kOrder, qty_of(quantity), facts); }
    void start(Send what, std::uint8_t attempt = 1, const std::string& broker_order = {}) {
        book.on(SendStarted{kOrder, what, attempt, broker_order}, now, kDay);
    }
    void end(Send what, SendOutcome outcome, const std::string& broker_order = {}, std::uint8_t attempt = 1,
             const std::string& text = {}) {
        now = now + seconds(1);
        last = [=](Story& story) {
            story.book.on(SendEnded{kOrder, what, attempt, outcome, broker_order, text}, story.now, story.facts);
        };
        last(*this);
    }
    void row(const BrokerOrderSeen& seen) {
        now = now + seconds(1);
        last = [=](Story& story) { story.book.on(seen, story.facts); };
        last(*this);
    }
    void trade(const std::string& id, std::int64_t quantity, const std::string& broker_order = "B1") {
        last = [=](Story& story) {
            story.book.on(
                BrokerTradeSeen{broker_order, "NSE", id, kInstrument, Side::buy, qty_of(quantity), kPrice, kDay},
                story.facts);
        };
        last(*this);
    }
    void read(Duration from_now, Date day = kDay, bool is_final = false, bool positions_agree = false) {
        const Time begun = now + from_now;
        now = begun + seconds(1);
        read_begun(begun, day, is_final, positions_agree);
    }
    void read_begun(Time begun, Date day = kDay, bool is_final = false, bool positions_agree = false) {
        last = nullptr;
        book.on(BookRead{begun, day, is_final, positions_agree}, now, facts);
    }
    void reads(int count, Duration apart = seconds(10)) {
        for (int i = 0; i < count; ++i) {
            read(apart);
        }
    }
    void read_later_day() { read(Duration{kDayNs}, kLater); }
    void session(SessionChange change) { book.on(change, facts); }
    void latch() { book.latch(facts); }
    void resolve(Resolution how, const std::string& broker_order = {}) {
        is_agreed = book.on(OrderResolved{kOrder, how, broker_order, "ann"}, facts);
    }

    /// As the cells have it; texts as long as `expected` has them.
    std::string told(std::string_view expected) const;
    std::string take(std::string_view expected) {
        std::string result = told(expected);
        facts.clear();
        return result;
    }
    std::string names() const { return told("-"); }
    std::string next(OrderId order = kOrder) const;
    bool wishes(Send what, const std::string& broker_order = {}) const {
        for (const SendWish& wish : book.wishes()) {
            if (wish.order == kOrder && wish.what == what && wish.broker_order == broker_order) {
                return true;
            }
        }
        return false;
    }
};

/// "a(b c) d" is "a(b c)" and "d".
std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    bool is_inside = false;
    for (const char c : text) {
        if (c == ' ' && !is_inside) {
            words.emplace_back();
            continue;
        }
        if (words.empty()) {
            words.emplace_back();
        }
        is_inside = (is_inside || c == '(') && c != ')';
        words.back() += c;
    }
    return words;
}

std::string Story::told(std::string_view expected) const {
    if (facts.empty()) {
        return "-";
    }
    const std::vector<std::string> words = words_of(expected);
    std::string result;
    std::size_t i = 0;
    for (const OutsideFact& fact : facts) {
        if (fact.kind == OutsideFactKind::revived) {
            continue;  // the state says it, and a test of its own
        }
        result += (i == 0 ? "" : " ") + std::string(name_of(fact.kind));
        const std::size_t bracket = i < words.size() ? words[i].find('(') : std::string::npos;
        if (bracket != std::string::npos) {
            result += "(" + fact.text.substr(0, words[i].size() - bracket - 2) + ")";
        }
        ++i;
    }
    return i == 0 ? "-" : result;
}

std::string Story::next(OrderId order) const {
    const Wire& known = wire(order);
    std::string result = name_of(known.state);
    if (known.state == WireState::ended) {
        result += "/" + std::string(name_of(known.end));
    } else if (!known.is_ending) {  // of an order whose row is over nothing is left to change
        if (known.cancel != ChangeState::none) {
            result += std::string(" +cancel ") + name_of_change(known.cancel);
        }
        if (known.modify != ChangeState::none) {
            result += std::string(" +modify ") + name_of_change(known.modify);
        }
    }
    for (const auto& [broker_order, state] : known.others) {
        if (state.cancel != ChangeState::none) {
            result += std::string(" +other cancel ") + name_of_change(state.cancel);
        }
    }
    return result + (book.is_frozen(known.instrument) ? " +frozen" : "");
}

BrokerOrderSeen row_of(RowStatus status, std::int64_t filled = 0, std::int64_t quantity = 100,
                       const std::string& broker_order = "B1") {
    BrokerOrderSeen row;
    row.broker_order = broker_order;
    row.order_tag = to_string(OrderTag{kLog, kOrder});
    row.instrument = kInstrument;
    row.side = Side::buy;
    row.product = Product::mis;
    row.quantity = qty_of(quantity);
    row.filled = qty_of(filled);
    row.price = kPrice;
    row.status = status;
    row.placed_at = kSent;
    return row;
}

/// What the message of an input has to be before it can end.
struct Setup {
    std::uint8_t attempt = 1;
    std::optional<Send> change = std::nullopt;
};

void begin(Story& story, const Setup& setup) {
    story.intend();
    for (std::uint8_t attempt = 1; attempt < setup.attempt; ++attempt) {
        story.start(Send::place, attempt);
        story.end(Send::place, SendOutcome::not_started, {}, attempt);
    }
    story.start(Send::place, setup.attempt);
}
void make_unknown(Story& story, const Setup& setup) {
    begin(story, setup);
    story.end(Send::place, SendOutcome::unknown, {}, setup.attempt);
}
void make_stale(Story& story, const Setup& setup) {
    make_unknown(story, setup);
    story.reads(3, seconds(60));
}
void make_live(Story& story, const Setup& setup) {
    begin(story, setup);
    story.end(Send::place, SendOutcome::acked, "B1", setup.attempt);
    story.row(row_of(RowStatus::open));
    if (setup.change == Send::cancel) {
        story.cancel();
        story.start(Send::cancel, 1, "B1");
    } else if (setup.change == Send::modify) {
        story.modify(150);
        story.start(Send::modify, 1, "B1");
    }
}
void make_stray(Story& story, const Setup& setup) {
    if (setup.change == Send::modify) {  // nothing else makes one stray beside a modify
        make_live(story, setup);
        story.row(row_of(RowStatus::cancelled));
        story.row(row_of(RowStatus::open));
        return;
    }
    make_unknown(story, setup);
    story.resolve(Resolution::not_placed);
    story.row(row_of(RowStatus::open));
    if (setup.change == Send::cancel) {
        story.start(Send::cancel, 1, "B1");
    }
}

struct StateCase {
    const char* name;
    const char* next;
    std::function<void(Story&, const Setup&)> bring;
};
const std::vector<StateCase>& states() {
    static const std::vector<StateCase> all{
        {"held", "held", [](Story& story, const Setup&) { story.intend(); }},
        {"sending", "sending", begin},
        {"doubtful", "doubtful",
         [](Story& story, const Setup& setup) {
             begin(story, setup);
             story.end(Send::place, SendOutcome::doubtful, {}, setup.attempt);
         }},
        {"unknown", "unknown", make_unknown},
        {"stale", "stale", make_stale},
        {"live", "live", make_live},
        {"stray", "stray +cancel wanted", make_stray},
        {"ended not sent", "ended/not_sent",
         [](Story& story, const Setup& setup) {
             begin(story, setup);
             story.end(Send::place, SendOutcome::withheld, {}, setup.attempt, "killed");
         }},
        {"ended refused", "ended/refused",
         [](Story& story, const Setup& setup) {
             begin(story, setup);
             story.end(Send::place, SendOutcome::refused, {}, setup.attempt, "no funds");
         }},
        {"ended filled", "ended/filled",
         [](Story& story, const Setup& setup) {
             make_live(story, setup);
             const std::int64_t quantity = setup.change == Send::modify ? 150 : 100;
             story.trade("T1", quantity);
             story.row(row_of(RowStatus::complete, quantity, quantity));
         }},
        {"ended cancelled", "ended/cancelled",
         [](Story& story, const Setup& setup) {
             make_live(story, setup);
             story.row(row_of(RowStatus::cancelled));
         }},
    };
    return all;
}

struct InputCase {
    std::string name;
    Setup setup;
    std::function<void(Story&)> apply;
};
std::int64_t booked(const Story& story) {
    return story.wire().booked.raw / kScale;
}
std::int64_t total(const Story& story) {
    return story.wire().total().raw / kScale;
}
InputCase place_ends(const char* name, SendOutcome outcome, const std::string& broker_order = {},
                     std::uint8_t attempt = 1) {
    return {name, {attempt}, [=](Story& story) {
                story.end(Send::place, outcome, broker_order, attempt,
                          outcome == SendOutcome::withheld ? "killed" : "");
            }};
}
void add_changes(std::vector<InputCase>& all, Send what, const std::string& name, int reads, const char* then) {
    const std::vector<std::pair<const char*, SendOutcome>> outcomes{{"acked", SendOutcome::acked},
                                                                    {"refused", SendOutcome::refused},
                                                                    {"unknown", SendOutcome::unknown},
                                                                    {"not started", SendOutcome::not_started}};
    for (const auto& [word, outcome] : outcomes) {
        all.push_back({name + " " + word + then, {1, what}, [what, outcome = outcome, reads](Story& story) {
                           story.end(what, outcome, "B1");
                           story.reads(reads);
                       }});
    }
}
std::vector<InputCase> make_inputs() {
    std::vector<InputCase> all{
        place_ends("place acked with its id", SendOutcome::acked, "B1"),
        place_ends("place acked with another id", SendOutcome::acked, "B9"),
        place_ends("place refused", SendOutcome::refused),
        place_ends("place doubtful", SendOutcome::doubtful),
        place_ends("place not started (first attempt)", SendOutcome::not_started),
        place_ends("place not started (third attempt)", SendOutcome::not_started, {}, 3),
        place_ends("place withheld", SendOutcome::withheld),
        place_ends("place unknown", SendOutcome::unknown),
    };
    const auto add = [&all](const char* name, std::function<void(Story&)> apply) {
        all.push_back({name, {}, std::move(apply)});
    };
    add("row open", [](Story& story) { story.row(row_of(RowStatus::open, booked(story))); });
    add("row complete with its trades there", [](Story& story) {
        story.trade("T1", 100);
        story.row(row_of(RowStatus::complete, 100));
    });
    add("row complete with trades missing", [](Story& story) { story.row(row_of(RowStatus::complete, 100)); });
    add("row cancelled", [](Story& story) { story.row(row_of(RowStatus::cancelled, booked(story))); });
    add("row cancelled with a fill that is missing", [](Story& story) {
        const std::int64_t filled = booked(story) + 40;
        story.row(row_of(RowStatus::cancelled, filled, std::max<std::int64_t>(filled, 100)));
    });
    add("row rejected", [](Story& story) { story.row(row_of(RowStatus::rejected, booked(story))); });
    add("row with another quantity", [](Story& story) { story.row(row_of(RowStatus::open, booked(story), 150)); });
    add("row of a second order with its tag", [](Story& story) {
        if (story.wire().broker_order.empty()) {
            story.row(row_of(RowStatus::open));
        }
        story.row(row_of(RowStatus::open, 0, 100, "B2"));
    });
    add("trade of its own order", [](Story& story) { story.trade("T9", 40); });
    add("the same trade again", [](Story& story) {
        story.trade("T9", 40);
        story.trade("T9", 40);
    });
    add("clean read of its own day", [](Story& story) { story.reads(1); });
    add("clean read begun too early", [](Story& story) {
        story.now = story.now + seconds(10);
        story.read_begun(kSent + Duration{kSecondNs / 2});
    });
    add("final read of its own day with positions that agree",
        [](Story& story) { story.read(seconds(21'600), kDay, true, true); });
    add("final read of its own day with positions that differ",
        [](Story& story) { story.read(seconds(21'600), kDay, true, false); });
    add("read of a later day", [](Story& story) { story.read_later_day(); });
    add("three clean reads within two minutes", [](Story& story) { story.reads(3); });
    add("three clean reads over two minutes", [](Story& story) { story.reads(3, seconds(60)); });
    add("three reads over two minutes all begun too early", [](Story& story) {
        for (int i = 0; i < 3; ++i) {
            story.now = story.now + seconds(60);
            story.read_begun(kSent + Duration{kSecondNs / 2});
        }
    });
    add("final read of its own day then a read of a later day", [](Story& story) {
        story.read(seconds(21'600), kDay, true, true);
        story.read_later_day();
    });
    add("row complete with trades missing then three reads", [](Story& story) {
        story.row(row_of(RowStatus::complete, 100));
        story.reads(3);
    });
    add("strategy cancel", [](Story& story) { story.cancel(); });
    add("strategy modify", [](Story& story) { story.modify(150); });
    add("latch", [](Story& story) { story.latch(); });
    add("overdue", [](Story& story) { story.book.overdue(kOrder, story.facts); });
    add("session restarted", [](Story& story) { story.session(SessionChange::restarted); });
    add("session down", [](Story& story) { story.session(SessionChange::down); });
    add("session up", [](Story& story) { story.session(SessionChange::up); });
    add("person says placed with an id nobody has seen", [](Story& story) { story.resolve(Resolution::placed, "B7"); });
    add("person says not placed", [](Story& story) { story.resolve(Resolution::not_placed); });
    add("person says closed", [](Story& story) { story.resolve(Resolution::closed); });
    add("read of a later day then person says closed", [](Story& story) {
        story.read_later_day();
        story.resolve(Resolution::closed);
    });
    for (const auto& [what, name] : {std::pair{Send::cancel, "cancel"}, std::pair{Send::modify, "modify"}}) {
        add_changes(all, what, name, 0, "");
        add_changes(all, what, name, 2, " then two reads");
        add_changes(all, what, name, 3, " then three reads");
    }
    return all;
}
const std::vector<InputCase>& inputs() {
    static const std::vector<InputCase> all = make_inputs();
    return all;
}

struct Cell {
    std::string facts;
    std::string next;
    std::string open;  ///< what the text leaves open
};
using Cells = std::map<std::pair<std::string, std::string>, std::vector<Cell>>;
const Cells& cells() {
    static const Cells all = [] {
        Cells read;
        std::ifstream file(ALPHA_OUTSIDE_CELLS);
        std::string line;
        std::getline(file, line);  // the names of the columns
        while (std::getline(file, line)) {
            std::vector<std::string> columns{""};
            for (const char c : line) {
                if (c == ',' && columns.size() < 5) {
                    columns.emplace_back();
                } else {
                    columns.back() += c;
                }
            }
            columns.resize(5);
            read[{columns[0], columns[1]}].push_back({columns[2], columns[3], columns[4]});
        }
        return read;
    }();
    return all;
}

Story bring(const StateCase& state, const Setup& setup) {
    Story story;
    state.bring(story, setup);
    story.facts.clear();
    story.last = nullptr;
    return story;
}

/// What holds in every state, whatever came.
void check_sound(const Story& story) {
    const Wire& wire = story.wire();
    if (wire.state != WireState::held || !story.book.is_up() || story.book.is_latched() || wire.is_conflict) {
        CHECK_FALSE(story.wishes(Send::place));
    }
    if (!story.book.is_up()) {
        return;
    }
    const bool is_there = wire.state == WireState::live || wire.state == WireState::stray;
    if (is_there && !wire.is_ending && wire.cancel == ChangeState::wanted) {
        CHECK_FALSE(wire.broker_order.empty());
        CHECK(story.wishes(Send::cancel, wire.broker_order));
    }
    for (const auto& [broker_order, state] : wire.others) {
        CHECK(story.wishes(Send::cancel, broker_order) == (state.cancel == ChangeState::wanted));
    }
}

}  // namespace

TEST_CASE("no cell of the order protocol is missing, there twice or of nobody", "[outside]") {
    std::size_t expected = 0;
    for (const StateCase& state : states()) {
        for (const InputCase& input : inputs()) {
            INFO(state.name << ", " << input.name);
            const auto found = cells().find({state.name, input.name});
            CHECK((found == cells().end() ? 0 : found->second.size()) == 1);
            ++expected;
        }
    }
    CHECK(cells().size() == expected);
}

TEST_CASE("a state of the order protocol is not reached by its words", "[outside]") {
    for (const StateCase& state : states()) {
        CHECK(bring(state, {}).next() == state.next);
    }
}

TEST_CASE("a cell of the order protocol is not what its text says", "[outside]") {
    for (const StateCase& state : states()) {
        for (const InputCase& input : inputs()) {
            DYNAMIC_SECTION(state.name << ", " << input.name) {
                const auto found = cells().find({state.name, input.name});
                REQUIRE(found != cells().end());
                const Cell& cell = found->second.front();
                if (cell.facts != "never") {  // a return here would pass over all that follow
                    INFO("open: " << cell.open);
                    Story story = bring(state, input.setup);
                    input.apply(story);
                    CHECK(story.told(cell.facts) == cell.facts);
                    CHECK(story.next() == cell.next);
                    check_sound(story);
                }
            }
        }
    }
}

TEST_CASE("a word that comes twice has two facts", "[outside]") {
    for (const StateCase& state : states()) {
        for (const InputCase& input : inputs()) {
            const auto found = cells().find({state.name, input.name});
            if (found == cells().end() || found->second.front().facts == "never") {
                continue;
            }
            Story story = bring(state, input.setup);
            input.apply(story);
            if (!story.last) {
                continue;
            }
            DYNAMIC_SECTION(state.name << ", " << input.name) {
                const std::string before = story.next();
                story.facts.clear();
                story.last(story);
                CHECK(story.names() == "-");
                CHECK(story.next() == before);
            }
        }
    }
}

TEST_CASE("the same words do not make the same book", "[outside]") {
    for (const StateCase& state : states()) {
        for (const InputCase& input : inputs()) {
            const auto found = cells().find({state.name, input.name});
            if (found == cells().end() || found->second.front().facts == "never") {
                continue;
            }
            Story a = bring(state, input.setup);
            Story b = bring(state, input.setup);
            input.apply(a);
            input.apply(b);
            INFO(state.name << ", " << input.name);
            CHECK(a.book == b.book);
            CHECK(a.facts == b.facts);
        }
    }
}

TEST_CASE("a row that is another by more than its quantity is taken for the order", "[outside]") {
    Story story;
    make_unknown(story, {});
    story.facts.clear();
    BrokerOrderSeen row = row_of(RowStatus::open);
    const auto conflicts = [&story](const BrokerOrderSeen& seen) {
        Story copy = story;
        copy.row(seen);
        return copy.names().find("conflict") != std::string::npos;
    };
    SECTION("as it was sent") {
        CHECK_FALSE(conflicts(row));
    }
    SECTION("side") {
        row.side = Side::sell;
        CHECK(conflicts(row));
    }
    SECTION("instrument") {
        row.instrument = InstrumentId{4};
        CHECK(conflicts(row));
    }
    SECTION("product") {
        row.product = Product::cnc;
        CHECK(conflicts(row));
    }
    SECTION("placed before it was sent, by more than clocks differ") {
        row.placed_at = kSent - seconds(6);
        CHECK(conflicts(row));
    }
    SECTION("placed before it was sent, by no more than clocks differ") {
        row.placed_at = kSent - seconds(5);
        CHECK_FALSE(conflicts(row));
    }
    SECTION("a price that nobody sent, of a protected market order") {
        row.price = Price{11 * kScale};
        row.trigger = Price{9 * kScale};
        CHECK_FALSE(conflicts(row));
    }
    SECTION("another journal's tag") {
        row.order_tag = to_string(OrderTag{kLog + 1, kOrder});
        story.row(row);
        CHECK(story.names() == "-");
        CHECK(story.next() == "unknown");
    }
    SECTION("no tag") {
        row.order_tag = "";
        story.row(row);
        CHECK(story.names() == "-");
        CHECK(story.next() == "unknown");
    }
}

TEST_CASE("what may be sent is not cancels first, then modifies, then orders as they were decided", "[outside]") {
    Story story;
    make_live(story, {});
    story.intend(OrderId{2});
    story.intend(OrderId{3});
    story.intend(OrderId{4});
    story.book.on(SendStarted{OrderId{2}, Send::place, 1, ""}, story.now, kDay);
    story.book.on(SendEnded{OrderId{2}, Send::place, 1, SendOutcome::acked, "B20", ""}, story.now, story.facts);
    CHECK(story.book.modify(kOrder, qty_of(150), story.facts));
    story.book.cancel(OrderId{2}, story.facts);
    const std::vector<SendWish> expected{{OrderId{2}, Send::cancel, "B20"},
                                         {kOrder, Send::modify, "B1"},
                                         {OrderId{3}, Send::place, ""},
                                         {OrderId{4}, Send::place, ""}};
    const bool same = story.book.wishes() == expected;
    CHECK(same);
    SECTION("a cancel makes a modify of the same order needless") {
        story.cancel();
        CHECK(story.wishes(Send::cancel, "B1"));
        CHECK_FALSE(story.wishes(Send::modify, "B1"));
    }
    SECTION("nothing while the session is not up") {
        for (const SessionChange change :
             {SessionChange::restarted, SessionChange::down, SessionChange::login_needed, SessionChange::halted}) {
            Story copy = story;
            copy.session(change);
            CHECK_FALSE(copy.book.is_up());
            for (const SendWish& wish : copy.book.wishes()) {
                CHECK(wish.what == Send::cancel);
            }
            CHECK(copy.next(OrderId{3}) == "ended/not_sent");
        }
    }
    SECTION("neither orders nor modifies while it is latched") {
        story.latch();
        for (const SendWish& wish : story.book.wishes()) {
            CHECK(wish.what == Send::cancel);
        }
        CHECK(story.wishes(Send::cancel, "B1"));
    }
}

TEST_CASE("a conflict leaves the next order free to go", "[outside]") {
    Story story;
    make_unknown(story, {});
    story.intend(kNext);
    story.row(row_of(RowStatus::open, 0, 150));
    for (const SendWish& wish : story.book.wishes()) {
        CHECK(wish.what != Send::place);
    }
}

TEST_CASE("a modify is begun where it cannot be", "[outside]") {
    for (const StateCase& state : states()) {
        INFO(state.name);
        Story story = bring(state, {});
        story.modify(150);
        CHECK(story.is_agreed == (std::string_view(state.name) == "held" || std::string_view(state.name) == "live"));
    }
    Story story;
    make_live(story, {});
    story.cancel();
    story.modify(150);
    CHECK_FALSE(story.is_agreed);
    Story twice;
    make_live(twice, {});
    twice.modify(150);
    twice.modify(160);
    CHECK_FALSE(twice.is_agreed);
}

TEST_CASE("a person is heard where nobody asked", "[outside]") {
    const auto agrees = [](const StateCase& state, Resolution how) {
        Story story = bring(state, {});
        story.resolve(how, how == Resolution::placed ? "B7" : "");
        return story.is_agreed;
    };
    for (const StateCase& state : states()) {
        INFO(state.name);
        const std::string_view name = state.name;
        const bool is_asked = name == "doubtful" || name == "unknown" || name == "stale";
        CHECK(agrees(state, Resolution::placed) == is_asked);
        CHECK(agrees(state, Resolution::not_placed) == is_asked);
        CHECK_FALSE(agrees(state, Resolution::closed));
    }
}

TEST_CASE("trace 1: an order is rejected that the broker takes after too many requests", "[outside]") {
    Story story;
    begin(story, {});
    story.end(Send::place, SendOutcome::doubtful);
    story.read(seconds(6));
    story.read(seconds(1));
    CHECK(story.take("-") == "-");
    CHECK(story.next() == "doubtful");
    SECTION("it was taken after all") {
        story.row(row_of(RowStatus::open));
        CHECK(story.names() == "accepted");
        CHECK(story.next() == "live");
    }
    SECTION("a third read without it") {
        story.read(seconds(1));
        CHECK(story.names() == "rejected");
        CHECK(story.next() == "ended/doubted");
    }
    SECTION("reads begun before it could be seen do not count") {
        Story early;
        begin(early, {});
        early.end(Send::place, SendOutcome::doubtful);
        for (int i = 0; i < 8; ++i) {
            early.read_begun(early.now + Duration{5 * kSecondNs - 1});
        }
        CHECK(early.next() == "doubtful");
        for (int i = 0; i < 3; ++i) {
            early.read_begun(early.now + seconds(5));
        }
        CHECK(early.next() == "ended/doubted");
    }
}

TEST_CASE("trace 2: tomorrow's empty book rejects what was filled today", "[outside]") {
    Story story;
    begin(story, {});
    story.end(Send::place, SendOutcome::doubtful);
    story.read_later_day();
    CHECK(story.take("-") == "outcome_stale");
    CHECK(story.next() == "stale");
    for (int i = 0; i < 5; ++i) {
        story.read(seconds(60), kLater);
    }
    story.read(seconds(21'600), kLater, true, true);
    CHECK(story.names() == "-");
    CHECK(story.next() == "stale");
    SECTION("today's final read does not either") {
        Story unknown;
        make_unknown(unknown, {});
        unknown.read(seconds(86'400), kLater, true, true);
        CHECK(unknown.next().substr(0, 5) != "ended");
    }
    SECTION("of what is unknown a person is asked on the next day") {
        Story unknown;
        make_unknown(unknown, {});
        unknown.facts.clear();
        unknown.read_later_day();
        unknown.read(seconds(60), kLater);
        unknown.read(seconds(60), kLater);
        CHECK(unknown.names() == "outcome_stale");
        CHECK(unknown.next() == "stale");
    }
    SECTION("a person says what it was") {
        story.resolve(Resolution::not_placed);
        CHECK(story.is_agreed);
        CHECK(story.names() == "cancelled");
        CHECK(story.next() == "ended/resolved");
    }
}

TEST_CASE("trace 3: an old place goes out after a latch and a release", "[outside]") {
    Story story;
    begin(story, {});
    story.latch();
    story.book.release();
    CHECK_FALSE(story.wishes(Send::place));
    SECTION("withheld") {
        story.end(Send::place, SendOutcome::withheld, {}, 1, "killed");
        CHECK(story.take("cancelled(not sent: )") == "cancelled(not sent: )");
    }
    SECTION("not started") {
        story.end(Send::place, SendOutcome::not_started);
        CHECK(story.take("cancelled(not sent: )") == "cancelled(not sent: )");
    }
    CHECK(story.next() == "ended/not_sent");
    CHECK_FALSE(story.wishes(Send::place));
    story.session(SessionChange::up);
    CHECK_FALSE(story.wishes(Send::place));
}

TEST_CASE("trace 4: what nobody was sure of when killed is adopted and never cancelled", "[outside]") {
    for (const char* name : {"sending", "doubtful", "unknown", "stale"}) {
        for (const bool is_kill : {true, false}) {
            for (const StateCase& state : states()) {
                if (std::string_view(state.name) != name) {
                    continue;
                }
                DYNAMIC_SECTION(name << (is_kill ? ", killed" : ", cancelled")) {
                    Story story = bring(state, {});
                    if (is_kill) {
                        story.latch();
                    } else {
                        story.cancel();
                    }
                    CHECK(story.wire().cancel == ChangeState::wanted);
                    CHECK(story.book.wishes().empty());
                    story.row(row_of(RowStatus::open));
                    CHECK(story.names() == "accepted");
                    CHECK(story.next() == "live +cancel wanted");
                    CHECK(story.wishes(Send::cancel, "B1"));
                }
            }
        }
    }
}

TEST_CASE("trace 5: a cancel is refused under a kill, and the order stays open", "[outside]") {
    Story story;
    make_live(story, {});
    story.facts.clear();
    SECTION("killed: again and again") {
        story.latch();
        for (std::uint8_t attempt = 1; attempt <= 9; ++attempt) {
            CAPTURE(int{attempt});
            REQUIRE(story.wishes(Send::cancel, "B1"));
            story.start(Send::cancel, attempt, "B1");
            CHECK_FALSE(story.wishes(Send::cancel, "B1"));
            story.end(Send::cancel, SendOutcome::refused, "B1", attempt);
            story.reads(1);
            CHECK(story.next() == "live +cancel wanted");
        }
    }
    SECTION("in a conflict: again and again") {
        story.row(row_of(RowStatus::open, 0, 100, "B2"));
        for (std::uint8_t attempt = 1; attempt <= 9; ++attempt) {
            REQUIRE(story.wishes(Send::cancel, "B1"));
            story.start(Send::cancel, attempt, "B1");
            story.end(Send::cancel, SendOutcome::refused, "B1", attempt);
            story.reads(1);
        }
        CHECK(story.wishes(Send::cancel, "B1"));
        CHECK(story.wishes(Send::cancel, "B2"));
    }
    SECTION("by a strategy: it is told") {
        story.cancel();
        story.start(Send::cancel, 1, "B1");
        story.end(Send::cancel, SendOutcome::refused, "B1");
        CHECK(story.names() == "-");
        story.reads(1);
        CHECK(story.names() == "cancel_rejected");
        CHECK(story.next() == "live");
    }
    SECTION("by a strategy, taken and without effect: five times") {
        story.cancel();
        for (std::uint8_t attempt = 1; attempt <= 5; ++attempt) {
            REQUIRE(story.wishes(Send::cancel, "B1"));
            story.start(Send::cancel, attempt, "B1");
            story.end(Send::cancel, SendOutcome::acked, "B1", attempt);
            story.reads(3);
        }
        CHECK_FALSE(story.wishes(Send::cancel, "B1"));
        CHECK(story.names() == "cancel_rejected");
        CHECK(story.next() == "live");
    }
    SECTION("a read begun before the cancel could be seen says nothing") {
        story.cancel();
        story.start(Send::cancel, 1, "B1");
        story.end(Send::cancel, SendOutcome::acked, "B1");
        story.read_begun(story.now + Duration{5 * kSecondNs - 1});
        CHECK(story.next() == "live +cancel acked");
    }
}

TEST_CASE("trace 6: a cancel or a modify that was not sent is forgotten", "[outside]") {
    for (const SendOutcome outcome : {SendOutcome::not_started, SendOutcome::doubtful, SendOutcome::withheld}) {
        DYNAMIC_SECTION("cancel " << name_of(outcome)) {
            Story story;
            make_live(story, {1, Send::cancel});
            story.end(Send::cancel, outcome, "B1");
            CHECK(story.next() == "live +cancel wanted");
            CHECK(story.wishes(Send::cancel, "B1"));
        }
        DYNAMIC_SECTION("modify " << name_of(outcome)) {
            const bool is_again = outcome == SendOutcome::not_started;
            Story story;
            make_live(story, {1, Send::modify});
            story.end(Send::modify, outcome, "B1");
            CHECK(story.next() == (is_again ? "live +modify wanted" : "live +modify unknown"));
            CHECK(story.wishes(Send::modify, "B1") == is_again);
        }
    }
    for (const Send what : {Send::cancel, Send::modify}) {
        DYNAMIC_SECTION("restarted while on its way: " << name_of(what)) {
            Story story;
            make_live(story, {1, what});
            story.session(SessionChange::restarted);
            story.session(SessionChange::up);
            CHECK(story.next() == (what == Send::cancel ? "live +cancel unknown" : "live +modify unknown"));
            CHECK_FALSE(story.wishes(what, "B1"));
        }
    }
}

TEST_CASE("trace 7: a row that is over when it is first seen never ends its order", "[outside]") {
    Story story;
    make_unknown(story, {});
    story.facts.clear();
    SECTION("cancelled") {
        story.row(row_of(RowStatus::cancelled));
        CHECK(story.names() == "accepted cancelled");
        CHECK(story.next() == "ended/cancelled");
    }
    SECTION("rejected") {
        story.row(row_of(RowStatus::rejected));
        CHECK(story.names() == "accepted rejected");
        CHECK(story.next() == "ended/rejected");
    }
    SECTION("complete, its trades before it") {
        story.trade("T1", 60);
        story.trade("T2", 40);
        story.row(row_of(RowStatus::complete, 100));
        CHECK(story.names() == "accepted filled filled");
        CHECK(story.next() == "ended/filled");
    }
    SECTION("complete, its trades behind it") {
        story.row(row_of(RowStatus::complete, 100));
        story.trade("T1", 60);
        CHECK(story.next() == "live");
        story.trade("T2", 40);
        CHECK(story.names() == "accepted filled filled");
        CHECK(story.next() == "ended/filled");
    }
    SECTION("cancelled after a fill that comes behind it") {
        story.row(row_of(RowStatus::cancelled, 40));
        CHECK(story.names() == "accepted");
        story.trade("T1", 40);
        CHECK(story.names() == "accepted filled cancelled");
        CHECK(story.next() == "ended/cancelled");
    }
}

TEST_CASE("trace 8: an order changed by hand before it was seen is lost sight of", "[outside]") {
    Story story;
    make_unknown(story, {});
    story.facts.clear();
    story.row(row_of(RowStatus::open, 0, 150));
    CHECK(story.names().find("conflict") != std::string::npos);
    CHECK(story.next() == "live +cancel wanted");
    CHECK(story.wire().broker_order == "B1");
    CHECK(total(story) == 150);
    CHECK(story.wishes(Send::cancel, "B1"));
    story.latch();
    CHECK(story.wishes(Send::cancel, "B1"));
    story.facts.clear();
    story.trade("T1", 100);
    CHECK(story.names() == "filled");
    CHECK(story.wire().is_reserved());
    story.row(row_of(RowStatus::cancelled, 100, 150));
    CHECK(story.names() == "filled cancelled");
    CHECK(story.next() == "ended/cancelled");
}

TEST_CASE("trace 8: a row that is not open yet has terms nobody follows", "[outside]") {
    Story story;
    make_unknown(story, {});
    story.row(row_of(RowStatus::pending, 0, 150));
    CHECK(story.next() == "live +cancel wanted");
    CHECK(total(story) == 150);
    story.trade("T1", 100);
    CHECK(story.wire().is_reserved());
}

TEST_CASE("trace 9: a second order with the tag stays alive, or ends the first", "[outside]") {
    Story story;
    make_live(story, {});
    story.facts.clear();
    story.row(row_of(RowStatus::open, 0, 100, "B2"));
    CHECK(story.take("-") == "conflict");
    CHECK(story.wishes(Send::cancel, "B1"));
    CHECK(story.wishes(Send::cancel, "B2"));
    SECTION("its trades do not count as the order's") {
        story.trade("T1", 100, "B2");
        CHECK(booked(story) == 0);
        CHECK(story.wire().is_reserved());
        CHECK(story.wire().state == WireState::live);
        CHECK(story.facts.size() == 1);
    }
    SECTION("each is cancelled until it is over") {
        story.row(row_of(RowStatus::cancelled));
        CHECK(story.names() == "cancelled");
        CHECK(story.wire().end == WireEnd::cancelled);
        CHECK(story.wishes(Send::cancel, "B2"));
        CHECK_FALSE(story.wishes(Send::cancel, "B1"));
        story.start(Send::cancel, 1, "B2");
        CHECK_FALSE(story.wishes(Send::cancel, "B2"));
        story.end(Send::cancel, SendOutcome::refused, "B2");
        story.reads(3);
        CHECK(story.wishes(Send::cancel, "B2"));
        story.row(row_of(RowStatus::cancelled, 0, 100, "B2"));
        CHECK_FALSE(story.wishes(Send::cancel, "B2"));
        CHECK(story.names() == "cancelled");
    }
    SECTION("the cancel of the second is not the first's") {
        story.start(Send::cancel, 1, "B2");
        CHECK(story.wishes(Send::cancel, "B1"));
        story.end(Send::cancel, SendOutcome::acked, "B2");
        CHECK(story.wishes(Send::cancel, "B1"));
        story.row(row_of(RowStatus::cancelled, 0, 100, "B2"));
        CHECK(story.wire().state == WireState::live);
        CHECK(story.wishes(Send::cancel, "B1"));
    }
    SECTION("a third one") {
        story.row(row_of(RowStatus::open, 0, 100, "B3"));
        CHECK(story.names() == "conflict");
        CHECK(story.wishes(Send::cancel, "B3"));
    }
    SECTION("a second one that is over already") {
        Story over;
        make_live(over, {});
        over.facts.clear();
        over.row(row_of(RowStatus::cancelled, 0, 100, "B2"));
        CHECK(over.names() == "conflict");
        CHECK_FALSE(over.wishes(Send::cancel, "B2"));
    }
}

TEST_CASE("trace 10: filled to the old quantity while a larger one is on its way", "[outside]") {
    Story story;
    make_live(story, {1, Send::modify});
    story.facts.clear();
    CHECK(total(story) == 150);
    story.trade("T1", 100);
    CHECK(story.take("-") == "filled");
    CHECK(story.wire().state == WireState::live);
    SECTION("it took effect") {
        story.end(Send::modify, SendOutcome::acked, "B1");
        story.row(row_of(RowStatus::open, 100, 150));
        CHECK(story.take("-") == "modified");
        CHECK(story.next() == "live");
        story.trade("T2", 50);
        CHECK(story.next() == "ended/filled");
    }
    SECTION("it was refused") {
        story.end(Send::modify, SendOutcome::refused, "B1");
        story.reads(1);
        CHECK(story.names() == "modify_rejected");
        CHECK(story.next() == "ended/filled");
    }
    SECTION("nobody knows, and the row stays as it was") {
        story.end(Send::modify, SendOutcome::unknown, "B1");
        story.reads(3);
        CHECK(story.names() == "modify_rejected");
        CHECK(story.next() == "ended/filled");
    }
    SECTION("its row changes in another way before it can be seen") {
        BrokerOrderSeen row = row_of(RowStatus::open, 100);
        row.price = Price{11 * kScale};
        story.row(row);
        CHECK(story.wire().is_reserved());
        CHECK(total(story) == 150);
    }
    SECTION("the row is complete with the old quantity") {
        story.row(row_of(RowStatus::complete, 100, 100));
        story.end(Send::modify, SendOutcome::refused, "B1");
        story.reads(3);
        CHECK(story.next() == "ended/filled");
    }
}

TEST_CASE("trace 11: a modify is rejected because its row lagged", "[outside]") {
    for (const SendOutcome outcome : {SendOutcome::acked, SendOutcome::unknown}) {
        DYNAMIC_SECTION(name_of(outcome)) {
            Story story;
            make_live(story, {1, Send::modify});
            story.facts.clear();
            story.end(Send::modify, outcome, "B1");
            for (int i = 0; i < 5; ++i) {  // too early to say anything
                story.read_begun(story.now + Duration{5 * kSecondNs - 1});
            }
            story.reads(2);
            CHECK(story.names() == "-");
            CHECK(story.next().substr(0, 13) == "live +modify ");
            Story late = story;
            late.row(row_of(RowStatus::open, 0, 150));
            CHECK(late.names() == "modified");
            CHECK(late.facts.front().quantity.raw == 150 * kScale);
            CHECK(late.next() == "live");
            CHECK(total(late) == 150);
            story.reads(1);
            CHECK(story.names() == "modify_rejected");
            CHECK(story.next() == "live");
            CHECK(total(story) == 100);
        }
    }
    SECTION("its row comes before its end") {
        Story story;
        make_live(story, {1, Send::modify});
        story.facts.clear();
        story.row(row_of(RowStatus::open, 0, 150));
        story.end(Send::modify, SendOutcome::acked, "B1");
        story.reads(3);
        CHECK(story.names() == "modified");
        CHECK(story.next() == "live");
        CHECK(total(story) == 150);
    }
}

TEST_CASE("trace 12: never placed, a person said, and its row appears", "[outside]") {
    for (const SendOutcome outcome : {SendOutcome::doubtful, SendOutcome::unknown}) {
        DYNAMIC_SECTION(name_of(outcome)) {
            Story story;
            begin(story, {});
            story.end(Send::place, outcome);
            story.resolve(Resolution::not_placed);
            story.facts.clear();
            CHECK_FALSE(story.wire().is_reserved());
            story.latch();
            story.row(row_of(RowStatus::open));
            CHECK(story.take("-") == "conflict accepted");
            CHECK(story.next() == "stray +cancel wanted");
            CHECK(story.wire().is_reserved());
            CHECK(story.wishes(Send::cancel, "B1"));
            story.trade("T1", 40);
            story.row(row_of(RowStatus::cancelled, 40));
            CHECK(story.names() == "filled cancelled");
            CHECK(story.next() == "ended/cancelled");
        }
    }
}

TEST_CASE("trace 13: an order's trade is seen before its row", "[outside]") {
    Story story;
    make_unknown(story, {});
    story.facts.clear();
    story.trade("T1", 40);
    SECTION("it waits for the row") {
        story.reads(1);
        CHECK(story.names() == "-");
        story.row(row_of(RowStatus::open, 40));
        CHECK(story.names() == "accepted filled");
        CHECK(booked(story) == 40);
    }
    SECTION("it waits for the answer") {
        story.end(Send::place, SendOutcome::acked, "B1");
        CHECK(story.names() == "accepted filled");
    }
    SECTION("it waits for the answer of what was over here, and ends it") {
        story = Story{};
        begin(story, {});
        story.end(Send::place, SendOutcome::refused);
        story.trade("T1", 100);
        story.facts.clear();
        story.end(Send::place, SendOutcome::acked, "B1");
        CHECK(story.names() == "conflict accepted filled");
        CHECK(story.next() == "ended/filled");
    }
    SECTION("the day is over: nobody's, and counted") {
        story.read_later_day();
        CHECK(story.names().find("outside_filled") != std::string::npos);
        CHECK(booked(story) == 0);
    }
    SECTION("booked outside, because its row came without a tag, and moved") {
        BrokerOrderSeen untagged = row_of(RowStatus::open, 40);
        untagged.order_tag = "";
        story.row(untagged);
        story.reads(1);
        CHECK(story.take("-") == "outside_filled");
        story.row(row_of(RowStatus::open, 40));
        CHECK(story.take("-") == "accepted moved");
        CHECK(booked(story) == 40);
        story.trade("T1", 40);
        CHECK(story.names() == "-");
    }
    SECTION("a stranger's is booked outside") {
        story.trade("T7", 10, "S1");
        BrokerOrderSeen stranger = row_of(RowStatus::complete, 10, 10, "S1");
        stranger.order_tag = "mine";
        story.row(stranger);
        story.reads(1);
        CHECK(story.names() == "outside_filled");
        CHECK(story.facts.front().order == OrderId{0});
    }
}

TEST_CASE("trace 14: what was alive when last seen expires because the day is over", "[outside]") {
    Story story;
    make_live(story, {});
    story.facts.clear();
    SECTION("its end was not read") {
        story.read_later_day();
        CHECK(story.names() == "differs");
        CHECK(story.facts.front().freezes);
        CHECK(story.next() == "live +frozen");
        story.read(seconds(60), kLater);
        story.read(seconds(21'600), kLater, true, true);
        CHECK(story.names() == "differs");
        CHECK(story.wire().is_reserved());
    }
    SECTION("its end was read") {
        story.read(seconds(21'600), kDay, true, true);
        story.read_later_day();
        CHECK(story.names() == "expired");
        CHECK(story.next() == "ended/expired");
    }
    SECTION("its end was read, and fills are missing") {
        story.row(row_of(RowStatus::open, 40));
        story.read(seconds(21'600), kDay, true, false);
        story.read_later_day();
        CHECK(story.names() == "differs");
        CHECK(story.next() == "live +frozen");
    }
}

TEST_CASE("trace 15: nothing ends an order that is missing, or whose fills are", "[outside]") {
    Story story;
    make_live(story, {});
    SECTION("the order") {
        story.read_later_day();
    }
    SECTION("fills") {
        story.row(row_of(RowStatus::complete, 100));
        story.reads(3);
    }
    SECTION("the fills of one that strayed") {
        story = Story{};
        make_stray(story, {});
        story.row(row_of(RowStatus::cancelled, 40));
        story.reads(3);
    }
    CHECK(story.wire().is_reserved());
    CHECK(story.wire().is_missing);
    story.facts.clear();
    story.resolve(Resolution::closed);
    CHECK(story.is_agreed);
    CHECK(story.names() == "differs cancelled");
    CHECK(story.next() == "ended/closed +frozen");
    story.facts.clear();
    story.trade("T1", 40);  // from a file of trades
    CHECK(story.names() == "filled");
    story.book.thaw(kInstrument);
    CHECK_FALSE(story.book.is_frozen(kInstrument));
}

TEST_CASE("trace 16: filled, and its row is still open because somebody made it larger", "[outside]") {
    Story story;
    make_live(story, {});
    story.trade("T1", 100);
    CHECK(story.next() == "ended/filled");
    story.facts.clear();
    SECTION("open") {
        story.row(row_of(RowStatus::open, 100, 150));
        CHECK(story.take("-") == "differs differs modified");
        CHECK(story.wire().state == WireState::stray);
        CHECK(total(story) == 150);
        CHECK(story.wishes(Send::cancel, "B1"));
        story.trade("T2", 50);
        CHECK(story.names() == "filled");
        CHECK(story.wire().end == WireEnd::filled);
    }
    SECTION("over, with more filled than was booked") {
        story.row(row_of(RowStatus::complete, 150, 150));
        CHECK(story.take("-") == "differs differs modified");
        CHECK(story.wire().state == WireState::stray);
        story.trade("T2", 50);
        CHECK(story.names() == "filled");
        CHECK(story.wire().end == WireEnd::filled);
    }
    SECTION("over, as it should be") {
        story.row(row_of(RowStatus::complete, 100));
        CHECK(story.names() == "-");
        CHECK(story.next() == "ended/filled");
    }
    // Rows are read before trades: of one read the row may be behind.
    SECTION("open with less filled than was booked, and no larger than it was") {
        story.row(row_of(RowStatus::open, 40));
        CHECK(story.names() == "-");
        CHECK(story.next() == "ended/filled");
    }
}

TEST_CASE("trace 17: a person takes a stranger's order for ours", "[outside]") {
    Story story;
    make_unknown(story, {});
    story.facts.clear();
    BrokerOrderSeen stranger = row_of(RowStatus::open, 0, 100, "S1");
    stranger.order_tag = "";
    SECTION("with another tag") {
        stranger.order_tag = to_string(OrderTag{kLog + 1, kOrder});
        story.row(stranger);
        story.resolve(Resolution::placed, "S1");
        CHECK_FALSE(story.is_agreed);
    }
    SECTION("with a person's word for a tag") {
        stranger.order_tag = "mine";
        story.row(stranger);
        story.resolve(Resolution::placed, "S1");
        CHECK_FALSE(story.is_agreed);
    }
    SECTION("of another quantity") {
        stranger.quantity = qty_of(10);
        story.row(stranger);
        story.resolve(Resolution::placed, "S1");
        CHECK_FALSE(story.is_agreed);
    }
    SECTION("placed before ours was sent") {
        stranger.placed_at = kSent - seconds(60);
        story.row(stranger);
        story.resolve(Resolution::placed, "S1");
        CHECK_FALSE(story.is_agreed);
    }
    SECTION("booked outside") {
        story.trade("T1", 40, "S1");
        story.row(stranger);
        story.reads(1);
        CHECK(story.take("-") == "outside_filled");
        story.resolve(Resolution::placed, "S1");
        CHECK_FALSE(story.is_agreed);
    }
    SECTION("that is another of our own") {
        story.intend(kNext);
        story.book.on(SendStarted{kNext, Send::place, 1, ""}, story.now, kDay);
        story.book.on(SendEnded{kNext, Send::place, 1, SendOutcome::acked, "S1", ""}, story.now, story.facts);
        story.facts.clear();
        story.resolve(Resolution::placed, "S1");
        CHECK_FALSE(story.is_agreed);
    }
    SECTION("that another order was said to be") {
        story.intend(kNext);
        story.book.on(SendStarted{kNext, Send::place, 1, ""}, story.now, kDay);
        story.book.on(SendEnded{kNext, Send::place, 1, SendOutcome::unknown, "", ""}, story.now, story.facts);
        CHECK(story.book.on(OrderResolved{kNext, Resolution::placed, "S1", "ann"}, story.facts));
        story.facts.clear();
        story.resolve(Resolution::placed, "S1");
        CHECK_FALSE(story.is_agreed);
    }
    SECTION("without naming one") {
        story.resolve(Resolution::placed);
        CHECK_FALSE(story.is_agreed);
    }
    CHECK(story.names() == "-");
    CHECK(story.next().substr(0, story.next().find(" +frozen")) == "unknown");
}

TEST_CASE("trace 17: a person names the right order, and nothing comes of it", "[outside]") {
    Story story;
    make_unknown(story, {});
    story.facts.clear();
    BrokerOrderSeen untagged = row_of(RowStatus::open);
    untagged.order_tag = "";
    SECTION("one that was seen: the gateway tells it again") {
        story.row(untagged);
        CHECK(story.names() == "-");
        story.resolve(Resolution::placed, "B1");
        CHECK(story.is_agreed);
        story.row(untagged);  // whether it was taken before this is not said
        CHECK(story.names() == "accepted");
        CHECK(story.next() == "live");
    }
    SECTION("one that nobody has seen yet") {
        story.resolve(Resolution::placed, "B1");
        CHECK(story.is_agreed);
        CHECK(story.names() == "-");
        story.row(untagged);
        CHECK(story.names() == "accepted");
        CHECK(story.next() == "live");
    }
    SECTION("one that turns out to be another journal's") {
        story.resolve(Resolution::placed, "S1");
        BrokerOrderSeen stranger = row_of(RowStatus::open, 0, 100, "S1");
        stranger.order_tag = to_string(OrderTag{kLog + 1, kOrder});
        story.row(stranger);
        CHECK(story.next() == "unknown");
        CHECK(story.wire().broker_order.empty());
    }
    SECTION("one that turns out to be of another quantity") {
        story.resolve(Resolution::placed, "S1");
        BrokerOrderSeen stranger = row_of(RowStatus::open, 0, 10, "S1");
        stranger.order_tag = "";
        story.row(stranger);
        CHECK(story.next() == "unknown");
        CHECK(story.wire().broker_order.empty());
    }
    SECTION("one that turns out to be another of our own") {
        story.intend(kNext);
        story.book.on(SendStarted{kNext, Send::place, 1, ""}, story.now, kDay);
        story.resolve(Resolution::placed, "S1");
        BrokerOrderSeen next = row_of(RowStatus::open, 0, 100, "S1");
        next.order_tag = to_string(OrderTag{kLog, kNext});
        story.row(next);
        CHECK(story.next() == "unknown");
        CHECK(story.next(kNext) == "live");
    }
    SECTION("one that was the wrong one: our own row comes with other terms") {
        story.resolve(Resolution::placed, "S1");
        story.row(row_of(RowStatus::open, 0, 150));
        CHECK(story.names().find("conflict") != std::string::npos);
        CHECK(story.next() == "live +cancel wanted");
    }
}

TEST_CASE("an order is live under an id that nobody gave", "[outside]") {
    Story story;
    begin(story, {});
    story.end(Send::place, SendOutcome::acked);
    CHECK(story.next() == "unknown");
    story.facts.clear();
    story.row(row_of(RowStatus::open));
    CHECK(story.names() == "accepted");
    CHECK(story.wire().broker_order == "B1");
}

TEST_CASE("a read that was begun before a change was refused says that it was", "[outside]") {
    for (const Send what : {Send::cancel, Send::modify}) {
        DYNAMIC_SECTION(name_of(what)) {
            Story story;
            make_live(story, {1, what});
            story.facts.clear();
            const Time before = story.now;
            story.end(what, SendOutcome::refused, "B1");
            story.read_begun(before);
            CHECK(story.names() == "-");
            story.reads(1);
            CHECK(story.names() == (what == Send::cancel ? "cancel_rejected" : "modify_rejected"));
        }
    }
}

TEST_CASE("the cancel of a second order is sent again before it can be seen", "[outside]") {
    Story story;
    make_live(story, {});
    story.row(row_of(RowStatus::open, 0, 100, "B2"));
    story.start(Send::cancel, 1, "B2");
    story.end(Send::cancel, SendOutcome::acked, "B2");
    story.read_begun(story.now + Duration{5 * kSecondNs - 1});
    CHECK_FALSE(story.wishes(Send::cancel, "B2"));
    story.reads(1);
    CHECK(story.wishes(Send::cancel, "B2"));
}

TEST_CASE("a read of an earlier day is taken for a later one", "[outside]") {
    for (const StateCase& state : states()) {
        DYNAMIC_SECTION(state.name) {
            Story story = bring(state, {});
            const std::string before = story.next();
            story.read(seconds(10), Date{kDay.days - 1}, true, true);
            CHECK(story.names() == "-");
            CHECK(story.next() == before);
        }
    }
}

TEST_CASE("a final read that was begun before an order was sent says what became of it", "[outside]") {
    Story story;
    make_unknown(story, {});
    story.facts.clear();
    story.read_begun(kSent - seconds(1), kDay, true, true);
    CHECK(story.names() == "-");
    CHECK(story.next() == "unknown");
    Story live;
    make_live(live, {});
    live.facts.clear();
    live.read_begun(kSent - seconds(1), kDay, true, true);
    live.read_later_day();
    CHECK(live.names() == "differs");
    CHECK(live.next() == "live +frozen");
}

TEST_CASE("an order leaves while the books are compared", "[outside]") {
    Story story;
    story.session(SessionChange::reconciling);
    story.intend();
    CHECK(story.next() == "held");
    CHECK_FALSE(story.wishes(Send::place));
    story.session(SessionChange::up);
    CHECK(story.wishes(Send::place));
}

TEST_CASE("the broker's reason is lost where a trade comes behind its row", "[outside]") {
    for (const RowStatus status : {RowStatus::cancelled, RowStatus::rejected}) {
        Story story;
        make_live(story, {});
        BrokerOrderSeen row = row_of(status, 40);
        row.text = "by the exchange";
        story.row(row);
        story.facts.clear();
        story.trade("T1", 40);
        REQUIRE(story.facts.size() == 2);
        CHECK(story.facts.back().text == "by the exchange");
    }
}

TEST_CASE("a row of a live order is not what 2.5 says", "[outside]") {
    Story story;
    make_live(story, {});
    story.facts.clear();
    SECTION("its fills are not booked from it") {
        story.row(row_of(RowStatus::open, 40));
        CHECK(story.names() == "-");
        CHECK(booked(story) == 0);
    }
    SECTION("a word that nobody knows is pending") {
        story.row(row_of(RowStatus::pending));
        CHECK(story.names() == "-");
        CHECK(story.next() == "live");
    }
    SECTION("a price changed by hand is noted, and its terms follow") {
        BrokerOrderSeen row = row_of(RowStatus::open);
        row.price = Price{11 * kScale};
        story.row(row);
        CHECK(story.names() == "differs modified");
        CHECK_FALSE(story.facts.front().freezes);
        CHECK(story.facts.back().price == row.price);
        CHECK(story.facts.back().quantity == qty_of(100));
    }
    SECTION("a stop is triggered once") {
        story.row(row_of(RowStatus::trigger_pending));
        CHECK(story.take("-") == "-");
        story.row(row_of(RowStatus::open));
        CHECK(story.take("-") == "triggered");
        story.row(row_of(RowStatus::open, 40));
        CHECK(story.names() == "-");
    }
    SECTION("one trade's number at another exchange, or of another order, is another trade") {
        const auto tell = [&story](const char* exchange) {
            story.book.on(BrokerTradeSeen{"B1", exchange, "T1", kInstrument, Side::buy, qty_of(10), kPrice, kDay},
                          story.facts);
        };
        tell("NSE");
        tell("NSE");
        tell("BSE");
        CHECK(story.names() == "filled filled");
        CHECK(booked(story) == 20);
    }
    SECTION("filled is not the same as over while more is on its way") {
        story.row(row_of(RowStatus::complete, 100));
        story.trade("T1", 60);
        story.reads(2);
        CHECK(story.next() == "live");
        story.trade("T2", 40);
        CHECK(story.names() == "filled filled");
        CHECK(story.next() == "ended/filled");
    }
}

TEST_CASE("who asked for more waits for it after the order is complete", "[outside]") {
    Story story;
    story.intend();
    story.start(Send::place);
    story.end(Send::place, SendOutcome::acked, "B1");
    story.modify(150);
    story.start(Send::modify, 1, "B1");
    story.end(Send::modify, SendOutcome::unknown, "B1");
    story.trade("T1", 100);
    story.take("-");
    story.row(row_of(RowStatus::complete, 100));
    CHECK(story.wire().state == WireState::ended);
    CHECK(story.names() == "modify_rejected");
}

TEST_CASE("an order that was made smaller by hand waits for more than it is", "[outside]") {
    Story story;
    story.intend();
    story.start(Send::place);
    story.end(Send::place, SendOutcome::acked, "B1");
    story.row(row_of(RowStatus::open, 0, 80));
    CHECK(story.wire().total() == qty_of(80));
    story.trade("T1", 80);
    CHECK(story.wire().state == WireState::ended);
}

TEST_CASE("an order that waited for a change alone is alive when that is not sent", "[outside]") {
    Story story;
    story.intend();
    story.start(Send::place);
    story.end(Send::place, SendOutcome::acked, "B1");
    story.modify(150);
    story.trade("T1", 100);
    CHECK(story.wire().state == WireState::live);
    story.session(SessionChange::down);
    CHECK(story.wire().state == WireState::ended);
}

TEST_CASE("a row of before its last fill revives an order", "[outside]") {
    Story story;
    story.intend();
    story.start(Send::place);
    story.end(Send::place, SendOutcome::acked, "B1");
    story.row(row_of(RowStatus::cancelled));
    story.trade("T1", 100);  // the exchange told of it late
    story.take("-");
    story.row(row_of(RowStatus::open));
    CHECK(story.wire().state == WireState::ended);
    CHECK(story.facts.empty());
}

TEST_CASE("an order's tag does not come back as it went", "[order_tag]") {
    for (const std::uint32_t log : {0U, 1U, 31U, 32U, 12'345'678U, kMaxLogNumber - 1, kMaxLogNumber}) {
        for (std::uint64_t order :
             {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{31}, std::uint64_t{32}, std::uint64_t{65'536},
              std::uint64_t{1} << 32U, std::uint64_t{1} << 49U, kMaxTaggedOrder - 1, kMaxTaggedOrder}) {
            const OrderTag tag{log, OrderId{order}};
            const std::string text = to_string(tag);
            CAPTURE(text);
            CHECK(text.size() == 20);
            CHECK(text.front() == 'A');
            CHECK(std::all_of(text.begin(), text.end(), [](char c) {
                return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
            }));
            const bool same = parse_order_tag(text) == tag;
            CHECK(same);
        }
    }
    for (unsigned bit = 0; bit < 50; ++bit) {
        const OrderTag tag{kLog, OrderId{std::uint64_t{1} << bit}};
        const bool same = parse_order_tag(to_string(tag)) == tag;
        CHECK(same);
    }
}

TEST_CASE("a tag with one character changed is read", "[order_tag]") {
    for (const OrderTag& tag :
         {OrderTag{0, OrderId{0}}, OrderTag{kLog, kOrder}, OrderTag{kMaxLogNumber, OrderId{kMaxTaggedOrder}},
          OrderTag{987'654'321, OrderId{1'234'567'890'123}}}) {
        const std::string text = to_string(tag);
        for (std::size_t at = 0; at < text.size(); ++at) {
            for (int c = 0; c < 256; ++c) {
                std::string changed = text;
                changed[at] = static_cast<char>(c);
                if (changed == text) {
                    continue;
                }
                if (parse_order_tag(changed)) {
                    FAIL_CHECK(text << " was " << changed);
                }
            }
        }
        for (std::size_t at = 0; at + 1 < text.size(); ++at) {
            std::string swapped = text;
            std::swap(swapped[at], swapped[at + 1]);
            if (swapped != text && parse_order_tag(swapped)) {
                FAIL_CHECK(text << " was " << swapped);
            }
        }
        CHECK_FALSE(parse_order_tag(text.substr(0, 19)));
        CHECK_FALSE(parse_order_tag(text + "0"));
        CHECK_FALSE(parse_order_tag(" " + text));
    }
}

TEST_CASE("two logs have a tag in common", "[order_tag]") {
    std::map<std::string, std::pair<std::uint32_t, std::uint64_t>> seen;
    for (const std::uint32_t log : {0U, 1U, 2U, 32U, 1U << 29U, kMaxLogNumber}) {
        for (std::uint64_t order = 1; order <= 200; ++order) {
            const bool is_new = seen.try_emplace(to_string(OrderTag{log, OrderId{order}}), log, order).second;
            CHECK(is_new);
        }
    }
}

TEST_CASE("a person's own word is taken for a tag", "[order_tag]") {
    for (const std::string_view text :
         {"", "A", "mine", "alpha", "square_off", "AAAAAAAAAAAAAAAAAAAA", "A0000000000000000001",
          "ABCDEFGHJKMNPQRSTVWX", "BUYTHEDIPBUYTHEDIPBU", "A1234567890123456789", "                    "}) {
        CAPTURE(text);
        CHECK_FALSE(parse_order_tag(text));
    }
}
