#include "config/market.hpp"

#include "config/findings.hpp"
#include "config/suggest.hpp"
#include "config/yaml_tree.hpp"
#include "events/limits.hpp"
#include "store/disk.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <utility>

namespace alpha::config {

namespace {

constexpr std::size_t kTableBytesMax = 16U << 20U;
constexpr std::size_t kDumpBytesMax = 512U << 20U;

Result<std::vector<markets::Row>> rows_of(const std::string& file) {
    if (file.empty()) {
        return std::vector<markets::Row>{};
    }
    return read_file(file, kTableBytesMax).and_then([&](const std::string& text) {
        return markets::read_csv_rows(file, text);
    });
}

/// Rows of a YAML list of maps, each key a column; and what the document extends, where it is a map of `extends` and `rows`.
class YamlTable {
public:
    YamlTable(const std::string& file, const std::vector<Item>& nodes, Findings& findings)
        : file_(file), nodes_(nodes), findings_(findings) {
        const Item* list = &nodes.front();
        if (list->kind == Item::Kind::map) {
            const Item* found = nullptr;
            for (const Item::Entry& entry : list->entries) {
                const Item& value = nodes[entry.value];
                if (entry.key == "extends" && value.kind == Item::Kind::text) {
                    extends = value.text;
                } else if (entry.key == "rows") {
                    found = &value;
                } else {
                    findings.error(entry.at, "{} is unknown here; write extends: PLAN and rows: [...]",
                                   in_quotes(entry.key));
                }
            }
            if (!findings.errors.empty()) {
                return;
            }
            list = found != nullptr ? found : list;
        }
        if (list->kind != Item::Kind::list) {
            findings.error(list->at,
                           "a table of charges is a list of rows, found {}; write - {{line: fee, base: "
                           "turnover, value: 0.1%}}",
                           kind_text(*list));
            return;
        }
        rows.reserve(list->entries.size());
        for (const Item::Entry& entry : list->entries) {
            read_row(nodes[entry.value]);
        }
    }

    std::string extends;
    std::vector<markets::Row> rows;

private:
    void read_row(const Item& item) {
        if (item.kind != Item::Kind::map) {
            findings_.error(item.at, "a row is a map, found {}; write {{line: fee, base: turnover, value: 0.1%}}",
                            kind_text(item));
            return;
        }
        markets::Row& row = rows.emplace_back();
        row.place = {file_, static_cast<std::uint64_t>(item.at.line), 0};
        for (const Item::Entry& entry : item.entries) {
            const Item& value = nodes_[entry.value];
            if (value.kind != Item::Kind::text && value.kind != Item::Kind::nothing) {
                findings_.error(value.at, "{}: expects a value, found {}; write one", entry.key, kind_text(value));
            } else {
                row.cells.emplace_back(entry.key, value.text);
            }
        }
    }

    const std::string& file_;
    const std::vector<Item>& nodes_;
    Findings& findings_;
};

Result<markets::ChargePlan> charges_of_yaml(const std::string& file, const std::string& text, std::string name) {
    Findings findings;
    std::vector<Item> nodes = parse_yaml(text, findings);
    if (findings.errors.empty()) {
        refuse_commas(nodes, findings);
        refuse_duplicate_keys(nodes, findings);
    }
    if (!findings.errors.empty()) {
        return tl::unexpected(usage_error(findings, file));
    }
    const YamlTable table(file, nodes, findings);
    if (!findings.errors.empty()) {
        return tl::unexpected(usage_error(findings, file));
    }
    return markets::read_charges(table.rows, file, std::move(name), table.extends);
}

}  // namespace

Result<std::vector<markets::CalendarDraft>> calendar_drafts(const CalendarFiles& files) {
    markets::CalendarRows rows;
    for (const auto& [file, into] : {std::pair{&files.calendars, &rows.calendars},
                                     std::pair{&files.sessions, &rows.sessions}, std::pair{&files.days, &rows.days}}) {
        Result<std::vector<markets::Row>> read = rows_of(*file);
        if (!read) {
            return tl::unexpected(read.error());
        }
        *into = std::move(*read);
    }
    return markets::built_in_calendars().and_then(
        [&](std::vector<markets::CalendarDraft> base) { return markets::read_calendars(rows, std::move(base)); });
}

Result<InstrumentSource> InstrumentSource::open(const std::string& path) {
    InstrumentSource source;
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
        Result<Registry> registry = Registry::open(path, Registry::Access::read);
        if (!registry) {
            return tl::unexpected(registry.error());
        }
        source.registry_.emplace(std::move(*registry));
        return source;
    }
    Result<std::string> text = read_file(path, kDumpBytesMax);
    if (!text) {
        return tl::unexpected(text.error());
    }
    source.text_ = std::make_unique<const std::string>(std::move(*text));
    Result<markets::ListingFile> file = markets::ListingFile::read(path, *source.text_, Date{0});
    if (!file) {
        return tl::unexpected(file.error());
    }
    if (file->bad_row_count() != 0) {
        return file->bad_rows_refusal();
    }
    source.file_.emplace(std::move(*file));
    return source;
}

Result<std::vector<ListingVersion>> InstrumentSource::history(std::string_view exchange,
                                                              std::string_view symbol) const {
    if (registry_) {
        return registry_->history(exchange, symbol);
    }
    std::vector<ListingVersion> versions;
    const auto key = [](const markets::ListingFile::Entry& entry) { return std::pair(entry.exchange, entry.symbol); };
    for (const markets::ListingFile::Entry& entry :
         std::ranges::equal_range(file_->entries(), std::pair(exchange, symbol), {}, key)) {
        versions.push_back({true, file_->listing(entry)});
    }
    return versions;
}

Result<std::vector<std::string>> InstrumentSource::names() const {
    if (registry_) {
        return registry_->names();
    }
    std::vector<std::string> names;
    names.reserve(file_->entries().size());
    for (const markets::ListingFile::Entry& entry : file_->entries()) {
        names.push_back(fmt::format("{}:{}", entry.exchange, entry.symbol));
    }
    return names;
}

Result<std::vector<std::pair<Date, Instrument>>> InstrumentSource::versions_of(const Instrument& given) const {
    const std::string_view name = given.name;
    const std::size_t colon = std::min(name.find(':'), name.size());
    const Result<std::vector<ListingVersion>> found =
        history(name.substr(0, colon), name.substr(std::min(colon + 1, name.size())));
    if (!found) {
        return tl::unexpected(found.error());
    }
    if (found->empty()) {
        const Result<std::vector<std::string>> all = names();
        if (!all) {
            return tl::unexpected(all.error());
        }
        const std::vector<std::string_view> known(all->begin(), all->end());
        const std::string meant = did_you_mean(name, known);
        return fail(ErrorKind::usage,
                    fmt::format("the registry has no {}; {}", in_quotes(name),
                                meant.empty() ? "write it under instruments as well, or load it"
                                              : fmt::format("did you mean {}?", in_quotes(meant))),
                    ErrorCode::not_found);
    }
    std::vector<std::pair<Date, Instrument>> versions;
    versions.reserve(found->size());
    for (const ListingVersion& version : *found) {
        const markets::Listing& listing = version.listing;
        Instrument instrument = versions.empty() ? given : versions.back().second;
        if (version.is_listed) {
            const Int128 multiplier = listing.multiplier.raw / kScale;
            if (listing.multiplier.raw % kScale != 0 || multiplier < 1 || multiplier > limits::kMaxMultiplier) {
                return fail(ErrorKind::usage,
                            fmt::format("{} has a multiplier of {}, and only whole ones can be held; leave it out",
                                        in_quotes(name), to_string(listing.multiplier)));
            }
            instrument.multiplier = static_cast<std::int64_t>(multiplier);
            instrument.exchange = listing.exchange;
            instrument.kind = listing.kind;
            instrument.isin = listing.isin;
            instrument.underlying = listing.underlying;
            instrument.tick = listing.tick.raw > 0 ? listing.tick : given.tick;
            instrument.lot = listing.lot.raw > 0 ? listing.lot : given.lot;
            instrument.freeze = listing.freeze;
            instrument.strike = listing.strike;
            instrument.expiry = listing.expiry == markets::kNoExpiry ? Date{} : listing.expiry;
        } else {
            instrument.expiry = Date{listing.from.days - 1};
        }
        versions.emplace_back(listing.from, std::move(instrument));
    }
    return versions;
}

bool is_table_file(std::string_view named) {
    return named.find_first_of("./") != std::string_view::npos;
}

Result<ProductRules> products_of_file(const std::string& file) {
    return read_file(file, kTableBytesMax).and_then([&](const std::string& text) {
        return markets::read_products(text, file, std::filesystem::path(file).stem().string());
    });
}

Result<MarginRules> margins_of_file(const std::string& file) {
    return read_file(file, kTableBytesMax).and_then([&](const std::string& text) {
        return markets::read_margins(text, file, std::filesystem::path(file).stem().string());
    });
}

Result<std::vector<markets::ActionRow>> actions_of_file(const std::string& file) {
    return read_file(file, kTableBytesMax).and_then([&](const std::string& text) {
        return markets::read_actions(text, file);
    });
}

Result<std::vector<SettlementRow>> settlements_of_file(const std::string& file) {
    const Result<std::vector<markets::Row>> rows = rows_of(file);
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    std::vector<SettlementRow> settlements;
    settlements.reserve(rows->size());
    for (const markets::Row& row : *rows) {
        markets::Cells cells(row, {"instrument", "date", "price"});
        SettlementRow& each = settlements.emplace_back();
        each.instrument = cells.text("instrument");
        each.date = cells.date("date");
        const std::string_view text = cells.text("price");
        const bool is_below = text.starts_with('-');
        const auto price = parse_decimal(text.substr(is_below ? 1 : 0));
        if (!price || price->raw > limits::kMaxPrice.raw || price->raw < 0) {
            cells.refuse("price", "is no price with at most eight decimals");
        } else {
            each.price = is_below ? Decimal{-price->raw} : *price;
        }
        if (!cells.ok()) {
            return cells.failure();
        }
    }
    return settlements;
}

Result<markets::ChargePlan> charges_of_file(const std::string& file) {
    const Result<std::string> text = read_file(file, kTableBytesMax);
    if (!text) {
        return tl::unexpected(text.error());
    }
    const std::filesystem::path path(file);
    const std::string ending = path.extension().string();
    return ending == ".yaml" || ending == ".yml" ? charges_of_yaml(file, *text, path.stem().string())
                                                 : markets::read_charges(*text, file, path.stem().string());
}

}  // namespace alpha::config
