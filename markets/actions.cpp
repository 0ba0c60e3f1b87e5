#include "markets/actions.hpp"

#include "events/limits.hpp"
#include "markets/rows.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

namespace alpha::markets {

namespace {

struct Ratio {
    std::int64_t left = 1;
    std::int64_t right = 1;
};

/// "3:2", "2" or "0.1" in lowest terms; nothing where it is none, or too large for one.
std::optional<Ratio> ratio_of(std::string_view text) {
    const std::size_t colon = text.find(':');
    const auto left = parse_decimal(text.substr(0, colon));
    const auto right = colon == std::string_view::npos ? parse_decimal("1") : parse_decimal(text.substr(colon + 1));
    constexpr Int128 kMost = Int128{limits::kMaxActionShares} * kScale;
    if (!left || !right || left->raw < 0 || right->raw <= 0 || left->raw > kMost || right->raw > kMost) {
        return std::nullopt;
    }
    const auto a = static_cast<std::int64_t>(left->raw);
    const auto b = static_cast<std::int64_t>(right->raw);
    const std::int64_t common = std::gcd(a, b);
    const Ratio ratio{a / common, b / common};
    return ratio.left > limits::kMaxActionShares || ratio.right > limits::kMaxActionShares ? std::nullopt
                                                                                           : std::optional(ratio);
}

class RowReader {
public:
    explicit RowReader(const Row& row)
        : cells_(row, {"ex_date", "action", "value", "instrument", "other", "cash", "cost_part", "fraction_price",
                       "source", "grade"}) {
        out_.place = row.place;
    }

    Result<ActionRow> read() {
        CorporateAction& action = out_.action;
        action.ex_date = cells_.date("ex_date");
        out_.instrument = cells_.optional("instrument");
        out_.other = cells_.optional("other");
        action.fraction_price = Price{static_cast<std::int64_t>(amount("fraction_price", limits::kMaxPrice.raw).raw)};
        action.source = cells_.source_if_any();
        read_action(cells_.text("action"));
        if (!cells_.ok()) {
            return cells_.failure();
        }
        return out_;
    }

private:
    void read_action(std::string_view kind) {
        CorporateAction& action = out_.action;
        if (kind == "rename") {
            out_.renamed = cells_.text("value");
            if (out_.renamed.size() > limits::kMaxNameBytes) {
                cells_.refuse("value", "is longer than a name can be");
            }
        } else if (kind == "dividend") {
            action.kind = ActionKind::dividend;
            action.amount = amount("value", limits::kMaxPrice.raw);
            if (action.amount.raw == 0) {
                cells_.refuse("value", "is no dividend: write an amount above zero, such as 0.47");
            }
        } else if (kind == "split" || kind == "bonus") {
            action.kind = ActionKind::split;
            const auto ratio = ratio_of(cells_.text("value"));
            const std::int64_t added = kind == "bonus" && ratio ? ratio->right : 0;
            if (!ratio || ratio->left == 0 || ratio->left + added > limits::kMaxActionShares) {
                cells_.refuse("value", kind == "split" ? "is no ratio: write 2, 3:2 or 0.1, new shares for each old one"
                                                       : "is no ratio: write 1:2, one new share beside two old ones");
                return;
            }
            action.new_shares = ratio->left + added;
            action.old_shares = ratio->right;
        } else if (kind == "merger" || kind == "demerger") {
            read_shares_of_other(kind == "merger");
        } else if (!kind.empty()) {
            cells_.refuse("action", "is no action: write split, bonus, dividend, rename, merger or demerger");
        }
    }

    void read_shares_of_other(bool is_merger) {
        CorporateAction& action = out_.action;
        action.kind = is_merger ? ActionKind::merger : ActionKind::demerger;
        const auto ratio = ratio_of(cells_.text("value"));
        if (!ratio || (ratio->left == 0 && !is_merger)) {
            cells_.refuse("value", "is no ratio: write 3:2, three shares of the other for two");
            return;
        }
        action.new_shares = ratio->left;
        action.old_shares = ratio->right;
        action.amount = amount("cash", limits::kMaxPrice.raw);
        if (!is_merger) {
            action.cost_part = part();
        }
        if (action.new_shares == 0) {
            if (action.amount.raw == 0 || !out_.other.empty()) {
                cells_.refuse("value", "is a merger for cash alone, which has cash and no other share");
            }
        } else if (out_.other.empty()) {
            cells_.refuse("other", "has to name the instrument whose shares are given");
        } else if (action.fraction_price.raw == 0) {
            cells_.refuse("fraction_price",
                          "has to say what a whole share of the other is paid at where only a part is due");
        }
        if (!is_merger && action.amount.raw != 0) {
            cells_.refuse("cash", "is for mergers");
        }
    }

    Decimal amount(std::string_view column, Int128 most) {
        const std::string_view text = cells_.optional(column);
        if (text.empty()) {
            return {};
        }
        const auto value = parse_decimal(text);
        if (!value || value->raw < 0 || value->raw > most) {
            cells_.refuse(column, "is no amount with at most eight decimals");
            return {};
        }
        return *value;
    }

    Decimal part() {
        std::string_view text = cells_.text("cost_part");
        const bool is_percent = text.ends_with('%');
        if (is_percent) {
            text.remove_suffix(1);
        }
        const auto value = parse_decimal(text);
        const Int128 raw = !value ? -1 : is_percent && value->raw % 100 != 0 ? -1 : value->raw / (is_percent ? 100 : 1);
        if (raw < 0 || raw > kScale) {
            cells_.refuse("cost_part", "is no part of the cost: write 0.25 or 25%");
            return {};
        }
        return Decimal{raw};
    }

    Cells cells_;
    ActionRow out_;
};

}  // namespace

Result<std::vector<ActionRow>> read_actions(std::string_view text, const std::string& file) {
    const Result<std::vector<Row>> rows = read_csv_rows(file, text);
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    std::vector<ActionRow> actions;
    actions.reserve(rows->size());
    for (const Row& row : *rows) {
        Result<ActionRow> action = RowReader(row).read();
        if (!action) {
            return tl::unexpected(action.error());
        }
        actions.push_back(std::move(*action));
    }
    std::ranges::stable_sort(actions, {}, [](const ActionRow& row) { return row.action.ex_date; });
    return actions;
}

}  // namespace alpha::markets
