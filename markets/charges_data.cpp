#include "markets/charges.hpp"
#include "markets/data/charges.csv.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <tuple>

namespace alpha::markets {

namespace {

constexpr std::string_view kEmbeddedFile = "charges.csv";
constexpr std::string_view kCommonPlan = "india";
constexpr std::string_view kBrokersPlan = "zerodha";

constexpr std::size_t kMaxRows = 5'000;  // each is compared with each
constexpr std::size_t kMaxName = 64;
constexpr Money kMaxAmount = money_of(1'000'000'000);

// ---- fields ----------------------------------------------------------------------------------------------------------

/// The words of "NSE BSE"; one empty text for any.
std::vector<std::string> words_or_any(std::string_view text) {
    std::vector<std::string> words = words_of(text);
    return words.empty() || (words.size() == 1 && words.front() == "*") ? std::vector<std::string>{""} : words;
}

bool is_plain_name(std::string_view text) {
    return !text.empty() && text.size() <= kMaxName && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_.&:-").find(c) != std::string_view::npos;
    });
}

/// "0.1%" or "306.99/cr": exact, or refused. `why` of a refusal only.
std::optional<ChargeRate> rate_of(std::string_view text, std::string& why) {
    Int128 per_one = 0;  // 1e-14 of one for 1e-8 of what is written, times ten
    if (text.ends_with("%")) {
        per_one = 100'000;
        text.remove_suffix(1);
    } else if (text.ends_with("/cr")) {
        per_one = 1;
        text.remove_suffix(3);
    } else {
        why = "is no rate: write 0.1% or, per crore, 306.99/cr";
        return std::nullopt;
    }
    const auto number = parse_decimal(text);
    if (!number) {
        why = number.error().why;
        return std::nullopt;
    }
    if (abs(Money{number->raw}) > money_of(10'000'000)) {
        why = "is more than the whole turnover";
        return std::nullopt;
    }
    const Int128 tenths = number->raw * per_one;
    if (tenths % 10 != 0) {
        why = "has more than seven decimal places";
        return std::nullopt;
    }
    if (tenths / 10 > kChargeRateOne || tenths / 10 < -kChargeRateOne) {
        why = "is more than the whole turnover";
        return std::nullopt;
    }
    return ChargeRate{static_cast<std::int64_t>(tenths / 10)};
}

std::optional<Money> amount_of(std::string_view text, std::string& why) {
    const auto amount = parse_money(text);
    if (!amount) {
        why = std::string(amount.error().why) + "; an amount is written 20 or 0.005";
        return std::nullopt;
    }
    if (amount->raw < 0 || *amount > kMaxAmount) {
        why = "is not between 0 and " + to_string(kMaxAmount);
        return std::nullopt;
    }
    return *amount;
}

bool is_rate(ChargeBase base) {
    return base == ChargeBase::turnover || base == ChargeBase::premium || base == ChargeBase::intrinsic ||
           base == ChargeBase::charges;
}

bool is_of_an_order(ChargeLine line) {
    return line < ChargeLine::gst;
}

// ---- one row -----------------------------------------------------------------------------------------------------------

class RowReader {
public:
    explicit RowReader(const Row& row)
        : row_(row), cells_(row, {"line",   "base",      "value",   "exchange", "group",  "segment",  "product",
                                  "side",   "liquidity", "minimum", "maximum",  "shown",  "rounding", "gst",
                                  "column", "from",      "to",      "doubt",    "source", "grade"}) {}

    /// One row for each combination of its lists' words.
    Result<std::vector<ChargeRow>> read() {
        ChargeRow row;
        row.line_number = static_cast<std::uint32_t>(row_.place.line);
        const auto line = choice("line", ChargeLine::square_off);
        const auto base = choice("base", ChargeBase::scrip_day);
        if (!line || !base) {
            static_cast<void>(cells_.text("line"));
            static_cast<void>(cells_.text("base"));
            return cells_.failure();
        }
        row.line = *line;
        row.base = *base;
        row.shown = choice("shown", ChargeLine::square_off).value_or(row.line);
        row.rounding = choice("rounding", ChargeRounding::rupee).value_or(ChargeRounding::none);
        row.column = field("column");
        row.doubt = field("doubt");
        row.source.text = field("source");
        row.source.grade = choice("grade", Grade::unknown).value_or(Grade::stated);
        row.from = day("from", kFirstChargeDay);
        row.to = day("to", kLastChargeDay);
        require(row.from <= row.to, "to", "is before the first day");
        const std::string_view gst = field("gst");
        require(gst.empty() || gst == "yes" || gst == "no", "gst", "is neither yes nor no");
        row.in_gst_base = gst == "yes";
        read_value(row);

        const auto exchanges = names("exchange");
        const auto groups = names("group");
        const auto segments = choices("segment", ChargeSegment::physical);
        const auto products = choices("product", ChargeProduct::intraday);
        const auto sides = choices("side", Side::sell, Side::buy);
        const auto liquidities = choices("liquidity", Liquidity::maker);
        check(row, segments, liquidities);
        std::size_t combinations = 1;
        for (const std::size_t n :
             {exchanges.size(), groups.size(), segments.size(), products.size(), sides.size(), liquidities.size()}) {
            require(n <= kMaxRows / combinations, "line", "stands for too many rows");
            combinations = std::min(combinations * n, kMaxRows);
        }
        if (!cells_.ok()) {
            return cells_.failure();
        }

        std::vector<ChargeRow> rows;
        for (const auto& exchange : exchanges) {
            for (const auto& segment : segments) {
                for (const auto& group : groups) {
                    for (const auto& product : products) {
                        for (const auto& side : sides) {
                            for (const auto& liquidity : liquidities) {
                                row.exchange = exchange;
                                row.segment = segment;
                                row.group = group;
                                row.product = product;
                                row.side = side;
                                row.liquidity = liquidity;
                                rows.push_back(row);
                            }
                        }
                    }
                }
            }
        }
        return rows;
    }

private:
    std::string_view field(std::string_view name) { return cells_.optional(name); }
    void require(bool holds, std::string_view name, const std::string& why) {
        if (!holds) {
            cells_.refuse(name, why);
        }
    }
    template <class E>
    std::optional<E> choice(std::string_view name, E last) {
        const std::string_view text = field(name);
        const auto found = named_as(text, last);
        require(text.empty() || found, name, "is none of " + names_up_to(last));
        return found;
    }
    template <class E>
    std::vector<std::optional<E>> choices(std::string_view name, E last, E first = E{}) {
        std::vector<std::optional<E>> all;
        for (const std::string& word : words_or_any(field(name))) {
            all.push_back(named_as(word, last, first));
            require(word.empty() || all.back(), name, "is not known");
        }
        return all;
    }
    std::vector<std::string> names(std::string_view name) {
        auto all = words_or_any(field(name));
        for (const std::string& word : all) {
            require(word.empty() || is_plain_name(word), name,
                    "is no name: letters, digits and _.&:- only, at most 64");
        }
        return all;
    }
    Date day(std::string_view name, Date otherwise) { return field(name).empty() ? otherwise : cells_.date(name); }

    void read_value(ChargeRow& row) {
        std::string why;
        if (is_rate(row.base)) {
            const auto rate = rate_of(field("value"), why);
            require(rate.has_value(), "value", why);
            row.rate = rate.value_or(ChargeRate{});
        } else {
            const auto amount = amount_of(field("value"), why);
            require(amount.has_value(), "value", why);
            row.amount = amount.value_or(Money{});
        }
        if (const auto text = field("minimum"); !text.empty()) {
            const auto amount = amount_of(text, why);
            require(amount.has_value(), "minimum", why);
            row.minimum = amount.value_or(Money{});
        }
        if (const auto text = field("maximum"); text.ends_with("%")) {
            const auto rate = rate_of(text, why);
            require(rate.has_value(), "maximum", why);
            row.maximum_rate = rate.value_or(ChargeRate{});
            require(row.maximum_rate.e14 > 0, "maximum", "is not above 0");
        } else if (!text.empty()) {
            const auto amount = amount_of(text, why);
            require(amount.has_value(), "maximum", why);
            row.maximum = amount.value_or(Money{});
            require(row.maximum.raw > 0, "maximum", "is not above 0");
            require(row.minimum <= row.maximum, "maximum", "is below the minimum");
        }
    }

    /// Whether base, line and value fit each other.
    void check(const ChargeRow& row, const std::vector<std::optional<ChargeSegment>>& segments,
               const std::vector<std::optional<Liquidity>>& liquidities) {
        const auto all = [](const auto& list, auto value) {
            return std::all_of(list.begin(), list.end(), [&](const auto& each) { return each == value; });
        };
        require(row.base != ChargeBase::premium || all(segments, ChargeSegment::options), "base", "is of options only");
        require(row.base != ChargeBase::intrinsic || all(segments, ChargeSegment::exercise), "base",
                "is of exercise only");
        require((row.base == ChargeBase::charges) == (row.line == ChargeLine::gst), "base",
                "does not fit: charges is the base of gst, and of nothing else");
        require((row.base == ChargeBase::note) == (row.line == ChargeLine::note), "base",
                "does not fit: note is the base of the line note, and of nothing else");
        require((row.base == ChargeBase::scrip_day) == (row.line == ChargeLine::dp || row.line == ChargeLine::dp_btst),
                "base", "does not fit: scrip_day is the base of dp and dp_btst, and of nothing else");
        require(row.line != ChargeLine::square_off || row.base == ChargeBase::order, "base",
                "does not fit: square_off is an amount per order");
        require(!is_tax_on_trades(row.line) || is_rate(row.base), "base",
                "does not fit: taxes on trades are parts of turnover");
        const bool is_bounded = row.minimum.raw != 0 || row.maximum.raw != 0 || row.maximum_rate.e14 != 0;
        require(!is_bounded || (is_of_an_order(row.line) && !is_tax_on_trades(row.line)), "line",
                "has no minimum or maximum: only what is charged per order has");
        require(row.line != ChargeLine::gst || !row.in_gst_base, "gst", "cannot be a part of its own base");
        require(row.shown == row.line || is_of_an_order(row.shown), "shown", "is no line of its own on a note");
        require(row.shown == row.line || row.line == ChargeLine::note || is_of_an_order(row.line), "shown",
                "does not fit: this line stands for itself");
        if (row.rate.e14 < 0) {
            require(all(liquidities, Liquidity::maker) && is_of_an_order(row.line), "value",
                    "is below 0: only makers have rebates");
            require(!is_bounded && !row.in_gst_base, "value",
                    "is below 0: a rebate has no bounds and is in no tax's base");
        }
    }

    const Row& row_;
    Cells cells_;
};

// ---- plans -------------------------------------------------------------------------------------------------------------

bool meet(const std::string& a, const std::string& b) {
    return a.empty() || b.empty() || a == b;
}
template <class E>
bool meet(const std::optional<E>& a, const std::optional<E>& b) {
    return !a || !b || a == b;
}
bool meet_in_days(const ChargeRow& a, const ChargeRow& b) {
    return a.from <= b.to && b.from <= a.to;
}

/// Where a row was written.
struct Origin {
    const std::string& file;
    std::string_view extended;  ///< the embedded plan that counts too
    std::size_t first_own;      ///< rows before it are the embedded plan's
};

/// Rows that hold for the same execution, or that one line of a note cannot show together.
std::optional<Error> contradiction(const std::vector<ChargeRow>& rows, const Origin& origin) {
    for (std::size_t b = origin.first_own; b < rows.size(); ++b) {
        for (std::size_t a = 0; a < b; ++a) {
            const ChargeRow& one = rows[a];
            const ChargeRow& other = rows[b];
            if (one.shown != other.shown || !meet(one.exchange, other.exchange) || !meet_in_days(one, other)) {
                continue;
            }
            const auto contradicts = [&](const char* how) {
                const std::string earlier =
                    a < origin.first_own ? fmt::format("line {} of the plan {}", one.line_number, origin.extended)
                                         : fmt::format("line {}", one.line_number);
                return refuse_at({origin.file, other.line_number, 0},
                                 fmt::format("{} {} {}", name_of(other.line), how, earlier))
                    .value();
            };
            if (one.line == other.line && meet(one.segment, other.segment) && meet(one.group, other.group) &&
                meet(one.product, other.product) && meet(one.side, other.side) &&
                meet(one.liquidity, other.liquidity)) {
                return contradicts("holds for the same executions as");
            }
            if (one.rounding != other.rounding) {
                return contradicts("is shown in one line, but rounded otherwise than");
            }
        }
    }
    return std::nullopt;
}

auto order_of(const ChargeRow& row) {
    return std::tie(row.line, row.exchange, row.segment, row.group, row.product, row.side, row.liquidity, row.from);
}

/// What follows "extends:" in front of the header; there, a comment takes its place, so that lines keep their numbers.
std::string take_extends(std::string& text) {
    constexpr std::string_view kExtends = "extends:";
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = std::string_view(text).substr(at, end - at);
        if (line.starts_with(kExtends)) {
            std::string_view name = line.substr(kExtends.size());
            name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
            name = name.substr(0, name.find_last_not_of(" \r") + 1);
            std::string extends(name.empty() ? std::string_view("nothing") : name);
            text[at] = '#';
            return extends;
        }
        if (line.find_first_not_of(" \r") != std::string_view::npos && !line.starts_with('#')) {
            break;
        }
        at = end + 1;
    }
    return {};
}

Result<ChargePlan> plan_of(std::span<const Row> rows, const std::string& file, std::string name, ChargePlan extended) {
    const std::string extended_name = std::move(extended.name);
    ChargePlan plan{std::move(name), std::move(extended.rows)};
    const std::size_t first_own = plan.rows.size();
    if (rows.empty()) {
        return refuse_at({file, 0, 0}, "the table of charges has no rows");
    }
    for (const Row& row : rows) {
        if (std::ranges::any_of(row.cells, [](const auto& cell) { return cell.first.starts_with("tier"); })) {
            return refuse_at(row.place,
                             "tiers by the month's turnover or quantity are not supported yet; give the tier "
                             "that holds as a row with from and to");
        }
        auto read = RowReader(row).read();
        if (!read) {
            return tl::unexpected(std::move(read.error()));
        }
        std::move(read->begin(), read->end(), std::back_inserter(plan.rows));
        if (plan.rows.size() > kMaxRows) {
            return refuse_at(row.place, fmt::format("a table of charges has at most {} rows", kMaxRows));
        }
    }
    if (auto error = contradiction(plan.rows, {file, extended_name, first_own})) {
        return tl::unexpected(std::move(*error));
    }
    // No two rows are equal in this order: they would hold for the same executions.
    std::sort(plan.rows.begin(), plan.rows.end(),
              [](const ChargeRow& a, const ChargeRow& b) { return order_of(a) < order_of(b); });
    return plan;
}

std::string quantity_of(const ChargeRow& row) {
    if (row.base == ChargeBase::order || row.base == ChargeBase::share || row.base == ChargeBase::note) {
        return fmt::format("{} a{} {}", to_string(row.amount), row.base == ChargeBase::order ? "n" : "",
                           name_of(row.base));
    }
    if (row.base == ChargeBase::scrip_day) {
        return fmt::format("{} a scrip and day", to_string(row.amount));
    }
    // 1e-14 of one is 1e-12 of a hundredth.
    std::string text =
        fmt::format("{}.{:012}", row.rate.e14 / 1'000'000'000'000, std::abs(row.rate.e14) % 1'000'000'000'000);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') {
        text.pop_back();
    }
    if (row.rate.e14 < 0 && text.front() != '-') {
        text.insert(0, "-");
    }
    return fmt::format("{}% of {}", text, row.base == ChargeBase::charges ? "the lines it taxes" : name_of(row.base));
}

}  // namespace

std::string describe(const ChargeRow& row) {
    std::string text = quantity_of(row);
    if (row.minimum.raw != 0) {
        text += fmt::format(", at least {}", to_string(row.minimum));
    }
    if (row.maximum.raw != 0) {
        text += fmt::format(", at most {}", to_string(row.maximum));
    }
    if (row.maximum_rate.e14 != 0) {
        ChargeRow most;
        most.rate = row.maximum_rate;
        text += fmt::format(", at most {}", quantity_of(most));
    }
    std::string of;
    const auto add = [&](std::string_view word) { of.append(of.empty() ? "" : " ").append(word); };
    if (row.side) {
        add(*row.side == Side::buy ? "buying" : "selling");
    }
    if (row.liquidity) {
        add(*row.liquidity == Liquidity::maker ? "as a maker" : "as a taker");
    }
    if (row.product) {
        add(name_of(*row.product));
    }
    if (row.segment) {
        add(name_of(*row.segment));
    }
    if (!row.group.empty()) {
        add(fmt::format("({})", row.group));
    }
    if (!row.exchange.empty()) {
        add("on " + row.exchange);
    }
    if (!of.empty()) {
        text += ", " + of;
    }
    if (row.from != kFirstChargeDay) {
        text += ", from " + to_iso(row.from);
    }
    if (row.to != kLastChargeDay) {
        text += ", to " + to_iso(row.to);
    }
    if (!row.source.text.empty()) {
        text += "; " + row.source.text;
    }
    text += fmt::format(" [{}]", name_of(row.source.grade));
    if (!row.doubt.empty()) {
        text += "; in doubt: " + row.doubt;
    }
    return text;
}

Result<ChargePlan> embedded_charges(std::string_view name) {
    if (name != kCommonPlan && name != kBrokersPlan) {
        return fail(ErrorKind::usage,
                    fmt::format("there is no plan of charges called '{}'; there are {} and {}, or a file of your own",
                                name.substr(0, 48), kCommonPlan, kBrokersPlan),
                    ErrorCode::not_found);
    }
    const std::string file(kEmbeddedFile);
    auto rows = read_csv_rows(file, embedded::kChargesCsv);
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    std::erase_if(*rows, [&](const Row& row) {
        const std::string& plan = row.cells.front().second;
        return plan != kCommonPlan && plan != name;
    });
    for (Row& row : *rows) {
        row.cells.erase(row.cells.begin());
    }
    return plan_of(*rows, file, std::string(name), {});
}

Result<ChargePlan> read_charges(std::span<const Row> rows, const std::string& file, std::string name,
                                std::string_view extends) {
    ChargePlan extended;
    if (!extends.empty()) {
        auto embedded = embedded_charges(extends);
        if (!embedded) {
            return refuse_at({file, 0, 0}, embedded.error().message);
        }
        extended = std::move(*embedded);
    }
    return plan_of(rows, file, std::move(name), std::move(extended));
}

Result<ChargePlan> read_charges(std::string_view text, const std::string& file, std::string name) {
    std::string csv(text);
    const std::string extends = take_extends(csv);
    const auto rows = read_csv_rows(file, csv);
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    return read_charges(*rows, file, std::move(name), extends);
}

}  // namespace alpha::markets
