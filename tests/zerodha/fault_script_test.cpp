/// What a fault script says, and what is said of one that is wrong.

#include "config/fault_script.hpp"
#include "tests/zerodha/kite.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

using namespace alpha;
using namespace alpha::kite;

namespace {

Result<std::vector<Fault>> read(std::string_view text) {
    return read_fault_script(text, "f.yaml", kFriday);
}

std::vector<Fault> good(std::string_view text) {
    const auto faults = read(text);
    INFO((faults ? std::string() : faults.error().message));
    REQUIRE(faults);
    return *faults;
}

Fault one(std::string_view text) {
    const std::vector<Fault> faults = good(text);
    REQUIRE(faults.size() == 1);
    return faults[0];
}

FaultEffect effect(std::string_view route, std::string_view what) {
    return one("- {when: {route: " + std::string(route) + ", times: 1}, do: {" + std::string(what) + "}}").effect;
}

std::string reference_page() {
    std::ifstream in(ALPHA_SOURCE "/docs/reference-fault-script.md", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string refusal(std::string_view text) {
    const auto faults = read(text);
    REQUIRE_FALSE(faults);
    CHECK(faults.error().kind == ErrorKind::usage);
    return faults.error().message;
}

}  // namespace

TEST_CASE("a script's `when` does not say which requests it is for", "[fault-script]") {
    CHECK(one("- do: {answer: none, taken: true}").when == FaultWhen{});
    CHECK(one("- {when: {}, do: {answer: none, taken: true}}").when == FaultWhen{});
    Fault expected;
    expected.when.route = Route::place;
    expected.when.tag = "T1";
    expected.when.nth = 3;
    expected.when.from = ist(9, 15);
    expected.when.until = ist(10, 5, 30);
    expected.when.per_thousand = 5;
    expected.effect.again = 1;
    CHECK(one("- when: {route: place, tag: T1, nth: 3, from: 09:15, until: 10:05:30, probability: 0.5%}\n"
              "  do: {again: 1}\n") == expected);
    expected.when.nth = 0;
    expected.when.times = 7;
    expected.when.per_thousand = 1'000;
    CHECK(one("- when:\n    route: place\n    tag: 'T1'\n    times: 7\n    from: '09:15:00'\n    until: 10:05:30\n"
              "    probability: 100%\n"
              "  do:\n    again: 1\n") == expected);
    const std::vector<std::pair<const char*, Route>> routes{
        {"any", Route::any},         {"place", Route::place},         {"modify", Route::modify},
        {"cancel", Route::cancel},   {"orders", Route::orders},       {"order", Route::order},
        {"trades", Route::trades},   {"positions", Route::positions}, {"holdings", Route::holdings},
        {"margins", Route::margins}, {"profile", Route::profile},
    };
    for (const auto& [name, route] : routes) {
        const bool changes = route <= Route::cancel;
        const std::string what = changes ? "{answer: none, taken: true}" : "{answer: none}";
        CHECK(one("- {when: {route: " + std::string(name) + "}, do: " + what + "}").when.route == route);
    }
    CHECK(one("- {when: {route: updates}, do: {lost: true}}").when.route == Route::updates);
}

TEST_CASE("a script's `do` does not say what goes wrong", "[fault-script]") {
    const auto answer = [](ReplyKind kind, std::uint16_t http, std::string type = {}, std::string message = {}) {
        FaultEffect expected;
        expected.answer = Answer{kind, http, std::move(type), std::move(message)};
        return expected;
    };
    CHECK(effect("orders", "answer: json, http: 500, error_type: GeneralException, message: 'no, not now'") ==
          answer(ReplyKind::json, 500, "GeneralException", "no, not now"));
    CHECK(effect("orders", "answer: html, http: 502") == answer(ReplyKind::html, 502));
    CHECK(effect("orders", "answer: cut") == answer(ReplyKind::cut, 200));
    CHECK(effect("orders", "answer: cut, http: 503, error_type: NetworkException, message: x") ==
          answer(ReplyKind::cut, 503, "NetworkException", "x"));
    CHECK(effect("orders", "answer: wrong_type") == answer(ReplyKind::wrong_type, 200));
    CHECK(effect("orders", "answer: closed") == answer(ReplyKind::closed, 0));
    CHECK(effect("orders", "answer: none") == answer(ReplyKind::timed_out, 0));

    FaultEffect expected = answer(ReplyKind::timed_out, 0);
    CHECK(effect("place", "answer: none, taken: true") == expected);
    expected.is_lost = true;
    CHECK(effect("place", "answer: none, taken: false") == expected);
    expected = {};
    expected.is_lost = true;
    CHECK(effect("cancel", "taken: false") == expected);
    CHECK(effect("updates", "lost: true") == expected);

    expected = answer(ReplyKind::closed, 0);
    expected.late = seconds(8);
    expected.again = 2;
    expected.stuck = seconds(90);
    expected.rms_rejects = "RMS: blocked";
    expected.is_untagged = true;
    expected.odd_status = "LAPSED";
    CHECK(effect("place", "answer: closed, taken: true, late: 8s, again: 2, stuck: 90s, rms_rejects: 'RMS: blocked', "
                          "no_tag: true, odd_status: LAPSED") == expected);
    expected = {};
    expected.late = ms(250);
    expected.late_fill = seconds(2);
    CHECK(effect("cancel", "late: 250ms, late_fill: 2s") == expected);
    expected = {};
    expected.lag = seconds(60);
    expected.missing = 2;
    expected.is_doubled = true;
    expected.is_permuted = true;
    CHECK(effect("trades", "lag: 1m, missing: 2, doubled: true, shuffled: true") == expected);
    expected = {};
    expected.late = seconds(3);
    CHECK(effect("updates", "late: 3s") == expected);
}

TEST_CASE("a percentage is not taken exactly", "[fault-script]") {
    for (std::uint32_t thousandth = 1; thousandth <= 1'000; ++thousandth) {
        const std::string text = std::to_string(thousandth / 10) + "." + std::to_string(thousandth % 10) + "%";
        CHECK(one("- {when: {probability: " + text + "}, do: {taken: false}}").when.per_thousand == thousandth);
    }
}

TEST_CASE("a script's faults come in another order, or an empty list is refused", "[fault-script]") {
    const std::vector<Fault> faults = good("# two\n- do: {taken: false}\n- {when: {nth: 2}, do: {taken: false}}\n");
    REQUIRE(faults.size() == 2);
    CHECK(faults[0].when.nth == 0);
    CHECK(faults[1].when.nth == 2);
    CHECK(good("[]").empty());
}

TEST_CASE("what is wrong with a script is said in other words", "[fault-script]") {
    struct Case {
        const char* script;
        const char* message;
    };
    const std::vector<Case> cases{
        {"", "f.yaml:1:1: is empty; write a list of faults, such as - {when: {route: place, nth: 1}, do: {answer: "
             "none, taken: true}}"},
        {"# c", "f.yaml:1:1: is empty; write a list of faults, such as - {when: {route: place, nth: 1}, do: {answer: "
                "none, taken: true}}"},
        {"when: {route: place}", "f.yaml:1:1: expects a list of faults, found a map; write - {when: {route: place, "
                                 "nth: 1}, do: {answer: none, taken: true}}"},
        {"hello", "f.yaml:1:1: expects a list of faults, found 'hello'; write - {when: {route: place, nth: 1}, do: "
                  "{answer: none, taken: true}}"},
        {"- hello", "f.yaml:1:3: fault: expects a map, found 'hello'; write {when: {route: place, nth: 1}, do: "
                    "{answer: none, taken: true}}"},
        {"- {}", "f.yaml:1:3: fault: 'do' is missing; write do: and a map"},
        {"- {when: {route: place}}", "f.yaml:1:3: fault: 'do' is missing; write do: and a map"},
        {"- {wen: {route: place}, do: {again: 1}}", "f.yaml:1:4: fault: unknown key 'wen'; did you mean 'when'?"},
        {"- {when: [place], do: {again: 1}}",
         "f.yaml:1:10: when: expects a map, found a list; write {route: place, nth: 1}"},
        {"- {do: none}", "f.yaml:1:8: do: expects a map, found 'none'; write {answer: none, taken: true}"},
        {"- {do: }", "f.yaml:1:4: do: nothing goes wrong; write what does, such as {answer: none, taken: true}"},
        {"- {do: {}}", "f.yaml:1:8: do: nothing goes wrong; write what does, such as {answer: none, taken: true}"},
        {"- {do: {taken: true}}",
         "f.yaml:1:8: do: nothing goes wrong; write what does, such as {answer: none, taken: true}"},
        {"- {when: {route: trades}, do: {doubled: false}}",
         "f.yaml:1:31: do: nothing goes wrong; write what does, such as {answer: none, taken: true}"},
        {"- {when: {route: plase}, do: {again: 1}}",
         "f.yaml:1:18: when.route: 'plase' is unknown; did you mean 'place'?"},
        {"- {when: {rout: place}, do: {again: 1}}", "f.yaml:1:11: when: unknown key 'rout'; did you mean 'route'?"},
        {"- {when: {route: place, nth: 0}, do: {again: 1}}",
         "f.yaml:1:30: when.nth: '0' is out of range; write a whole number from 1 to 1000000"},
        {"- {when: {route: place, nth: first}, do: {again: 1}}",
         "f.yaml:1:30: when.nth: 'first' is not a number with at most eight decimal places; write a whole number from "
         "1 to 1000000"},
        {"- {when: {route: place, nth: 1.5}, do: {again: 1}}",
         "f.yaml:1:30: when.nth: '1.5' is not whole; write a whole number from 1 to 1000000"},
        {"- {when: {route: place, nth: 2, times: 2}, do: {again: 1}}",
         "f.yaml:1:40: when.times: nth strikes once; leave one of the two out"},
        {"- {when: {route: place, times: 1,000}, do: {again: 1}}",
         "f.yaml:1:32: times: a number has no commas; write 1000, without commas"},
        {"- {when: {route: place, tag: \"\"}, do: {again: 1}}",
         "f.yaml:1:30: when.tag: '' does not fit; write 1 to 20 printable characters"},
        {"- {when: {route: place, tag: ABCDEFGHIJKLMNOPQRSTU}, do: {again: 1}}",
         "f.yaml:1:30: when.tag: 'ABCDEFGHIJKLMNOPQRSTU' does not fit; write 1 to 20 printable characters"},
        {"- {when: {route: orders, tag: T1}, do: {lag: 5s}}",
         "f.yaml:1:31: when.tag: what is asked by orders has no tag; leave it out, or write route: place, modify or "
         "cancel"},
        {"- {when: {from: 9:15}, do: {taken: false}}",
         "f.yaml:1:17: when.from: '9:15' is no time of day; write one in India such as 09:15 or 09:15:30"},
        {"- {when: {from: 24:00}, do: {taken: false}}",
         "f.yaml:1:17: when.from: '24:00' is no time of day; write one in India such as 09:15 or 09:15:30"},
        {"- {when: {until: 10:00:60}, do: {taken: false}}",
         "f.yaml:1:18: when.until: '10:00:60' is no time of day; write one in India such as 09:15 or 09:15:30"},
        {"- {when: {from: 10:00+05:30}, do: {taken: false}}",
         "f.yaml:1:17: when.from: '10:00+05:30' is no time of day; write one in India such as 09:15 or 09:15:30"},
        {"- {when: {from: 10:00, until: 10:00:00}, do: {taken: false}}",
         "f.yaml:1:31: when.until: is not after from; write a later time of day"},
        {"- {when: {probability: 5}, do: {taken: false}}", "f.yaml:1:24: when.probability: '5' is no percentage in "
                                                           "steps of 0.1%; write one from 0.1% to 100%, such as 5%"},
        {"- {when: {probability: 0%}, do: {taken: false}}", "f.yaml:1:24: when.probability: '0%' is no percentage in "
                                                            "steps of 0.1%; write one from 0.1% to 100%, such as 5%"},
        {"- {when: {probability: 0.05%}, do: {taken: false}}",
         "f.yaml:1:24: when.probability: '0.05%' is no percentage in steps of 0.1%; write one from 0.1% to 100%, such "
         "as 5%"},
        {"- {when: {probability: 100.1%}, do: {taken: false}}",
         "f.yaml:1:24: when.probability: '100.1%' is no percentage in steps of 0.1%; write one from 0.1% to 100%, such "
         "as 5%"},
        {"- {when: {probability: 99999999999999999999999999999%}, do: {taken: false}}",
         "f.yaml:1:24: when.probability: '99999999999999999999999999999%' is no percentage in steps of 0.1%; write one "
         "from 0.1% to 100%, such as 5%"},
        {"- {when: {probability: }, do: {taken: false}}",
         "f.yaml:1:11: when.probability: expects a value, found nothing; write text"},
        {"- {do: {answer: nothing, taken: true}}",
         "f.yaml:1:17: do.answer: 'nothing' is unknown; write json, html, cut, wrong_type, closed or none"},
        {"- {do: {answer: none}}", "f.yaml:1:8: do: 'taken' is missing; write taken: and true or false"},
        {"- {when: {route: place}, do: {answer: html, http: 502}}",
         "f.yaml:1:30: do: 'taken' is missing; write taken: and true or false"},
        {"- {when: {route: orders}, do: {answer: json}}",
         "f.yaml:1:31: do: 'http' is missing; write http: and a whole number from 200 to 599"},
        {"- {when: {route: orders}, do: {answer: html}}",
         "f.yaml:1:31: do: 'http' is missing; write http: and a whole number from 200 to 599"},
        {"- {when: {route: orders}, do: {answer: json, http: 600}}",
         "f.yaml:1:52: do.http: '600' is out of range; write a whole number from 200 to 599"},
        {"- {when: {route: orders}, do: {answer: none, http: 500}}",
         "f.yaml:1:52: do.http: answer: none has no status; leave it out"},
        {"- {when: {route: orders}, do: {http: 500}}",
         "f.yaml:1:38: do.http: is a part of an answer; write answer: json beside it"},
        {"- {when: {route: orders}, do: {answer: html, http: 502, message: Bad gateway}}",
         "f.yaml:1:66: do.message: answer: html does not say it; leave it out, or write answer: json"},
        {"- {when: {route: orders}, do: {answer: json, http: 500, error_type: NetworkExeption}}",
         "f.yaml:1:69: do.error_type: 'NetworkExeption' is unknown; did you mean 'NetworkException'?"},
        {"- {when: {route: orders}, do: {answer: json, http: 500, message: \"a\\x07b\"}}",
         "f.yaml:1:66: do.message: 'a?b' does not fit; write 1 to 200 printable characters"},
        {"- {when: {route: updates}, do: {answer: none}}",
         "f.yaml:1:41: do.answer: does not fit route updates: updates come unasked, so there is nothing to answer; "
         "write route: any, place, modify, cancel, orders, order, trades, positions, holdings, margins or profile"},
        {"- {when: {route: orders}, do: {answer: none, taken: true}}",
         "f.yaml:1:53: do.taken: does not fit route orders: only an order can be taken or not; write route: any, "
         "place, modify or cancel"},
        {"- {when: {route: cancel}, do: {rms_rejects: no}}",
         "f.yaml:1:45: do.rms_rejects: does not fit route cancel: RMS is simulated for new orders alone; write route: "
         "place"},
        {"- {when: {route: modify}, do: {stuck: 90s}}", "f.yaml:1:39: do.stuck: does not fit route modify: only a new "
                                                        "order is in PUT ORDER REQ RECEIVED; write route: place"},
        {"- {do: {lag: 5s}}", "f.yaml:1:14: do.lag: does not fit route any: only orders and trades are read late; "
                              "write route: orders, order or trades"},
        {"- {when: {route: positions}, do: {lag: 5s}}",
         "f.yaml:1:40: do.lag: does not fit route positions: only orders and trades are read late; write route: "
         "orders, order or trades"},
        {"- {when: {route: margins}, do: {missing: 1}}",
         "f.yaml:1:42: do.missing: does not fit route margins: only of a list that is read can rows be missing; write "
         "route: orders, order, trades, positions or holdings"},
        {"- {when: {route: updates}, do: {missing: 1}}",
         "f.yaml:1:42: do.missing: does not fit route updates: only of a list that is read can rows be missing; write "
         "route: orders, order, trades, positions or holdings"},
        {"- {when: {route: place}, do: {late_fill: 2s}}", "f.yaml:1:42: do.late_fill: does not fit route place: only a "
                                                          "cancel makes CANCELLED of an order; write route: cancel"},
        {"- {when: {route: place}, do: {lost: true}}",
         "f.yaml:1:37: do.lost: does not fit route place: a request is lost by taken: false; write route: updates"},
        {"- {when: {route: place}, do: {late: 8}}",
         "f.yaml:1:37: do.late: '8' is not a duration; write a duration such as 5s from 1ms to 1d"},
        {"- {when: {route: place}, do: {late: 0s}}",
         "f.yaml:1:37: do.late: '0s' is out of range; write a duration such as 5s from 1ms to 1d"},
        {"- {when: {route: place}, do: {late: 2d}}",
         "f.yaml:1:37: do.late: '2d' is out of range; write a duration such as 5s from 1ms to 1d"},
        {"- {when: {route: place}, do: {late: -1s}}",
         "f.yaml:1:37: do.late: '-1s' is not a duration; write a duration such as 5s from 1ms to 1d"},
        {"- {when: {route: place}, do: {again: 11}}",
         "f.yaml:1:38: do.again: '11' is out of range; write a whole number from 1 to 10"},
        {"- {when: {route: place}, do: {no_tag: yes}}",
         "f.yaml:1:39: do.no_tag: 'yes' is neither true nor false; write true or false"},
        {"- {when: {route: place}, do: {odd_status: \"\"}}",
         "f.yaml:1:43: do.odd_status: '' does not fit; write 1 to 200 printable characters"},
        {"- {when: {route: place}, do: {odd_status: [LAPSED]}}",
         "f.yaml:1:43: do.odd_status: expects a value, found a list; write text"},
        {"- {when: {route: place}, do: {taken: false, late: 8s}}",
         "f.yaml:1:51: do.late: nothing comes of what is not taken; leave it or taken: false out"},
        {"- {when: {route: cancel}, do: {taken: false, late_fill: 8s}}",
         "f.yaml:1:57: do.late_fill: nothing comes of what is not taken; leave it or taken: false out"},
        {"- {when: {route: orders}, do: {answer: none, missing: 2}}",
         "f.yaml:1:55: do.missing: the answer has no rows; leave it or answer out"},
        {"- {when: {route: updates, times: 1}, do: {lost: true, late: 3s}}",
         "f.yaml:1:61: do.late: updates that are lost have no more to them; leave one of the two out"},
        {"- {when: {route: updates}, do: {lost: true, doubled: true}}",
         "f.yaml:1:54: do.doubled: updates that are lost have no more to them; leave one of the two out"},
        {"- {when: {route: updates, times: 1}, do: {late: 3s, shuffled: true}}",
         "f.yaml:1:63: do.shuffled: updates that are late come as they are; write an entry for each of the two"},
        {"- {when: {route: updates}, do: {late: 3s}}",
         "f.yaml:1:39: do.late: updates would be put off each time anew and never come; write times, nth, until or "
         "probability in when"},
        {"- {when: {route: place, route: cancel}, do: {taken: false}}",
         "f.yaml:1:25: 'route' is already given at 1:11; keep one of them"},
        {"- {when: {route: place}, do: {&a again: 1}}",
         "f.yaml:1:31: anchors (&) are not supported; write the value where it is used"},
        {"- {when: {route: place, do: {again: 1}}", "f.yaml:1:3: a list or map cannot be a key; write a word"},
    };
    for (const Case& each : cases) {
        INFO(each.script);
        CHECK(refusal(each.script) == each.message);
    }
}

TEST_CASE("what goes wrong fits another route than the reference page says", "[fault-script]") {
    const std::map<std::string, std::string> effects{
        {"answer", "answer: none"},
        {"taken", "taken: false"},
        {"lost", "lost: true"},
        {"late", "late: 1s"},
        {"again", "again: 1"},
        {"stuck", "stuck: 1s"},
        {"rms_rejects", "rms_rejects: no"},
        {"no_tag", "no_tag: true"},
        {"odd_status", "odd_status: odd"},
        {"late_fill", "late_fill: 1s"},
        {"lag", "lag: 1s"},
        {"missing", "missing: 1"},
        {"doubled", "doubled: true"},
        {"shuffled", "shuffled: true"},
    };
    const std::string page = reference_page();
    const std::string head = "| route | may have |\n|---|---|\n";
    std::size_t at = page.find(head);
    REQUIRE(at != std::string::npos);
    at += head.size();
    std::size_t routes = 0;
    // "| `a`, `b` | `key`, `key`. Words |"
    const auto in_ticks = [](std::string_view cell) {
        std::vector<std::string> words;
        for (std::size_t tick = cell.find('`'); tick != std::string_view::npos; tick = cell.find('`', tick + 1)) {
            const std::size_t end = cell.find('`', tick + 1);
            words.emplace_back(cell.substr(tick + 1, end - tick - 1));
            tick = end;
        }
        return words;
    };
    while (page[at] == '|') {
        const std::size_t middle = page.find('|', at + 1);
        const std::size_t end = page.find('\n', middle);
        const std::string_view row(page);
        const std::vector<std::string> may_have = in_ticks(row.substr(middle, end - middle));
        for (const std::string& route : in_ticks(row.substr(at, middle - at))) {
            ++routes;
            const bool is_of_orders = std::ranges::find(may_have, "taken") != may_have.end();
            for (const auto& [key, what] : effects) {
                const std::string when = "- {when: {route: " + route + ", times: 1}, do: {";
                const bool says_more = key == "answer" && is_of_orders;
                const std::string script = when + what + (says_more ? ", taken: true}}" : "}}");
                INFO(script);
                const bool fits = std::ranges::find(may_have, key) != may_have.end();
                CHECK(read(script).has_value() == fits);
            }
        }
        at = end + 1;
    }
    CHECK(routes == 12);
}

TEST_CASE("a script says two things at once", "[fault-script]") {
    const auto is_refused = [](const std::string& route, const std::string& what) {
        const std::string text = refusal("- {when: {route: " + route + ", times: 1}, do: {" + what + "}}");
        INFO(text);
        CHECK(std::ranges::count(text, '\n') == 0);
        CHECK_THAT(text, Catch::Contains("out"));
    };
    for (const char* more :
         {"late: 1s", "again: 1", "stuck: 1s", "rms_rejects: no", "no_tag: true", "odd_status: odd"}) {
        is_refused("place", "taken: false, " + std::string(more));
    }
    is_refused("cancel", "taken: false, late_fill: 1s");
    for (const char* more : {"lag: 1s", "missing: 1", "doubled: true", "shuffled: true"}) {
        is_refused("orders", "answer: none, " + std::string(more));
    }
    for (const char* more : {"late: 1s", "doubled: true", "shuffled: true"}) {
        is_refused("updates", "lost: true, " + std::string(more));
    }
    CHECK(effect("place", "answer: none, taken: true, late: 1s, no_tag: false").late == seconds(1));
    CHECK(effect("updates", "lost: true, doubled: false").is_lost);
}

TEST_CASE("only the first mistake of a script is told", "[fault-script]") {
    CHECK(refusal("- when: {route: plase, nth: 0}\n"
                  "  do: {agian: 1, stuck: 90}\n"
                  "- {when: {route: cancel}, do: {rms_rejects: x, stuck: 90s}}\n"
                  "- {}\n") ==
          "f.yaml:1:17: when.route: 'plase' is unknown; did you mean 'place'?\n"
          "f.yaml:1:29: when.nth: '0' is out of range; write a whole number from 1 to 1000000\n"
          "f.yaml:2:8: do: unknown key 'agian'; did you mean 'again'?\n"
          "f.yaml:2:25: do.stuck: '90' is not a duration; write a duration such as 5s from 1ms to 1d\n"
          "f.yaml:3:45: do.rms_rejects: does not fit route cancel: RMS is simulated for new orders alone; write route: "
          "place\n"
          "f.yaml:3:55: do.stuck: does not fit route cancel: only a new order is in PUT ORDER REQ RECEIVED; write "
          "route: place\n"
          "f.yaml:4:3: fault: 'do' is missing; write do: and a map");
}

TEST_CASE("a script of too many faults or bytes, or of no text, is read", "[fault-script]") {
    std::string text;
    for (std::size_t i = 0; i < kMaxFaults; ++i) {
        text += "- do: {taken: false}\n";
    }
    CHECK(good(text).size() == kMaxFaults);
    CHECK(refusal(text + "- do: {taken: false}\n") == "f.yaml:1:1: holds 1001 faults; write at most 1000");
    CHECK(refusal(std::string((1U << 20U) + 1, '#')) ==
          "f.yaml:1:1: is larger than 1048576 bytes; such a file holds no data of the market: a scenario names theirs "
          "under data");
    CHECK(refusal(std::string_view("a\0b", 3)) == "f.yaml:1:2: byte 0x00 is not text; write the file in UTF-8");
    CHECK(refusal("[]\n---\n[]\n") == "f.yaml:3:1: a second document begins here; write one a file");
    for (const char* piece :
         {"[", "{", "- ", "? ", "- {do: {", "- do: ", "'", "- {when: {tag: \"", "|\n ", "- a: b\n", "%"}) {
        std::string hostile;
        while (hostile.size() + 16 < 200'000) {
            hostile += piece;
        }
        INFO(piece);
        CHECK_FALSE(refusal(hostile).empty());
    }
}

TEST_CASE("the reference page tells other keys than a script has, or shows a script that is refused",
          "[fault-script]") {
    const std::string page = reference_page();
    for (const std::string& table : fault_script_tables()) {
        INFO("This table has to be in docs/reference-fault-script.md:\n" << table);
        CHECK(page.find("\n" + table) != std::string::npos);
    }
    const std::string fence = "```yaml\n";
    std::size_t examples = 0;
    for (std::size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at)) {
        at += fence.size();
        const std::string example = page.substr(at, page.find("```", at) - at);
        CHECK_FALSE(good(example).empty());
        ++examples;
    }
    CHECK(examples > 0);
}
