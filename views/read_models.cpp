#include "views/read_models.hpp"

#include "views/projection.hpp"
#include "views/row_bytes.hpp"

#include <optional>
#include <utility>

namespace alpha {

namespace {

std::string name_of_row(ReadModel table, const std::string& key) {
    switch (table) {
    case ReadModel::portfolios: {
        const std::string portfolio = "portfolio " + std::to_string(number_in(key, 0, 4));
        return key.size() <= 4
                   ? portfolio
                   : "the position of " + portfolio + " in instrument " + std::to_string(number_in(key, 4, 4));
    }
    case ReadModel::orders: return "order " + std::to_string(number_in(key, 0, 8));
    case ReadModel::fills: return "the fill at event " + std::to_string(number_in(key, 0, 8));
    case ReadModel::about: break;
    }
    return "the read models themselves";
}

}  // namespace

tl::unexpected<Error> row_differs(ReadModel table, const std::string& key, const char* how) {
    return fail(ErrorKind::data, "The journal's read models are not what its log gives: the row of " +
                                     name_of_row(table, key) + " " + how + ".");
}

Result<std::uint8_t> stored_version(const Journal& journal) {
    std::uint8_t version = 0;
    const Result<void> ok =
        journal.rows(static_cast<std::uint8_t>(ReadModel::about), [&](const std::string&, const std::string& value) {
            version = value.size() == 1 ? static_cast<std::uint8_t>(value[0]) : std::uint8_t{0};
            return false;
        });
    return ok ? Result<std::uint8_t>(version) : tl::make_unexpected(ok.error());
}

Result<bool> has_read_models(const Journal& journal) {
    return stored_version(journal).map([](std::uint8_t version) { return version == kReadModelVersion; });
}

Result<ReadModels> ReadModels::of(const Journal& journal) {
    const Result<bool> stored = has_read_models(journal);
    if (!stored) {
        return tl::make_unexpected(stored.error());
    }
    if (*stored) {
        return ReadModels(journal);
    }
    return rebuild_read_models(journal).map([](Rebuilt&& rebuilt) { return ReadModels(std::move(rebuilt.rows)); });
}

Result<void> ReadModels::rows(
    ReadModel table, const std::string& from,
    const std::function<bool(const std::string& key, const std::string& value)>& visit) const {
    const auto number = static_cast<std::uint8_t>(table);
    if (journal_ != nullptr) {
        return journal_->rows_from(number, from, visit);
    }
    for (std::size_t i = 0; i < rebuilt_.size(); ++i) {
        const Row row = rebuilt_[i];
        if (row.table == number && row.key >= from && !visit(std::string(row.key), std::string(row.value))) {
            break;
        }
    }
    return {};
}

template <class Model>
Result<void> ReadModels::each(ReadModel table, const std::string& from,
                              const std::function<bool(const Model&)>& visit) const {
    Result<void> readable;
    const Result<void> ok = rows(table, from, [&](const std::string& key, const std::string& value) {
        Model model;
        if (!read_row(key, value, model)) {
            readable = row_differs(table, key, "cannot be read");
            return false;
        }
        return visit(model);
    });
    return ok ? readable : ok;
}

Result<void> ReadModels::portfolios(const std::function<bool(const PortfolioView&)>& visit) const {
    std::optional<PortfolioView> portfolio;
    bool go_on = true;
    Result<void> readable;
    const auto hand_over = [&] { return !portfolio || visit(*portfolio); };
    const Result<void> ok = rows(ReadModel::portfolios, {}, [&](const std::string& key, const std::string& value) {
        bool whole = false;
        if (key.size() == 4) {
            go_on = hand_over();
            whole = read_row(key, value, portfolio.emplace());
        } else if (portfolio) {
            whole = read_row(key, value, portfolio->positions.emplace_back());
        }
        if (!whole) {
            readable = row_differs(ReadModel::portfolios, key, "cannot be read");
        }
        return go_on && whole;
    });
    if (!ok || !readable) {
        return ok ? readable : ok;
    }
    if (go_on) {
        static_cast<void>(hand_over());
    }
    return {};
}

Result<void> ReadModels::orders(const std::function<bool(const OrderView&)>& visit) const {
    return each<OrderView>(ReadModel::orders, {}, visit);
}

Result<void> ReadModels::orders(OrderId from, const std::function<bool(const OrderView&)>& visit) const {
    std::string key;
    for (unsigned shift = 64; shift > 0; shift -= 8) {  // as keys are: the largest byte first
        key += static_cast<char>(static_cast<unsigned char>(from.value >> (shift - 8)));
    }
    return each<OrderView>(ReadModel::orders, key, visit);
}

Result<void> ReadModels::fills(const std::function<bool(const FillView&)>& visit) const {
    return each<FillView>(ReadModel::fills, {}, visit);
}

}  // namespace alpha
