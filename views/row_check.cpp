#include "views/row_check.hpp"

#include "store/chain.hpp"
#include "store/wire.hpp"
#include "views/read_models.hpp"
#include "views/row_bytes.hpp"

#include <array>
#include <bit>

namespace alpha {

namespace {

constexpr std::array kTables{ReadModel::portfolios, ReadModel::orders, ReadModel::fills, ReadModel::about};

Result<bool> has_any_row(const Journal& journal) {
    bool any = false;
    for (const ReadModel table : kTables) {
        const Result<void> ok =
            journal.rows(static_cast<std::uint8_t>(table), [&](const std::string&, const std::string&) {
                any = true;
                return false;
            });
        if (!ok) {
            return tl::make_unexpected(ok.error());
        }
    }
    return any;
}

/// Whether there are rows, and of this version or of none that they name.
Result<bool> has_comparable_rows(const Journal& journal) {
    const Result<std::uint8_t> version = stored_version(journal);
    if (!version) {
        return tl::make_unexpected(version.error());
    }
    return *version == 0 || *version == kReadModelVersion ? has_any_row(journal) : Result<bool>(false);
}

}  // namespace

Result<void> verify_read_models(const Journal& journal) {
    const Result<bool> comparable = has_comparable_rows(journal);
    if (!comparable) {
        return tl::make_unexpected(comparable.error());
    }
    if (!*comparable) {
        return {};
    }
    const Result<Rebuilt> rebuilt = rebuild_read_models(journal);
    if (!rebuilt) {
        return tl::make_unexpected(rebuilt.error());
    }
    const Rows& rows = rebuilt->rows;
    std::size_t at = 0;
    for (const ReadModel table : kTables) {
        const auto number = static_cast<std::uint8_t>(table);
        Result<void> same;
        const Result<void> read = journal.rows(number, [&](const std::string& key, const std::string& value) {
            const Row expected = at < rows.size() ? rows[at] : Row{};
            if (expected.table != number || key < expected.key) {
                same = row_differs(table, key, "should not be there");
            } else if (expected.key < key) {
                same = row_differs(table, std::string(expected.key), "is missing");
            } else if (expected.value != value) {
                same = row_differs(table, key, "says something else");
            } else {
                ++at;
            }
            return same.has_value();
        });
        if (!read || !same) {
            return read ? same : read;
        }
        if (at < rows.size() && rows[at].table == number) {
            return row_differs(table, std::string(rows[at].key), "is missing");
        }
    }
    return {};
}

void RowCheck::add(Sum& sum, const Sum& row) {
    for (std::size_t i = 0; i < sum.size(); ++i) {
        sum[i] += row[i];
    }
}

RowCheck::Sum RowCheck::digest(const Row& row) {
    thread_local ByteBuffer bytes;
    bytes.clear();
    put(bytes, row.table);
    put(bytes, std::uint64_t{row.key.size()});
    bytes.append(bytes_of(row.key));
    bytes.append(bytes_of(row.value));
    return std::bit_cast<Sum>(sha256(bytes.view()));
}

void RowCheck::take(const Frame& frame, const State& after) {
    projection_.take(frame, after, rows_);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const Row row = rows_[i];
        const Sum now = digest(row);
        add(sum_, now);
        if (row.table == static_cast<std::uint8_t>(ReadModel::fills)) {
            continue;
        }
        const auto [before, is_new] = changing_.try_emplace({row.table, std::string(row.key)}, now);
        if (!is_new) {
            for (std::size_t n = 0; n < sum_.size(); ++n) {
                sum_[n] -= before->second[n];
            }
            before->second = now;
        }
    }
    rows_.clear();
    if (changing_.size() >= swept_at_) {
        forget_closed(after);
        swept_at_ = 2 * changing_.size() + kSweepRows;
    }
}

/// Orders that the state forgot change no more.
void RowCheck::forget_closed(const State& state) {
    std::erase_if(changing_, [&](const auto& entry) {
        const auto& [table, key] = entry.first;
        return table == static_cast<std::uint8_t>(ReadModel::orders) &&
               state.find_order(OrderId{number_in(key, 0, 8)}) == nullptr;
    });
}

Result<void> RowCheck::compare(const Journal& journal) const {
    const Result<bool> comparable = has_comparable_rows(journal);
    if (!comparable) {
        return tl::make_unexpected(comparable.error());
    }
    if (!*comparable) {
        return {};
    }
    Sum stored{};
    for (const ReadModel table : kTables) {
        const auto number = static_cast<std::uint8_t>(table);
        const Result<void> read = journal.rows(number, [&](const std::string& key, const std::string& value) {
            add(stored, digest({number, key, value}));
            return true;
        });
        if (!read) {
            return read;
        }
    }
    if (stored == sum_) {
        return {};
    }
    const Result<void> named = verify_read_models(journal);
    return named ? fail(ErrorKind::data, "The journal's read models are not what its log gives.") : named;
}

}  // namespace alpha
