/// Places the orders that are written down in its `orders` parameter, each at the market event it
/// names: for stories, for trying out how orders behave, for the first look at one's own data. One
/// wish a line (or between semicolons); docs/reference-script.md has the whole language:
///
///   at 3 buy 100 ACME                           a market order at the strategy's third market event
///   at 3 sell 50 ACME limit 101.5 day as exit   day, gtc or ioc; the name is for later lines
///   at 4 buy 10 "NIFTY 50" stop 102 limit 102.5   stop P, or stop P limit P
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
    OrderTerms terms;  // its instrument is set when the line is carried out
    std::string instrument;
    std::string name;  // of the order: given to it, or meant
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

/// Reads one wish, word by word.
class LineReader {
public:
    explicit LineReader(Words line) : words_(std::move(line.words)), error_(std::move(line.error)) {}

    tl::expected<Line, std::string> read() {
        expect("at");
        line_.at = static_cast<std::uint64_t>(number("the number of a market event", kScale) / kScale);
        const std::string verb = next("buy, sell, cancel or modify");
        if (verb == "buy" || verb == "sell") {
            line_.terms.side = verb == "buy" ? Side::buy : Side::sell;
            line_.terms.quantity = Qty{number("a quantity", 1)};
            line_.instrument = next("an instrument");
            line_.terms.tif = TimeInForce::gtc;
            order_words(true);
        } else if (verb == "cancel") {
            line_.verb = Line::Verb::cancel;
            line_.name = next("the name of an order");
        } else if (verb == "modify") {
            line_.verb = Line::Verb::modify;
            line_.name = next("the name of an order");
            line_.terms.quantity = Qty{number("a quantity", 1)};
            order_words(false);
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
    void order_words(bool placing) {
        while (error_.empty() && next_ < words_.size()) {
            const std::string& word = words_[next_++];
            if (word == "limit") {
                line_.terms.limit_price = Price{number("a price", 1)};
            } else if (word == "stop") {
                line_.terms.stop_price = Price{number("a price", 1)};
            } else if (placing && word == "as") {
                line_.name = next("a name");
            } else if (placing && (word == "day" || word == "gtc" || word == "ioc")) {
                line_.terms.tif = word == "day"   ? TimeInForce::day
                                  : word == "gtc" ? TimeInForce::gtc
                                                  : TimeInForce::ioc;
            } else {
                complain("'" + word + "' is not limit, stop" + (placing ? ", day, gtc, ioc or as" : ""));
            }
        }
        const bool limit = line_.terms.limit_price.raw != 0;
        const bool stop = line_.terms.stop_price.raw != 0;
        line_.terms.type =
            stop ? (limit ? OrderType::stop_limit : OrderType::stop) : (limit ? OrderType::limit : OrderType::market);
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
    explicit Script(const StrategyConfig& config) : lines_(parse_script(text_param(config.params, "orders")).lines) {}

    void on_quote(const QuoteTick&, Context& context) override { next_event(context); }
    void on_bar_opened(const BarOpened&, Context& context) override { next_event(context); }
    void on_bar(const BarClosed&, Context& context) override { next_event(context); }

    void save(ByteBuffer& bytes) const override {
        StateWriter out(bytes);
        out.u64(events_);
        out.u64(next_line_);
        out.u64(orders_.size());
        for (const auto& [line, order] : orders_) {
            out.u64(line);
            out.u64(order.value);
        }
    }
    Result<void> load(Bytes bytes) override {
        StateReader in(bytes);
        const std::uint64_t events = in.u64();
        const std::uint64_t next_line = in.u64();
        in.require(next_line <= lines_.size());
        std::map<std::uint64_t, OrderId> orders;
        for (std::uint64_t n = in.u64(); n > 0 && in.ok(); --n) {
            const std::uint64_t line = in.u64();
            in.require(line < lines_.size() && (orders.empty() || orders.rbegin()->first < line));
            orders[line] = OrderId{in.u64()};
        }
        return in.finish("script").map([&] {
            events_ = events;
            next_line_ = next_line;
            orders_ = std::move(orders);
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
            OrderTerms terms = line.terms;
            terms.instrument = instrument_named(line.instrument, context.view());
            orders_[index] = context.place(terms);
            return;
        }
        const OrderId order = order_named(line.name, index);
        if (line.verb == Line::Verb::cancel) {
            context.cancel(order);
            return;
        }
        // What a modify line does not mention stays as the order has it.
        const Order* known = context.view().order(order);
        const Price limit =
            line.terms.limit_price.raw != 0 || known == nullptr ? line.terms.limit_price : known->terms.limit_price;
        const Price stop =
            line.terms.stop_price.raw != 0 || known == nullptr ? line.terms.stop_price : known->terms.stop_price;
        context.modify(order, line.terms.quantity, limit, stop);
    }

    static InstrumentId instrument_named(const std::string& name, const View& view) {
        for (const InstrumentId id : view.config().instruments) {
            if (view.instrument(id).name == name) {
                return id;
            }
        }
        ALPHA_ASSERT(false, "a script's instruments were checked with its scenario");
        return {};
    }

    /// The latest order placed under the name before line `index`; order 0, which never exists, if
    /// there is none.
    OrderId order_named(const std::string& name, std::uint64_t index) const {
        OrderId latest{};
        for (const auto& [line, order] : orders_) {
            if (line < index && lines_[line].name == name) {
                latest = order;
            }
        }
        return latest;
    }

    std::vector<Line> lines_;
    std::uint64_t events_ = 0;
    std::uint64_t next_line_ = 0;
    std::map<std::uint64_t, OrderId> orders_;  // by the index of the line that placed them
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
        const auto placed = script.lines.begin() + static_cast<std::ptrdiff_t>(i);
        const bool known = std::any_of(script.lines.begin(), placed, [&](const Line& earlier) {
            return earlier.verb == Line::Verb::place && earlier.name == line.name;
        });
        if (!known) {
            errors.push_back(
                {"orders", "no order was named '" + line.name + "' before; add 'as " + line.name + "' to one"});
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
              "what to do, one wish a line: at 3 buy 100 ACME limit 99.5 day as entry"},
};

}  // namespace

StrategySpec script_spec() {
    StrategySpec spec;
    spec.name = "script";
    spec.summary = "places the orders written down in `orders`, each at the market event it names";
    spec.params = kParams;
    spec.uses_quotes = true;
    spec.uses_bars = true;
    spec.check = check;
    spec.make = [](const StrategyConfig& config, std::span<const Instrument>) -> std::unique_ptr<Strategy> {
        return std::make_unique<Script>(config);
    };
    return spec;
}

}  // namespace alpha
