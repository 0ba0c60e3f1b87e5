#include "config/fault_script.hpp"

#include "config/fields.hpp"
#include "config/findings.hpp"
#include "config/keys.hpp"
#include "config/suggest.hpp"
#include "config/yaml_tree.hpp"
#include "events/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace alpha {

namespace {

using config::Fields;
using config::Findings;
using config::Form;
using config::in_quotes;
using config::Item;
using config::Section;
using kite::Answer;
using kite::Fault;
using kite::FaultEffect;
using kite::FaultWhen;
using kite::ReplyKind;
using kite::Route;

constexpr std::size_t kMaxText = 200;
constexpr Decimal kShortest{kScale / 1'000};
constexpr Decimal kLongest = decimal_of(kDayNs / kSecondNs);

constexpr Key plain(std::string_view name, Form form, std::string_view fallback, std::string_view help) {
    return {name, form, fallback, {}, {}, {}, help};
}
constexpr Key choice(std::string_view name, std::string_view fallback, std::string_view choices,
                     std::string_view help) {
    return {name, Form::choice, fallback, {}, {}, choices, help};
}
constexpr Key count(std::string_view name, std::string_view fallback, std::int64_t least, std::int64_t most,
                    std::string_view help) {
    return {name, Form::count, fallback, decimal_of(least), decimal_of(most), {}, help};
}
constexpr Key wait(std::string_view name, std::string_view help) {
    return {name, Form::duration, "(none)", kShortest, kLongest, {}, help};
}

constexpr std::array kFaultKeys{
    plain("when", Form::map, "(every request)", "Which requests it is for."),
    plain("do", Form::map, kRequired, "What goes wrong with them."),
};

constexpr std::array kWhenKeys{
    // In the order of kite::Route.
    choice("route", "any", "any|place|modify|cancel|orders|order|trades|positions|holdings|margins|profile|updates",
           "What was asked: to place, modify or cancel an order; the book of orders, the states of one order, trades, "
           "positions, holdings, margins, the profile. `updates` are what Kite says by itself over the web socket. "
           "`any` is all of these."),
    count("nth", "(each)", 1, 1'000'000, "Only this one of those that the rest of `when` fits, counted from 1."),
    plain("tag", Form::text, "(any)",
          "The tag of the order that is placed, modified or cancelled, at most 20 characters."),
    plain("from", Form::text, "(the start)", "Time of day in India, such as 09:15 or 09:15:30."),
    plain("until", Form::text, "(the end)", "The same; at this time itself the fault is over."),
    plain("probability", Form::text, "100%", "How likely it is each time, from 0.1% to 100% in steps of 0.1%."),
    count("times", "(no bound)", 1, 1'000'000, "After so many it is over. Not beside `nth`, which strikes once."),
};

constexpr std::array kDoKeys{
    // In the order of kite::ReplyKind.
    choice("answer", "(its own)", "json|html|cut|wrong_type|closed|none",
           "What is answered in place of its own answer. `json`: an error as Kite writes one. `html`: a page, as of a "
           "proxy. `cut`: half of the body. `wrong_type`: JSON of another shape. `closed`: the connection ends "
           "without an answer. `none`: nothing comes until whoever asked gives up."),
    count("http", "(200)", 200, 599, "The answer's HTTP status. Required of `json` and `html`."),
    choice("error_type", "(none)",
           "TokenException|UserException|OrderException|InputException|MarginException|HoldingException|"
           "NetworkException|DataException|GeneralException|PermissionException",
           "The error's name. Of `json` and `cut`."),
    plain("message", Form::text, "(none)", "The error's text, 1 to 200 characters. Of `json` and `cut`."),
    plain("taken", Form::flag, "(true)",
          "Of place, modify and cancel, and required beside their `answer`: `true`, the order is placed, changed or "
          "cancelled all the same; `false`, it is not. `false` alone: the request is lost, and nothing is answered."),
    plain("lost", Form::flag, "false", "Updates never come."),
    wait("late", "It is placed, changed or cancelled so long after it was answered; updates come so much later."),
    count("again", "(0)", 1, 10, "It is placed so many times more."),
    wait("stuck", "The order stays so much longer in PUT ORDER REQ RECEIVED."),
    plain("rms_rejects", Form::text, "(none)",
          "Answered with success, then REJECTED in the book with this text, 1 to 200 characters."),
    plain("no_tag", Form::flag, "false", "The book shows the order without its tag."),
    plain("odd_status", Form::text, "(none)",
          "What the book shows in place of OPEN and of all before it, such as LAPSED; 1 to 200 characters."),
    wait("late_fill", "So long after CANCELLED, the exchange says that the rest had traded."),
    wait("lag", "What is read is so old."),
    count("missing", "(0)", 1, 10'000, "So many of the latest rows are not there."),
    plain("doubled", Form::flag, "false", "Each row, or update, is there twice."),
    plain("shuffled", Form::flag, "false", "Rows, or updates, come in another order, by the seed."),
};

const Section kFault{"fault",
                     "{when: {route: place, nth: 1}, do: {answer: none, taken: true}}",
                     "",
                     {kFaultKeys.begin(), kFaultKeys.end()}};
const Section kWhen{"when", "{route: place, nth: 1}", "", {kWhenKeys.begin(), kWhenKeys.end()}};
const Section kDo{"do", "{answer: none, taken: true}", "", {kDoKeys.begin(), kDoKeys.end()}};

// ---- which effect fits which route ----------------------------------------------------------------------------------

constexpr std::uint32_t bit(Route route) {
    return 1U << static_cast<std::uint32_t>(route);
}
constexpr std::uint32_t kAnyBit = bit(Route::any);
constexpr std::uint32_t kUpdatesBit = bit(Route::updates);
constexpr std::uint32_t kChanges = bit(Route::place) | bit(Route::modify) | bit(Route::cancel);
constexpr std::uint32_t kBook = bit(Route::orders) | bit(Route::order) | bit(Route::trades);
constexpr std::uint32_t kRows = kBook | bit(Route::positions) | bit(Route::holdings);
constexpr std::uint32_t kRequests = kAnyBit | kChanges | kRows | bit(Route::margins) | bit(Route::profile);

struct Fit {
    std::string_view key;
    std::uint32_t routes;
    std::string_view why;
};
constexpr std::array kFits{
    Fit{"answer", kRequests, "updates come unasked, so there is nothing to answer"},
    Fit{"taken", kAnyBit | kChanges, "only an order can be taken or not"},
    Fit{"lost", kUpdatesBit, "a request is lost by taken: false"},
    Fit{"late", kChanges | kUpdatesBit, "only a change of an order takes effect, and only updates come by themselves"},
    Fit{"again", bit(Route::place), "only a place makes an order"},
    Fit{"stuck", bit(Route::place), "only a new order is in PUT ORDER REQ RECEIVED"},
    Fit{"rms_rejects", bit(Route::place), "RMS is simulated for new orders alone"},
    Fit{"no_tag", bit(Route::place), "an order has its tag from its place"},
    Fit{"odd_status", bit(Route::place), "an order has its first states from its place"},
    Fit{"late_fill", bit(Route::cancel), "only a cancel makes CANCELLED of an order"},
    Fit{"lag", kBook, "only orders and trades are read late"},
    Fit{"missing", kRows, "only of a list that is read can rows be missing"},
    Fit{"doubled", kRows | kUpdatesBit, "only rows and updates can be there twice"},
    Fit{"shuffled", kRows | kUpdatesBit, "only rows and updates have an order"},
};

/// The names of the routes in `set`, as choices of `route` lists them.
std::string routes_text(std::uint32_t set) {
    std::vector<std::string_view> names = config::choices_of(kWhenKeys.front());
    std::uint32_t each = 0;
    std::erase_if(names, [&](std::string_view) { return (set >> each++ & 1U) == 0; });
    return config::one_of(names);
}

// ---- words of its own -----------------------------------------------------------------------------------------------

/// HH:MM or HH:MM:SS, after midnight.
std::optional<Duration> parse_time_of_day(std::string_view text) {
    const std::string full = std::string(text) + (text.size() == 5 ? ":00" : "");
    constexpr std::string_view kForm = "dd:dd:dd";
    const auto fits = [](char c, char form) { return form == 'd' ? c >= '0' && c <= '9' : c == form; };
    if (!std::ranges::equal(full, kForm, fits)) {
        return std::nullopt;
    }
    const auto two = [&](std::size_t i) { return (full[i] - '0') * 10 + (full[i + 1] - '0'); };
    if (two(0) > 23 || two(3) > 59 || two(6) > 59) {
        return std::nullopt;
    }
    return Duration{(two(0) * 3'600 + two(3) * 60 + two(6)) * kSecondNs};
}

/// "0.5%" is 5.
std::optional<std::uint32_t> parse_per_thousand(std::string_view text) {
    if (!text.ends_with('%')) {
        return std::nullopt;
    }
    const Result<Decimal> percent = parse_decimal(text.substr(0, text.size() - 1));
    if (!percent || percent->raw <= 0 || *percent > decimal_of(100) || percent->raw * 10 % kScale != 0) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(percent->raw * 10 / kScale);
}

/// Printable, 1 to `most` bytes; of what is not, it says what to write.
std::optional<std::string> words(Fields& fields, std::string_view name, std::size_t most) {
    std::optional<std::string> text = fields.text(name);
    if (text && (text->empty() || text->size() > most || !is_printable(*text))) {
        fields.error(name, "{} does not fit; write 1 to {} printable characters", in_quotes(*text), most);
        return std::nullopt;
    }
    return text;
}

std::uint32_t number(Fields& fields, std::string_view name) {
    return static_cast<std::uint32_t>(fields.count(name).value_or(0));
}

class FaultReader {
public:
    FaultReader(const std::vector<Item>& nodes, Date day, Findings& findings)
        : nodes_(&nodes), midnight_(kite::kCashHours.midnight(day)), findings_(&findings) {}

    Fault read(const Item& entry) {
        Fields fault(*findings_, *nodes_, kFault, "fault", &entry);
        Fields when(*findings_, *nodes_, kWhen, "when", fault.value("when"));
        Fields what(*findings_, *nodes_, kDo, "do", fault.child("do"));
        Fault read;
        read.when = read_when(when);
        // Where it is not known what the entry is for, nothing is said of what goes wrong with that.
        const bool is_known = !has_errors();
        read.effect = read_effect(what);
        if (is_known) {
            complain_unfit(read.when.route, what);
        }
        if (!has_errors()) {
            complain_of_sense(read, what);
        }
        errors_before_ = findings_->errors.size();
        return read;
    }

private:
    bool has_errors() const { return findings_->errors.size() != errors_before_; }

    FaultWhen read_when(Fields& when) const {
        FaultWhen read;
        if (const auto route = when.choice("route")) {
            read.route = static_cast<Route>(index_of(*route, kWhenKeys.front()));
        }
        read.nth = number(when, "nth");
        read.tag = words(when, "tag", kite::kMaxTag).value_or("");
        read.from = time_of_day(when, "from").value_or(kBeforeAll);
        read.until = time_of_day(when, "until").value_or(kNever);
        read.times = number(when, "times");
        const std::string probability = when.text("probability").value_or("100%");
        if (const auto per_thousand = parse_per_thousand(probability)) {
            read.per_thousand = *per_thousand;
        } else {
            when.error("probability", "{} is no percentage in steps of 0.1%; write one from 0.1% to 100%, such as 5%",
                       in_quotes(probability));
        }
        if (!read.tag.empty() && (bit(read.route) & (kAnyBit | kChanges)) == 0) {
            when.error("tag", "what is asked by {} has no tag; leave it out, or write route: {}",
                       routes_text(bit(read.route)), routes_text(kChanges));
        }
        if (read.until <= read.from) {
            when.error("until", "is not after from; write a later time of day");
        }
        if (read.nth != 0 && read.times != 0) {
            when.error("times", "nth strikes once; leave one of the two out");
        }
        return read;
    }

    std::optional<Time> time_of_day(Fields& when, std::string_view name) const {
        const std::optional<std::string> text = when.text(name);
        const std::optional<Duration> after = text ? parse_time_of_day(*text) : std::nullopt;
        if (text && !after) {
            when.error(name, "{} is no time of day; write one in India such as 09:15 or 09:15:30", in_quotes(*text));
        }
        return after ? std::optional(midnight_ + *after) : std::nullopt;
    }

    static std::size_t index_of(std::string_view word, const Key& key) {
        const std::vector<std::string_view> all = config::choices_of(key);
        return static_cast<std::size_t>(std::ranges::find(all, word) - all.begin());
    }

    static FaultEffect read_effect(Fields& what) {
        FaultEffect read;
        read.answer = read_answer(what);
        const bool is_taken = what.flag("taken").value_or(true);
        const bool is_lost = what.flag("lost").value_or(false);
        read.is_lost = is_lost || !is_taken;
        read.late = what.duration("late").value_or(Duration{});
        read.again = number(what, "again");
        read.stuck = what.duration("stuck").value_or(Duration{});
        read.rms_rejects = words(what, "rms_rejects", kMaxText);
        read.is_untagged = what.flag("no_tag").value_or(false);
        read.odd_status = words(what, "odd_status", kMaxText);
        read.late_fill = what.duration("late_fill");
        read.lag = what.duration("lag").value_or(Duration{});
        read.missing = number(what, "missing");
        read.is_doubled = what.flag("doubled").value_or(false);
        read.is_permuted = what.flag("shuffled").value_or(false);
        return read;
    }

    static std::optional<Answer> read_answer(Fields& what) {
        const auto word = what.choice("answer");
        const auto http = what.count("http");
        const auto error_type = what.choice("error_type");
        const auto message = words(what, "message", kMaxText);
        if (!word) {
            for (const std::string_view part : {"http", "error_type", "message"}) {
                if (what.has(part) && !what.has("answer")) {
                    what.error(part, "is a part of an answer; write answer: json beside it");
                }
            }
            return std::nullopt;
        }
        Answer answer;
        answer.kind = static_cast<ReplyKind>(1 + index_of(*word, kDoKeys.front()));
        const bool has_status = answer.kind < ReplyKind::closed;
        const bool has_error = answer.kind == ReplyKind::json || answer.kind == ReplyKind::cut;
        if (!has_status && what.has("http")) {
            what.error("http", "answer: {} has no status; leave it out", *word);
        }
        for (const std::string_view part : {"error_type", "message"}) {
            if (!has_error && what.has(part)) {
                what.error(part, "answer: {} does not say it; leave it out, or write answer: json", *word);
            }
        }
        if ((answer.kind == ReplyKind::json || answer.kind == ReplyKind::html) && !what.has("http")) {
            what.complain_missing("http");
        }
        answer.http = static_cast<std::uint16_t>(http.value_or(has_status ? 200 : 0));
        answer.error_type = error_type.value_or("");
        answer.message = message.value_or("");
        return answer;
    }

    /// Of what no such request could have, and of what an answer leaves open.
    static void complain_unfit(Route route, Fields& what) {
        for (const Fit& fit : kFits) {
            if (what.has(fit.key) && (fit.routes & bit(route)) == 0) {
                what.error(fit.key, "does not fit route {}: {}; write route: {}", routes_text(bit(route)), fit.why,
                           routes_text(fit.routes));
            }
        }
        if (what.has("answer") && !what.has("taken") && (bit(route) & (kAnyBit | kChanges)) != 0) {
            what.complain_missing("taken");
        }
    }

    /// Of what says nothing, or two things at once.
    void complain_of_sense(const Fault& fault, Fields& what) const {
        const FaultEffect& effect = fault.effect;
        if (effect == FaultEffect{}) {
            findings_->error(what.at(), "do: nothing goes wrong; write what does, such as {}", kDo.example);
            return;
        }
        const auto refuse = [&](std::string_view key, bool is_set, std::string_view why) {
            if (is_set) {
                what.error(key, "{}", why);
            }
        };
        const bool is_late = effect.late.ns > 0;
        if (fault.when.route == Route::updates) {
            constexpr std::string_view kLost = "updates that are lost have no more to them; leave one of the two out";
            constexpr std::string_view kLate =
                "updates that are late come as they are; write an entry for each of the two";
            const bool is_bounded = fault.when.nth != 0 || fault.when.times != 0 || fault.when.until != kNever ||
                                    fault.when.per_thousand < 1'000;
            refuse("late", effect.is_lost && is_late, kLost);
            for (const auto& [key, is_set] :
                 {std::pair{"doubled", effect.is_doubled}, {"shuffled", effect.is_permuted}}) {
                refuse(key, is_set && (effect.is_lost || is_late), effect.is_lost ? kLost : kLate);
            }
            refuse("late", is_late && !effect.is_lost && !is_bounded,
                   "updates would be put off each time anew and never come; write times, nth, until or probability in "
                   "when");
            return;
        }
        constexpr std::string_view kUntaken = "nothing comes of what is not taken; leave it or taken: false out";
        constexpr std::string_view kNoRows = "the answer has no rows; leave it or answer out";
        refuse("late", effect.is_lost && is_late, kUntaken);
        refuse("again", effect.is_lost && effect.again != 0, kUntaken);
        refuse("stuck", effect.is_lost && effect.stuck.ns > 0, kUntaken);
        refuse("rms_rejects", effect.is_lost && effect.rms_rejects, kUntaken);
        refuse("no_tag", effect.is_lost && effect.is_untagged, kUntaken);
        refuse("odd_status", effect.is_lost && effect.odd_status, kUntaken);
        refuse("late_fill", effect.is_lost && effect.late_fill, kUntaken);
        refuse("lag", effect.answer && effect.lag.ns > 0, kNoRows);
        refuse("missing", effect.answer && effect.missing != 0, kNoRows);
        refuse("doubled", effect.answer && effect.is_doubled, kNoRows);
        refuse("shuffled", effect.answer && effect.is_permuted, kNoRows);
    }

    const std::vector<Item>* nodes_;
    Time midnight_;
    Findings* findings_;
    std::size_t errors_before_ = findings_->errors.size();
};

void read_faults(std::vector<Item>& nodes, Date day, Findings& findings, std::vector<Fault>& faults) {
    if (nodes.empty() || nodes.front().kind == Item::Kind::nothing) {
        findings.error({}, "is empty; write a list of faults, such as - {}", kFault.example);
        return;
    }
    if (nodes.front().kind != Item::Kind::list) {
        findings.error(nodes.front().at, "expects a list of faults, found {}; write - {}",
                       config::kind_text(nodes.front()), kFault.example);
        return;
    }
    const std::size_t count = nodes.front().entries.size();
    if (count > kMaxFaults) {
        findings.error(nodes.front().at, "holds {} faults; write at most {}", count, kMaxFaults);
        return;
    }
    config::refuse_commas(nodes, findings);
    config::refuse_duplicate_keys(nodes, findings);
    FaultReader reader(nodes, day, findings);
    for (const Item::Entry& entry : nodes.front().entries) {
        faults.push_back(reader.read(nodes[entry.value]));
    }
}

}  // namespace

Result<std::vector<Fault>> read_fault_script(std::string_view text, const std::string& path, Date day) {
    Findings findings;
    std::vector<Fault> faults;
    std::vector<Item> nodes = config::parse_yaml(text, findings);
    if (findings.errors.empty()) {
        read_faults(nodes, day, findings, faults);
    }
    if (!findings.errors.empty()) {
        return tl::unexpected(config::usage_error(findings, path));
    }
    return faults;
}

std::vector<std::string> fault_script_tables() {
    return {config::table_of(kWhen), config::table_of(kDo)};
}

}  // namespace alpha
