#include "cli/diff.hpp"

#include "cli/chain.hpp"
#include "cli/command.hpp"
#include "runtime/compare.hpp"
#include "runtime/fold.hpp"
#include "views/json.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <optional>

namespace alpha {
namespace {

/// Rows of a state's table that say nothing new, beyond which the rest is only counted.
constexpr std::size_t kUnchangedRows = 20;

struct DiffOptions {
    std::string a;
    std::string b;
};

// ---- settings --------------------------------------------------------------------------------------------------------------

/// The leaves of a canonical JSON text by their paths, in its order: `strategies[cross].params[fast]`. Elements of a list go by
/// their name, key or rule where they have one. Takes only what events/text.hpp writes.
class JsonLeaves {
public:
    explicit JsonLeaves(std::string_view json) : rest_(json) { value(""); }
    std::vector<std::pair<std::string, std::string>> leaves;

private:
    char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
    void skip() { rest_.remove_prefix(rest_.empty() ? 0 : 1); }

    std::string token() {
        std::size_t end = 0;
        if (peek() == '"') {
            for (end = 1; end < rest_.size() && rest_[end] != '"'; ++end) {
                end += rest_[end] == '\\' ? 1U : 0U;
            }
            end = std::min(end + 1, rest_.size());
        } else {
            end = std::min(rest_.find_first_of(",]}"), rest_.size());
        }
        std::string text(rest_.substr(0, end));
        rest_.remove_prefix(end);
        return text;
    }
    static std::string unquoted(const std::string& text) {
        return text.size() >= 2 && text.front() == '"' ? text.substr(1, text.size() - 2) : text;
    }

    // NOLINTBEGIN(misc-no-recursion): as deep as event 0, whose shape is fixed
    void value(const std::string& path) {
        if (peek() == '{') {
            object(path);
        } else if (peek() == '[') {
            list(path);
        } else {
            leaves.emplace_back(path, unquoted(token()));
        }
    }
    void object(const std::string& path) {
        for (skip(); !rest_.empty() && peek() != '}';) {
            const std::string key = unquoted(token());
            skip();  // the colon
            value(std::string(path).append(path.empty() ? "" : ".").append(key));
            if (peek() == ',') {
                skip();
            }
        }
        skip();
    }
    void list(const std::string& path) {
        std::size_t index = 0;
        for (skip(); !rest_.empty() && peek() != ']'; ++index) {
            const std::size_t first = leaves.size();
            const std::string mark = path + "[]";
            value(mark);
            name_element(path, mark, index, first);
            if (peek() == ',') {
                skip();
            }
        }
        skip();
    }
    // NOLINTEND(misc-no-recursion)
    /// Gives the leaves of one element their path, now that its name is known.
    void name_element(const std::string& path, const std::string& mark, std::size_t index, std::size_t first) {
        std::string name = std::to_string(index);
        std::string naming;
        for (const char* key : {".name", ".key", ".rule"}) {
            if (first < leaves.size() && leaves[first].first == mark + key) {
                name = leaves[first].second;
                naming = mark + key;
            }
        }
        for (std::size_t i = first; i < leaves.size(); ++i) {
            std::string field = leaves[i].first.substr(mark.size());
            // A list of names with one value each needs no word for the value.
            field = !naming.empty() && (field == ".value" || field == ".limit") ? "" : field;
            leaves[i].first = fmt::format("{}[{}]{}", path, name, field);
        }
    }

    std::string_view rest_;
};

struct SettingDifference {
    std::string setting;
    std::string a;  ///< "-" where it is not set
    std::string b;
};

std::vector<SettingDifference> differing_settings(const RunConfigured& a, const RunConfigured& b) {
    const auto leaves_of = [](const Event& event) {
        Names names;
        names.learn(event);
        return JsonLeaves(to_json(Envelope{}, event, names)).leaves;
    };
    const auto of_a = leaves_of(a);
    const auto of_b = leaves_of(b);
    const std::map<std::string, std::string> in_a(of_a.begin(), of_a.end());
    const std::map<std::string, std::string> in_b(of_b.begin(), of_b.end());
    std::vector<SettingDifference> found;
    for (const auto& [path, value] : of_a) {
        const auto other = in_b.find(path);
        if (other == in_b.end() || other->second != value) {
            found.push_back({path, value, other == in_b.end() ? "-" : other->second});
        }
    }
    for (const auto& [path, value] : of_b) {
        if (!in_a.contains(path)) {
            found.push_back({path, "-", value});
        }
    }
    return found;
}

// ---- states ----------------------------------------------------------------------------------------------------------------

/// What a person asks of a state, by name, in an order of its own.
using StateRows = std::vector<std::pair<std::string, std::string>>;

StateRows rows_of(const State& state) {
    StateRows rows;
    const std::string& currency = state.config.currency;
    const Names names = names_of(state);
    for (std::size_t p = 0; p < state.portfolios.size(); ++p) {
        const Portfolio& portfolio = state.portfolios[p];
        const std::string& name = state.config.portfolios[p].name;
        rows.emplace_back(name + " cash", show_money(portfolio.cash, currency));
        rows.emplace_back(name + " equity", show_money(portfolio.equity, currency));
        rows.emplace_back(name + " realized", show_money(portfolio.realized_pnl, currency));
        if (portfolio.killed()) {
            rows.emplace_back(name + " kill switch", name_of(portfolio.killed_by));
        }
        for (std::size_t i = 0; i < portfolio.positions.size(); ++i) {
            const Position& position = portfolio.positions[i];
            if (position.net.raw != 0) {
                rows.emplace_back(
                    fmt::format("{} {}", name, state.instruments[i].name),
                    fmt::format("{} at {}", to_string(position.net),
                                to_string(average_price(position.cost, state.instruments[i].units(position.net)))));
            }
        }
    }
    for (const auto& [id, order] : state.open_orders) {
        rows.emplace_back(fmt::format("order {}", id.value),
                          fmt::format("{} {} {} {}, {} filled", names.portfolio(order.portfolio),
                                      name_of(order.terms.side), to_string(order.terms.quantity),
                                      names.instrument(order.terms.instrument), to_string(order.filled)));
    }
    for (std::size_t i = 0; i < state.markets.size(); ++i) {
        if (state.markets[i].mark.raw != 0) {
            rows.emplace_back(state.instruments[i].name + " mark", to_string(state.markets[i].mark));
        }
    }
    for (const PendingTimer& timer : state.timers) {
        rows.emplace_back(fmt::format("{} timer {}", names.strategy(timer.strategy), timer.timer.value),
                          to_iso(timer.due));
    }
    for (std::size_t s = 0; s < state.strategies.size(); ++s) {
        if (state.strategies[s].halted) {
            rows.emplace_back(state.config.strategies[s].name, "halted");
        }
    }
    return rows;
}

/// One journal around the place at which they differ.
struct JournalSide {
    std::optional<DecodedEvent> event;  ///< nothing where it ends before
    std::vector<DecodedEvent> chain;
    Names names;
    StateRows before;
    StateRows after;
    RunConfigured config;  ///< in force after the event
    /// Whether the event is a configuration, of the whole session or from here on.
    bool configures() const {
        return event && (std::holds_alternative<RunConfigured>(event->event) ||
                         std::holds_alternative<RunReconfigured>(event->event));
    }
};

Result<JournalSide> look_at(const Journal& journal, Seq seq) {
    JournalSide side;
    const Seq at = std::min(seq, journal.next_seq());
    Result<State> state = state_before(journal, at);
    if (!state) {
        return tl::unexpected(state.error());
    }
    side.before = rows_of(*state);
    side.names = names_of(*state);
    if (at < journal.next_seq()) {
        const Result<DecodedEvent> event = read_event(journal, at);
        if (!event) {
            return tl::unexpected(event.error());
        }
        side.names.learn(event->event);
        Result<std::vector<DecodedEvent>> chain = causes(journal, *event);
        if (!chain) {
            return tl::unexpected(chain.error());
        }
        side.event = *event;
        side.chain = std::move(*chain);
        apply(*state, event->envelope, event->event);
    }
    side.after = rows_of(*state);
    side.config = std::move(state->config);
    return side;
}

/// One line of the table of states: a name, and its value in each; empty where there is none.
struct StateLine {
    std::string name;
    std::array<std::string, 4> values;  ///< before in A, before in B, after in A, after in B
    bool same_before() const { return values[0] == values[1]; }
    bool unchanged() const { return same_before() && values[0] == values[2] && values[1] == values[3]; }
};

std::vector<StateLine> state_lines(const JournalSide& a, const JournalSide& b) {
    std::vector<StateLine> lines;
    std::map<std::string, std::size_t> places;
    const std::array<const StateRows*, 4> all{&a.before, &b.before, &a.after, &b.after};
    for (std::size_t column = 0; column < all.size(); ++column) {
        for (const auto& [name, value] : *all[column]) {
            const auto [place, fresh] = places.emplace(name, lines.size());
            if (fresh) {
                lines.push_back({name, {}});
            }
            lines[place->second].values[column] = value;
        }
    }
    return lines;
}

std::string state_table(const JournalSide& a, const JournalSide& b, const Style& style, const Zone& zone) {
    const std::vector<StateLine> lines = state_lines(a, b);
    const bool same_before = std::ranges::all_of(lines, &StateLine::same_before);
    std::vector<Table::Column> columns{{"", Table::Align::left}, {same_before ? "before" : "before in A"}};
    if (!same_before) {
        columns.push_back({"before in B"});
    }
    const bool shows_a = a.event.has_value();
    const bool shows_b = b.event.has_value();
    if (shows_a) {
        columns.push_back({"after in A"});
    }
    if (shows_b) {
        columns.push_back({"after in B"});
    }
    Table table(std::move(columns));
    std::size_t unchanged = 0;
    for (const StateLine& line : lines) {
        if (line.unchanged() && ++unchanged > kUnchangedRows) {
            continue;
        }
        const auto shown = [&zone](const std::string& value) { return value.empty() ? "-" : zone.show_all(value); };
        // Only what an event changed is shown after it.
        const auto after = [&](std::size_t side) {
            return line.values[side + 2] == line.values[side] ? std::string() : shown(line.values[side + 2]);
        };
        std::vector<std::string> cells{line.name, shown(line.values[0])};
        if (!same_before) {
            cells.push_back(shown(line.values[1]));
        }
        if (shows_a) {
            cells.push_back(after(0));
        }
        if (shows_b) {
            cells.push_back(after(1));
        }
        table.row(std::move(cells));
    }
    std::string text = lines.empty() ? "" : table.text(style);
    if (unchanged > kUnchangedRows) {
        text += fmt::format("and {} more, unchanged\n", unchanged - kUnchangedRows);
    }
    return text;
}

// ---- the command -----------------------------------------------------------------------------------------------------------

std::string difference_json(Alignment at, const JournalSide& a, const JournalSide& b,
                            const std::vector<SettingDifference>& settings) {
    const auto event = [](const JournalSide& side) {
        return side.event ? to_json(side.event->envelope, side.event->event, side.names) : std::string("null");
    };
    std::vector<std::string> lines;
    for (const StateLine& line : state_lines(a, b)) {
        if (!line.unchanged()) {
            JsonObject object;
            object.text("name", line.name)
                .text("before_a", line.values[0])
                .text("before_b", line.values[1])
                .text("after_a", line.values[2])
                .text("after_b", line.values[3]);
            lines.push_back(object.done());
        }
    }
    std::vector<std::string> set;
    for (const SettingDifference& each : settings) {
        JsonObject object;
        object.text("setting", each.setting).text("a", each.a).text("b", each.b);
        set.push_back(object.done());
    }
    JsonObject object;
    object.count("seq", at.a)
        .count("seq_b", at.b)
        .json("a", event(a))
        .json("b", event(b))
        .json("causes_a", causes_json(a.chain, a.names))
        .json("causes_b", causes_json(b.chain, b.names))
        .json("settings", json_array(set))
        .json("states", json_array(lines));
    return object.done();
}

std::string difference_text(Alignment at, const JournalSide& a, const JournalSide& b,
                            const std::vector<SettingDifference>& settings, const Style& style, const Zone& zone) {
    if (!settings.empty()) {
        Table table({{"setting", Table::Align::left}, {"A", Table::Align::left}, {"B", Table::Align::left}});
        for (const SettingDifference& each : settings) {
            table.row({each.setting, each.a, each.b});
        }
        const std::string where =
            at.a == 0 ? "event 0 differs: the sessions were configured differently"
                      : fmt::format("from event {} on the sessions are configured differently", std::min(at.a, at.b));
        return style.bold(where) + '\n' + table.text(style);
    }
    const auto line = [](const JournalSide& side) {
        return to_text(side.event->envelope, side.event->event, side.names);
    };
    if (!a.event || !b.event) {
        const char* ended = a.event ? "B" : "A";
        const Seq seq = a.event ? at.b : at.a;
        const char* other = a.event ? "A" : "B";
        return style.bold(fmt::format("{} ends {}; {} goes on with", ended,
                                      seq == 0 ? "before its first event" : fmt::format("at event {}", seq - 1),
                                      other)) +
               '\n' + zone.show_all(chain_text(a.event ? a.chain : b.chain, a.event ? a.names : b.names));
    }
    const std::string where = at.a == at.b ? fmt::format("event {} differs", at.a)
                                           : fmt::format("event {} of A differs from event {} of B", at.a, at.b);
    std::string text = style.bold(where) + '\n';
    text += "A " + line(a) + "\nB " + line(b) + '\n';
    const std::string of_a = chain_text(a.chain, a.names, 1);
    const std::string of_b = chain_text(b.chain, b.names, 1);
    if (of_a == of_b) {
        text += of_a.empty() ? "" : "caused in both by\n" + of_a;
    } else {
        text += of_a.empty() ? "" : "caused in A by\n" + of_a;
        text += of_b.empty() ? "" : "caused in B by\n" + of_b;
    }
    return zone.show_all(text) + '\n' + state_table(a, b, style, zone);
}

}  // namespace

Result<Differences> differences_of(const Journal& a, const Journal& b, const Style& style, const Zone& zone) {
    Differences found;
    std::vector<Alignment> alignments{{0, 0}};
    const auto next = [&]() -> Result<std::optional<Alignment>> {
        if (alignments.size() > 1 || alignments.back().a != alignments.back().b) {
            return first_difference(a, b, alignments);
        }
        return first_difference(a, b, alignments.back().a).map([](std::optional<Seq> seq) {
            return seq ? std::optional(Alignment{*seq, *seq}) : std::nullopt;
        });
    };
    for (;;) {
        const Result<std::optional<Alignment>> at = next();
        if (!at) {
            return tl::unexpected(at.error());
        }
        if (!*at) {
            return found;
        }
        const Result<JournalSide> of_a = look_at(a, (*at)->a);
        const Result<JournalSide> of_b = of_a ? look_at(b, (*at)->b) : of_a;
        if (!of_b) {
            return tl::unexpected(of_b.error());
        }
        // Either both begin with another configuration, or at least one is given another on the way.
        const bool first = (*at)->a == 0 && (*at)->b == 0;
        const bool configured =
            first ? of_a->configures() && of_b->configures() : of_a->configures() || of_b->configures();
        const auto settings =
            configured ? differing_settings(of_a->config, of_b->config) : std::vector<SettingDifference>{};
        found.json.push_back(difference_json(**at, *of_a, *of_b, settings));
        found.text += (found.text.empty() ? "" : "\n") + difference_text(**at, *of_a, *of_b, settings, style, zone);
        if (!configured) {
            found.first_decision = found.json.back();
            return found;
        }
        // What the other settings led to.
        const Alignment behind{(*at)->a + (of_a->configures() ? 1U : 0U), (*at)->b + (of_b->configures() ? 1U : 0U)};
        if (first) {
            alignments.clear();
        }
        alignments.push_back(behind);
    }
}

namespace {

Result<int> diff(const DiffOptions& options, Wiring& wiring) {
    const Result<std::unique_ptr<Journal>> a = open_journal(options.a);
    const Result<std::unique_ptr<Journal>> b = a ? open_journal(options.b) : tl::unexpected(a.error());
    if (!b) {
        return tl::unexpected(b.error());
    }
    const Result<Differences> found = differences_of(**a, **b, wiring.out_style, wiring.zone);
    if (!found) {
        return tl::unexpected(found.error());
    }
    if (wiring.json) {
        JsonObject object;
        object.flag("identical", found->none())
            .text("a", options.a)
            .text("b", options.b)
            .count("events_a", (*a)->next_seq())
            .count("events_b", (*b)->next_seq())
            .text("log_head_a", to_hex((*a)->head()))
            .text("log_head_b", to_hex((*b)->head()))
            .json("differences", json_array(found->json));
        wiring.out.write(object.done() + '\n');
    } else if (found->none()) {
        wiring.out.write(
            fmt::format("identical: {} events, log head {}\n", show_count((*a)->next_seq()), to_hex((*a)->head())));
    } else {
        wiring.out.write(found->text);
    }
    return found->none() ? kExitOk : kExitMismatch;
}

}  // namespace

void add_diff(Commands& commands) {
    auto options = std::make_shared<DiffOptions>();
    const Command command =
        commands.add(commands.program(), "diff",
                     "Name the first event in which two journals differ, what caused it, and both states",
                     "Example:\n"
                     "  alpha diff runs/demo-1 runs/demo-2\n\n"
                     "Exits 0 when the journals hold the same events, 4 when not.",
                     [options](Wiring& wiring) {
                         return read_isolated(wiring, fmt::format("the journals {} and {}", options->a, options->b),
                                              [&] { return diff(*options, wiring); });
                     });
    commands.prints_times(command);
    command.option("A", options->a, "A journal's folder").required();
    command.option("B", options->b, "Another one's").required();
}

}  // namespace alpha
