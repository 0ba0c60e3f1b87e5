/// Each script in scenarios/faults, read and done to a simulated Kite.

#include "config/fault_script.hpp"
#include "tests/zerodha/kite.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

using namespace alpha;
using namespace alpha::kite;

namespace {

const std::filesystem::path kFolder = std::filesystem::path(ALPHA_SOURCE) / "scenarios/faults";

PlaceOrder tagged(const char* tag = "T1") {
    return limit(Side::buy, 10, rupees(990), tag);
}

std::size_t placed(const World& w, const char* tag = "T1") {
    return places_of(w.kite.ledger(), tag);
}

/// Of the book as a program reads it.
Texts tags_read(World& w) {
    Texts tags;
    for (const OrderRow& row : World::rows<OrderRow>(w.kite.orders(w.now, w.api()))) {
        tags.push_back(row.tag.value_or("-"));
    }
    return tags;
}

std::vector<std::int64_t> quantities_told(World& w) {
    std::vector<std::int64_t> quantities;
    for (const OrderRow& row : w.kite.take_updates(w.now, "AB1234")) {
        quantities.push_back(row.quantity);
    }
    return quantities;
}

/// Orders that trade at once, of 1 to 6 shares: an update of each.
void trade_six(World& w) {
    w.quote("INFY", rupees(999), 100, rupees(1'000), 100, rupees(1'000));
    for (int i = 1; i <= 6; ++i) {
        w.id_of(limit(Side::buy, i, rupees(1'000)));
    }
    w.pass(seconds(1));
}

const std::map<std::string, void (*)(World&)> kExamples{
    {"answer-lost",
     [](World& w) {
         CHECK(w.place(tagged()).kind == ReplyKind::timed_out);
         CHECK(placed(w) == 1);
         CHECK(w.orders().size() == 1);
         CHECK(w.place(tagged("T2")).is_success());
     }},
    {"request-lost",
     [](World& w) {
         CHECK(w.place(tagged()).kind == ReplyKind::timed_out);
         CHECK(placed(w) == 0);
         CHECK(w.orders().empty());
         CHECK(w.place(tagged("T2")).is_success());
     }},
    {"connection-closed",
     [](World& w) {
         CHECK(w.place(tagged()).kind == ReplyKind::closed);
         CHECK(placed(w) == 1);
     }},
    {"placed-after-timeout",
     [](World& w) {
         const Reply reply = w.place(tagged());
         CHECK(reply.http == 400);
         CHECK(reply.error_type == "OrderException");
         w.pass(ms(7'999));
         CHECK(w.orders().empty());
         w.pass(ms(1));
         CHECK(w.orders().size() == 1);
     }},
    {"rejected-after-success",
     [](World& w) {
         const OrderRow row = w.row(w.open(tagged()));
         CHECK(row.status == "REJECTED");
         CHECK(row.status_message == "RMS: blocked for this segment");
     }},
    {"stuck",
     [](World& w) {
         const std::string id = w.id_of(tagged());
         w.pass(seconds(90));
         CHECK(w.row(id).status == "PUT ORDER REQ RECEIVED");
         w.settle();
         CHECK(w.row(id).status == "OPEN");
     }},
    {"too-many-requests",
     [](World& w) {
         for (const char* tag : {"T1", "T2", "T3"}) {
             const Reply reply = w.place(tagged(tag));
             CHECK(reply.http == 429);
             CHECK(reply.error_type == "NetworkException");
         }
         CHECK(w.place(tagged("T4")).is_success());
         CHECK(placed(w, "T1") + placed(w, "T2") == 0);
         CHECK(placed(w, "T3") == 1);
     }},
    {"login-needed",
     [](World& w) {
         CHECK(w.place(tagged("T1")).is_success());
         w.pass(seconds(30));
         CHECK(w.place(tagged("T2")).error_type == "TokenException");
         CHECK(w.kite.orders(w.now, w.api()).http == 403);
         CHECK(w.kite.profile(w.now, w.api()).http == 403);
         w.pass(seconds(60));
         CHECK(w.place(tagged("T3")).is_success());
         CHECK(placed(w, "T2") == 0);
     }},
    {"server-errors",
     [](World& w) {
         std::vector<std::uint16_t> statuses;
         std::vector<std::size_t> orders;
         for (const char* tag : {"T1", "T2", "T3", "T4", "T5"}) {
             const Reply reply = w.place(tagged(tag));
             CHECK((reply.kind == ReplyKind::html) == (reply.http == 502 || reply.http == 503));
             statuses.push_back(reply.http);
             orders.push_back(placed(w, tag));
         }
         CHECK(statuses == std::vector<std::uint16_t>{500, 502, 503, 504, 200});
         CHECK(orders == std::vector<std::size_t>{0, 1, 0, 1, 1});
     }},
    {"cut-body",
     [](World& w) {
         CHECK(w.place(tagged()).kind == ReplyKind::cut);
         CHECK(placed(w) == 1);
         CHECK(w.kite.orders(w.now, w.api()).kind == ReplyKind::cut);
         CHECK(tags_read(w) == Texts{"T1"});
     }},
    {"wrong-type",
     [](World& w) {
         CHECK(w.kite.orders(w.now, w.api()).kind == ReplyKind::wrong_type);
         CHECK(w.kite.positions(w.now, w.api()).kind == ReplyKind::wrong_type);
         CHECK(w.kite.orders(w.now, w.api()).is_success());
         CHECK(w.kite.positions(w.now, w.api()).is_success());
     }},
    {"updates",
     [](World& w) {
         trade_six(w);
         CHECK(quantities_told(w).empty());
         trade_six(w);
         CHECK(quantities_told(w).size() == 12);
         trade_six(w);
         std::vector<std::int64_t> shuffled = quantities_told(w);
         CHECK(shuffled.size() == 6);
         CHECK_FALSE(std::ranges::is_sorted(shuffled));
         trade_six(w);
         CHECK(quantities_told(w).empty());
         w.pass(ms(2'999));
         CHECK(quantities_told(w).empty());
         w.pass(ms(1));
         CHECK(quantities_told(w).size() == 6);
     }},
    {"no-tag",
     [](World& w) {
         w.open(tagged("T1"));
         w.open(tagged("T2"));
         CHECK(tags_read(w) == Texts{"-", "T2"});
         CHECK(placed(w, "T1") == 1);
     }},
    {"odd-status",
     [](World& w) {
         const std::string id = w.open(tagged());
         CHECK(w.row(id).status == "LAPSED");
         w.quote("INFY", rupees(980), 100, rupees(990), 100, rupees(990));
         CHECK(w.row(id).status == "COMPLETE");
     }},
    {"book-lags",
     [](World& w) {
         w.open(tagged());
         CHECK(tags_read(w).empty());
         w.pass(seconds(5));
         CHECK(tags_read(w) == Texts{"T1"});
         w.pass(seconds(55));
         w.open(tagged("T2"));
         CHECK(tags_read(w) == Texts{"T1", "T2"});
     }},
    {"trades-lag",
     [](World& w) {
         const std::string id = w.open(limit(Side::buy, 10, rupees(1'000)));
         CHECK(w.row(id).status == "COMPLETE");
         CHECK(World::rows<TradeRow>(w.kite.trades(w.now, w.api())).empty());
         w.pass(seconds(5));
         CHECK(World::rows<TradeRow>(w.kite.trades(w.now, w.api())).size() == 1);
     }},
    {"short-book",
     [](World& w) {
         const Texts all{"T1", "T2", "T3", "T4"};
         for (const std::string& tag : all) {
             w.id_of(tagged(tag.c_str()));
         }
         w.settle();
         std::size_t shortened = 0;
         for (int i = 1; i <= 100; ++i) {
             Texts tags = tags_read(w);
             const bool is_short = std::ranges::find(tags, "T4") == tags.end();
             shortened += is_short ? 1U : 0U;
             const std::size_t distinct = is_short ? 2 : 4;
             CHECK(tags.size() == (i == 1 ? 2 * distinct : distinct));
             CHECK(((i <= 2 || is_short) || tags == all));
             w.pass(seconds(1));
         }
         CHECK(shortened > 15);
         CHECK(shortened < 45);
     }},
    {"placed-twice",
     [](World& w) {
         w.open(tagged("T1"));
         w.open(tagged("T2"));
         CHECK(placed(w, "T1") == 2);
         CHECK(placed(w, "T2") == 1);
     }},
    {"cancel-lost",
     [](World& w) {
         const std::string id = w.open(tagged());
         CHECK_FALSE(w.cancel(id).is_seen());
         w.pass(seconds(10));
         CHECK(w.row(id).status == "OPEN");
         CHECK_FALSE(w.cancel(id).is_seen());
         w.pass(seconds(4));
         CHECK(w.row(id).status == "OPEN");
         w.pass(seconds(2));
         CHECK(w.row(id).status == "CANCELLED");
     }},
    {"cancel-too-late",
     [](World& w) {
         const std::string id = w.open(tagged());
         CHECK(w.cancel(id).is_success());
         w.settle();
         CHECK(w.row(id).status == "CANCELLED");
         w.pass(seconds(2));
         CHECK(w.row(id).status == "COMPLETE");
         CHECK(w.positions()[0].quantity == 10);
     }},
    {"network-down",
     [](World& w) {
         w.pass(seconds(300));
         CHECK_FALSE(w.place(tagged("T1")).is_seen());
         CHECK_FALSE(w.kite.orders(w.now, w.api()).is_seen());
         static_cast<void>(w.kite.place(w.now, Caller::phone("AB1234"), limit(Side::buy, 10, rupees(1'000))));
         w.settle();
         CHECK(w.trades().size() == 1);
         CHECK(quantities_told(w).empty());
         w.pass(seconds(60));
         CHECK(w.place(tagged("T2")).is_success());
         CHECK(quantities_told(w).empty());
         CHECK(placed(w, "T1") == 0);
     }},
};

}  // namespace

TEST_CASE("an example of a fault script does not do what it says", "[fault-script]") {
    for (const auto& [name, sees] : kExamples) {
        DYNAMIC_SECTION(name) {
            const std::filesystem::path path = kFolder / (name + ".yaml");
            std::ifstream in(path, std::ios::binary);
            const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
            const auto faults = read_fault_script(text, path.string(), kFriday);
            INFO((faults ? std::string() : faults.error().message));
            REQUIRE(faults);
            World w;
            for (const Fault& fault : *faults) {
                w.kite.add_fault(fault);
            }
            sees(w);
        }
    }
}

TEST_CASE("an example of a fault script is tried by nobody", "[fault-script]") {
    for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
        INFO(entry.path());
        CHECK(entry.path().extension() == ".yaml");
        CHECK(kExamples.contains(entry.path().stem().string()));
    }
}
