/// Places the orders that are written down in its `orders` parameter, each at the market event it
/// names: for stories, for trying out how orders behave, for the first look at one's own data. One
/// request a line (or between semicolons); docs/reference-script.md has the whole language:
///
///   at 3 buy 100 ACME                           a market order at the strategy's third market event
///   at 3 sell 50 ACME limit 101.5 day as exit   day, gtc or ioc; the name is for later lines
///   at 4 buy 10 "NIFTY 50" stop 102 limit 102.5   stop P, or stop P limit P
///   at 4 sell 50 ACME stop 95 reduce_only tag protect
///   at 4 buy 50 NSE:ACME mis                    cnc, mis, nrml or mtf; else the strategy's product
///   at 4 buy 50 ACME limit 99 then stop 95 target 110 as long   with exits, long.stop and long.target
///   at 4 sell 50 ACME limit 110 as up or sell 50 ACME stop 95 as down   of which one cancels the other
///   at 5 modify exit 40 limit 101.25            the new total quantity, and the prices that change
///   at 6 cancel exit
///
/// Market events are counted from 1: each quote, bar open and bar close of the strategy's
/// instruments is one.

#include "strategies/built_in.hpp"
#include "strategies/strategy_state.hpp"

#include <array>
#include <map>
#include <optional>

namespace alpha {

namespace {

struct Line {
    enum class Verb : std::uint8_t { place, cancel, modify };
    std::uint64_t at = 0;
    Verb verb = Verb::place;
    std::vector<OrderTerms> orders;  // to place, linked as Context::place_linked wants them; modify: the new terms
    std::vector<std::string> names;  // of the orders: given to them, or meant
    std::string instrument;          // of all of them; their terms name it once they are a strategy's
};

struct ParsedScript {
    std::vector<Line> lines;
    std::vector<std::string> errors;
};

/// A line of the script, cut into words.
struct Words {
    std::string_view text;  // as it was written
    std::vector<std::string> words;
    std::string error;  // about quotes
};

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

bool ends_line(char c) {
    return c == ';' || c == '\n';
}

/// Takes the first line off a script that is not empty. A word in double quotes may hold spaces and semicolons; a double quote in
/// it is written twice.
Words take_line(std::string_view& script) {
    Words line;
    std::size_t at = 0;
    const auto more = [&] { return at < script.size(); };
    while (more() && !ends_line(script[at])) {
        if (is_blank(script[at])) {
            ++at;
            continue;
        }
        std::string& word = line.words.emplace_back();
        if (script[at] != '"') {
            while (more() && !is_blank(script[at]) && !ends_line(script[at])) {
                word += script[at++];
            }
            continue;
        }
        ++at;
        while (more() && (script[at] != '"' || script.substr(at, 2) == "\"\"")) {
            word += script[at];
            at += script[at] == '"' ? 2U : 1U;
        }
        line.error = !more()        ? "has a quote that is not closed"
                     : word.empty() ? "has nothing between two quotes"
                                    : line.error;
        at += more() ? 1U : 0U;
    }
    line.text = script.substr(0, at);
    script.remove_prefix(at + (more() ? 1U : 0U));
    return line;
}

/// Reads one request, word by word.
class LineReader {
public:
    explicit LineReader(Words line) : words_(std::move(line.words)), error_(std::move(line.error)) {}

    tl::expected<Line, std::string> read() {
        expect("at");
        line_.at = static_cast<std::uint64_t>(number("the number of a market event", kScale) / kScale);
        const std::string verb = next("buy, sell, cancel or modify");
        if (verb == "buy" || verb == "sell") {
            read_legs(verb);
        } else if (verb == "cancel") {
            line_.verb = Line::Verb::cancel;
            line_.names.push_back(next("the name of an order"));
        } else if (verb == "modify") {
            read_change();
        } else {
            complain("'" + verb + "' is not buy, sell, cancel or modify");
        }
        if (next_ < words_.size()) {
            complain("'" + words_[next_] + "' is one word too many");
        }
        if (!error_.empty()) {
            return tl::unexpected(error_);
        }
        return line_;
    }

private:
    /// An order, and what takes it off again once it has filled.
    struct Leg {
        OrderTerms entry;
        std::string name;
        Price stop;
        Price target;
        bool has_exits() const { return stop.raw != 0 || target.raw != 0; }
    };

    void read_legs(std::string verb) {
        std::vector<Leg> legs;
        do {
            if (verb != "buy" && verb != "sell") {
                complain("'" + verb + "' after 'or' is not buy or sell");
            }
            legs.push_back(read_leg(verb == "buy" ? Side::buy : Side::sell));
            verb = take("or") ? next("buy or sell") : std::string();
        } while (error_.empty() && !verb.empty());
        link(legs);
    }

    Leg read_leg(Side side) {
        Leg leg;
        leg.entry.side = side;
        leg.entry.quantity = Qty{number("a quantity", 1)};
        const std::string instrument = next("an instrument");
        if (!line_.instrument.empty() && line_.instrument != instrument) {
            complain("names '" + instrument + "' after 'or', and '" + line_.instrument +
                     "' before; orders of which one cancels the others are in one instrument");
        }
        line_.instrument = instrument;
        bool has_exits = false;
        while (more() && words_[next_] != "or") {
            const std::string& word = words_[next_++];
            if (word == "as") {
                leg.name = next("a name");
            } else if (word == "tag") {
                leg.entry.tag = tag();
            } else if (has_exits) {
                read_exit(word, leg);
            } else if (word == "then") {
                has_exits = true;
            } else {
                read_term(word, leg.entry);
            }
        }
        leg.entry.type = type_of(leg.entry);
        if (has_exits) {
            check_exits(leg);
        }
        return leg;
    }

    void read_term(const std::string& word, OrderTerms& terms) {
        if (read_price(word, terms)) {
            return;
        }
        if (word == "reduce_only") {
            terms.reduce_only = true;
        } else if (word == "day" || word == "gtc" || word == "ioc") {
            terms.tif = word == "day" ? TimeInForce::day : word == "gtc" ? TimeInForce::gtc : TimeInForce::ioc;
        } else if (const std::optional<Product> product = product_of(word); product) {
            terms.product = *product;
        } else {
            complain("'" + word +
                     "' is not limit, stop, day, gtc, ioc, reduce_only, cnc, mis, nrml, mtf, tag, as, then or or");
        }
    }
    static std::optional<Product> product_of(std::string_view word) {
        for (const Product product : {Product::cnc, Product::mis, Product::nrml, Product::mtf}) {
            if (word == name_of(product)) {
                return product;
            }
        }
        return std::nullopt;
    }
    bool read_price(const std::string& word, OrderTerms& terms) {
        if (word != "limit" && word != "stop") {
            return false;
        }
        (word == "limit" ? terms.limit_price : terms.stop_price) = Price{number("a price", 1)};
        return true;
    }
    void read_exit(const std::string& word, Leg& leg) {
        if (word == "stop") {
            leg.stop = Price{number("a price", 1)};
        } else if (word == "target") {
            leg.target = Price{number("a price", 1)};
        } else {
            complain("'" + word + "' after 'then' is not stop, target, tag or as");
        }
    }
    void check_exits(const Leg& leg) {
        const bool is_long = leg.entry.side == Side::buy;
        if (!leg.has_exits()) {
            complain("has neither stop nor target after 'then'");
        } else if (leg.entry.reduce_only) {
            complain("has 'then' after 'reduce_only'; what only reduces a position leaves nothing to exit from");
        } else if (leg.stop.raw != 0 && leg.target.raw != 0 &&
                   (is_long ? leg.stop >= leg.target : leg.stop <= leg.target)) {
            complain("has its stop on the side of its target; the stop of what is " +
                     std::string(is_long ? "bought lies below" : "sold lies above"));
        }
    }

    /// Entries first, since the legs of a group stand side by side; behind them the exits of each.
    void link(const std::vector<Leg>& legs) {
        const OrderId group{legs.size() > 1 ? 1U : 0U};
        for (const Leg& leg : legs) {
            line_.orders.push_back(leg.entry);
            line_.orders.back().group = group;
            line_.names.push_back(leg.name);
        }
        for (std::size_t i = 0; i < legs.size(); ++i) {
            const Leg& leg = legs[i];
            OrderTerms exit = leg.entry;
            exit.side = opposite(leg.entry.side);
            exit.tif = TimeInForce::gtc;
            exit.parent = OrderId{i + 1};
            exit.group = OrderId{leg.stop.raw != 0 && leg.target.raw != 0 ? line_.orders.size() + 1 : 0};
            if (leg.stop.raw != 0) {
                exit.limit_price = Price{};
                exit.stop_price = leg.stop;
                add_exit(exit, leg.name, ".stop");
            }
            if (leg.target.raw != 0) {
                exit.limit_price = leg.target;
                exit.stop_price = Price{};
                add_exit(exit, leg.name, ".target");
            }
        }
        if (line_.orders.size() > limits::kMaxLegs) {
            complain("places " + std::to_string(line_.orders.size()) + " orders that are linked; the most are " +
                     std::to_string(limits::kMaxLegs));
        }
    }
    void add_exit(OrderTerms exit, const std::string& entry, const char* which) {
        exit.type = type_of(exit);
        line_.orders.push_back(exit);
        line_.names.push_back(entry.empty() ? entry : entry + which);
    }

    void read_change() {
        line_.verb = Line::Verb::modify;
        line_.names.push_back(next("the name of an order"));
        OrderTerms& terms = line_.orders.emplace_back();
        terms.quantity = Qty{number("a quantity", 1)};
        while (more()) {
            const std::string& word = words_[next_++];
            if (!read_price(word, terms)) {
                complain("'" + word + "' is not limit or stop");
            }
        }
    }

    static OrderType type_of(const OrderTerms& terms) {
        const bool limit = terms.limit_price.raw != 0;
        const bool stop = terms.stop_price.raw != 0;
        return stop ? (limit ? OrderType::stop_limit : OrderType::stop)
                    : (limit ? OrderType::limit : OrderType::market);
    }
    bool more() const { return error_.empty() && next_ < words_.size(); }
    /// Takes the word if it is the next one.
    bool take(const char* word) {
        const bool is_next = more() && words_[next_] == word;
        next_ += is_next ? 1U : 0U;
        return is_next;
    }
    std::string next(const char* wanted) {
        if (next_ == words_.size()) {
            complain(std::string("ends where ") + wanted + " is expected");
            return {};
        }
        return words_[next_++];
    }
    void expect(const char* word) {
        if (next(word) != word) {
            complain(std::string("does not begin with '") + word + "'");
        }
    }
    std::string tag() {
        std::string word = next("a tag");
        if (word.size() > limits::kMaxTagBytes) {
            complain("'" + word + "' is too long for a tag; the most are " + std::to_string(limits::kMaxTagBytes) +
                     " bytes");
        }
        return word;
    }
    /// A positive decimal that is a multiple of `step`, as its raw value.
    std::int64_t number(const char* wanted, std::int64_t step) {
        const std::string word = next(wanted);
        const auto value = parse_qty(word);
        if (!value || value->raw <= 0 || value->raw % step != 0 || *value > limits::kMaxQty) {
            complain("'" + word + "' is not " + wanted);
            return step;
        }
        return value->raw;
    }
    void complain(std::string what) {
        if (error_.empty()) {
            error_ = std::move(what);
        }
    }

    std::vector<std::string> words_;
    std::size_t next_ = 0;
    Line line_;
    std::string error_;
};

ParsedScript parse_script(std::string_view script) {
    ParsedScript parsed;
    std::uint64_t last = 0;
    while (!script.empty()) {
        Words words = take_line(script);
        if (words.words.empty()) {
            continue;
        }
        std::string_view text = words.text;
        text.remove_prefix(text.find_first_not_of(" \t\r"));
        auto line = LineReader(std::move(words)).read();
        if (line && line->at < last) {
            line = tl::unexpected(std::string("comes after a line for a later event"));
        }
        if (!line) {
            parsed.errors.push_back("'" + std::string(text) + "' " + line.error());
            continue;
        }
        last = line->at;
        parsed.lines.push_back(std::move(*line));
    }
    return parsed;
}

class Script final : public Strategy {
public:
    /// Instruments go by what the scenario calls them, whatever they are called later.
    Script(const StrategyConfig& config, std::span<const Instrument> listed)
        : lines_(parse_script(text_param(config.params, "orders")).lines) {
        for (Line& line : lines_) {
            const auto is_meant = [&](InstrumentId id) { return listed[id.value].name == line.instrument; };
            const auto found = std::ranges::find_if(config.instruments, is_meant);
            ALPHA_ASSERT(line.verb != Line::Verb::place || found != config.instruments.end(),
                         "a script's instruments were checked with its scenario");
            for (OrderTerms& order : line.orders) {
                order.instrument = found == config.instruments.end() ? InstrumentId{} : *found;
            }
        }
    }

    void on_quote(const QuoteTick&, Context& context) override { next_event(context); }
    void on_trade(const TradeTick&, Context& context) override { next_event(context); }
    void on_bar_opened(const BarOpened&, Context& context) override { next_event(context); }
    void on_bar(const BarClosed&, Context& context) override { next_event(context); }

    void save(ByteBuffer& bytes) const override {
        OutCursor out(bytes);
        out(events_, next_line_, std::uint64_t{placed_.size()});
        for (const auto& [line, first] : placed_) {
            out(line, first);
        }
    }
    Result<void> load(Bytes bytes) override {
        InCursor in(bytes);
        std::uint64_t events = 0;
        std::uint64_t next_line = 0;
        std::uint64_t lines = 0;
        in(events, next_line, lines);
        in.require(next_line <= lines_.size());
        std::map<std::uint64_t, OrderId> placed;
        for (; lines > 0 && in.ok(); --lines) {
            std::uint64_t line = 0;
            OrderId first;
            in(line, first);
            in.require(line < lines_.size() && lines_[line].verb == Line::Verb::place &&
                       (placed.empty() || placed.rbegin()->first < line));
            placed[line] = first;
        }
        return check_read(in, "script").map([&] {
            events_ = events;
            next_line_ = next_line;
            placed_ = std::move(placed);
        });
    }

private:
    void next_event(Context& context) {
        ++events_;
        while (next_line_ < lines_.size() && lines_[next_line_].at <= events_) {
            carry_out(next_line_, context);
            ++next_line_;
        }
    }

    void carry_out(std::uint64_t index, Context& context) {
        const Line& line = lines_[index];
        if (line.verb == Line::Verb::place) {
            const std::vector<OrderTerms>& orders = line.orders;
            placed_[index] = orders.size() == 1 ? context.place(orders.front()) : context.place_linked(orders);
            return;
        }
        const Named named = latest(line.names.front(), index);
        if (line.verb == Line::Verb::cancel) {
            context.cancel(named.order);
            return;
        }
        // What a modify line does not mention stays as the order has it; one that was placed at this very event, as it was placed.
        const OrderTerms& wanted = line.orders.front();
        const Order* known = context.view().order(named.order);
        const OrderTerms* before = known != nullptr ? &known->terms : named.placed;
        const auto price_of = [&](Price OrderTerms::* price) {
            return (wanted.*price).raw != 0 || before == nullptr ? wanted.*price : before->*price;
        };
        context.modify(named.order, wanted.quantity, price_of(&OrderTerms::limit_price),
                       price_of(&OrderTerms::stop_price));
    }

    struct Named {
        OrderId order;
        const OrderTerms* placed = nullptr;  // what was asked of the market
    };
    /// The latest order placed under the name before line `index`; order 0, which never exists, if
    /// there is none.
    Named latest(const std::string& name, std::uint64_t index) const {
        Named found;
        for (const auto& [at, first] : placed_) {
            const Line& line = lines_[at];
            for (std::size_t i = 0; i < line.names.size() && at < index; ++i) {
                if (line.names[i] == name) {
                    found = {OrderId{first.value + i}, &line.orders[i]};
                }
            }
        }
        return found;
    }

    std::vector<Line> lines_;
    std::uint64_t events_ = 0;
    std::uint64_t next_line_ = 0;
    std::map<std::uint64_t, OrderId>
        placed_;  // by the index of the line: the first of its orders, whose numbers follow
};

std::vector<ParamError> check(const StrategyConfig& config, std::span<const Instrument> listed) {
    const ParsedScript script = parse_script(text_param(config.params, "orders"));
    std::vector<ParamError> errors;
    errors.reserve(script.errors.size());
    for (const std::string& error : script.errors) {
        errors.push_back({"orders", error});
    }
    for (std::size_t i = 0; i < script.lines.size(); ++i) {
        const Line& line = script.lines[i];
        if (line.verb == Line::Verb::place) {
            if (std::ranges::none_of(config.instruments,
                                     [&](InstrumentId id) { return listed[id.value].name == line.instrument; })) {
                errors.push_back({"orders", "'" + line.instrument + "' is not among the strategy's instruments"});
            }
            continue;
        }
        const std::string& name = line.names.front();
        const auto placed = script.lines.begin() + static_cast<std::ptrdiff_t>(i);
        const bool known = std::any_of(script.lines.begin(), placed, [&](const Line& earlier) {
            return earlier.verb == Line::Verb::place && std::ranges::find(earlier.names, name) != earlier.names.end();
        });
        if (!known) {
            errors.push_back({"orders", std::string("no order was named '")
                                            .append(name)
                                            .append("' before; add 'as ")
                                            .append(name)
                                            .append("' to one")});
        }
    }
    return errors;
}

constexpr std::array kParams = {
    ParamSpec{"orders",
              ParamKind::text,
              "",
              {},
              {},
              "what to do, one request a line: at 3 buy 100 ACME limit 99.5 day as entry"},
};

}  // namespace

StrategySpec script_spec() {
    StrategySpec spec;
    spec.name = "script";
    spec.summary = "places the orders written down in `orders`, each at the market event it names";
    spec.params = kParams;
    spec.uses = {.quotes = true, .trades = true, .bars = true};
    spec.check = check;
    spec.make = [](const StrategyConfig& config, std::span<const Instrument> listed) -> std::unique_ptr<Strategy> {
        return std::make_unique<Script>(config, listed);
    };
    return spec;
}

}  // namespace alpha
