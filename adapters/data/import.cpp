#include "adapters/data/import.hpp"

#include "adapters/data/csv.hpp"
#include "adapters/data/record_stream.hpp"
#include "adapters/data/synth.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <system_error>
#include <utility>

namespace alpha {

namespace {

/// The set's own index of a source's symbol. The set numbers its symbols as records name them.
class SetSymbols {
public:
    template <class Writer>
    InstrumentId of(InstrumentId symbol, const std::vector<std::string>& names, Writer& writer) {
        if (symbol.value >= ids_.size()) {
            ids_.resize(names.size(), kUnseen);
        }
        InstrumentId& id = ids_[symbol.value];
        if (id == kUnseen) {
            id = writer.symbol(names[symbol.value]);
        }
        return id;
    }

private:
    static constexpr InstrumentId kUnseen{SymbolTable::kUnknown};
    std::vector<InstrumentId> ids_;
};

/// Takes records as a DataSetWriter does, and keeps what it would say of them.
class Counter {
public:
    explicit Counter(DataSetInfo info) : info_(std::move(info)) {}
    InstrumentId symbol(const std::string& name) {
        info_.symbols.push_back(name);
        return InstrumentId{static_cast<std::uint32_t>(info_.symbols.size() - 1)};
    }
    template <class E>
    Result<void> add(Time time, const E& /*event*/) {
        info_.first = info_.records++ == 0 ? time : info_.first;
        info_.last = time;
        return {};
    }
    Result<DataSetInfo> finish() { return std::move(info_); }

private:
    DataSetInfo info_;
};

template <class Writer>
Result<void> add(Writer& writer, SetSymbols& symbols, const std::vector<std::string>& names, const FeedRecord& record) {
    if (const auto* const quote = std::get_if<QuoteTick>(&record.event)) {
        QuoteTick stored = *quote;
        stored.instrument = symbols.of(quote->instrument, names, writer);
        return writer.add(record.time, stored);
    }
    if constexpr (std::same_as<Writer, Counter>) {
        if (const auto* const trade = std::get_if<TradeTick>(&record.event)) {
            symbols.of(trade->instrument, names, writer);
            return writer.add(record.time, *trade);
        }
    }
    ALPHA_ASSERT(false, "a source of ticks gave something else");
    return {};
}

template <class Writer>
Result<void> add(Writer& writer, SetSymbols& symbols, const std::vector<std::string>& names, const BarRow& row) {
    BarClosed stored = row.bar;
    stored.instrument = symbols.of(row.bar.instrument, names, writer);
    return writer.add(row.label, stored);
}

/// Copies every record of a RecordStream or BarRows and finishes what takes them.
template <class Source, class Writer>
Result<DataSetInfo> copy(Source& source, Writer& writer, const OnProgress& on_progress) {
    SetSymbols symbols;
    while (true) {
        const auto records = source.next();
        if (!records) {
            return tl::unexpected(records.error());
        }
        if (records->empty()) {
            Result<DataSetInfo> info = writer.finish();
            if (info) {
                info->lacks_end = source.lacks_end();
            }
            return info;
        }
        for (const auto& record : *records) {
            if (auto added = add(writer, symbols, source.symbols(), record); !added) {
                return tl::unexpected(added.error());
            }
        }
        if (on_progress) {
            on_progress(source.progress());
        }
    }
}

Result<std::unique_ptr<RecordStream>> open_ticks(const DataSource& source) {
    return source.synth ? open_synth(*source.synth) : open_csv_ticks(source);
}

/// Bars whose interval they bear out.
Result<std::unique_ptr<BarRows>> open_bars(const DataSource& source, const TimesOf& times) {
    if (auto first = open_csv_bars(source, times)) {
        if (auto good = judge_interval(**first, {}); !good) {
            return tl::unexpected(good.error());
        }
    }
    return open_csv_bars(source, times);
}

/// Bars labelled by date are taken for days where nobody says how long they are. Those of weeks and months are so far apart that they
/// cannot be: their close would be known days too early.
Result<void> judge_days(const DataSource& source, const TimesOf& times) {
    constexpr std::size_t kRows = 65'536;
    constexpr std::int64_t kWeekNs = 5 * kDayNs;  // a week with holidays
    constexpr std::size_t kGapsLeast = 4;
    auto rows = open_csv_bars(source, times);
    if (!rows || !(*rows)->date_only()) {
        return {};  // what is wrong is said by who reads it
    }
    std::vector<Time> last_of;
    std::size_t gaps = 0;
    std::int64_t shortest_ns = kWeekNs;
    std::uint64_t line = 0;
    for (std::size_t seen = 0; seen < kRows;) {
        const auto batch = (*rows)->next();
        if (!batch || batch->empty()) {
            break;
        }
        for (const BarRow& row : *batch) {
            const std::uint32_t symbol = row.bar.instrument.value;
            last_of.resize(std::max<std::size_t>(last_of.size(), symbol + 1), kBeforeAll);
            if (last_of[symbol] != kBeforeAll) {
                const std::int64_t gap_ns = (row.label - last_of[symbol]).ns;
                shortest_ns = ++gaps == 1 ? gap_ns : std::min(shortest_ns, gap_ns);
                line = gaps == 1 ? row.line : line;
            }
            last_of[symbol] = row.label;
        }
        seen += batch->size();
    }
    if (gaps < kGapsLeast || shortest_ns < kWeekNs) {
        return {};
    }
    return fail(
        ErrorKind::data,
        fmt::format(
            "{}: the bars are {} days apart or more, so they seem to be of weeks or months, and a bar labelled by date "
            "lasts that day: its close would be known too early. Use daily bars; if they are daily, write interval: "
            "day",
            (*rows)->place(line), shortest_ns / kDayNs));
}

/// Why a file is neither quotes nor bars: by its first line, as the one that it was probably meant to be.
Error neither(const DataSource& source, const Error& as_quotes, const Error& as_bars) {
    constexpr std::size_t kEnough = 4'096;
    std::string head(kEnough, '\0');
    auto bytes = open_bytes(source.file);
    std::size_t size = 0;
    for (std::size_t got = 1; bytes && got != 0 && size < kEnough; size += got) {
        got = (*bytes)->read(std::span(head).subspan(size)).value_or(0);
    }
    head.resize(size);
    std::string_view text = head;
    if (bytes && (text.empty() || text == "\xEF\xBB\xBF")) {
        return {ErrorKind::data, fmt::format("{}: the file is empty", source.name())};
    }
    constexpr std::string_view kSeparators = ",;|\t \r\"\xEF\xBB\xBF";
    bool is_of_quotes = false;
    bool is_of_bars = false;
    for (std::string_view line = text.substr(0, text.find('\n')); !line.empty();) {
        std::string word(line.substr(0, line.find_first_of(kSeparators)));
        line.remove_prefix(std::min(word.size() + 1, line.size()));
        std::ranges::transform(word, word.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
        const auto is_one_of = [&](std::initializer_list<std::string_view> words) {
            return std::ranges::find(words, word) != words.end();
        };
        is_of_quotes = is_of_quotes || is_one_of({"bid", "ask"});
        is_of_bars = is_of_bars || is_one_of({"open", "high", "low", "close", "date", "timestamp"});
    }
    if (as_quotes.message == as_bars.message || (is_of_bars && !is_of_quotes)) {
        return as_bars;
    }
    return is_of_quotes
               ? as_quotes
               : Error{ErrorKind::data, fmt::format("as quotes: {}; as bars: {}", as_quotes.message, as_bars.message)};
}

Result<std::optional<ForeignReport>> told_by_file(DataSource& source, bool tells_kind, const TimesOf& times) {
    if (!tells_kind && source.kind != DataKind::bars) {
        return std::nullopt;
    }
    auto foreign = look_at_foreign(source, times);
    if (!foreign) {
        return foreign;
    }
    if (*foreign) {
        source.kind = DataKind::bars;
        if (source.interval.ns == 0 && !(*foreign)->interval_doubt.empty()) {
            return fail(ErrorKind::data, fmt::format("{}: {}", source.name(), (*foreign)->interval_doubt));
        }
        source.interval = source.interval.ns == 0 ? (*foreign)->interval : source.interval;
        if (source.instrument.empty() && !(*foreign)->names_instruments) {
            source.instrument =
                (*foreign)->symbols.empty() ? instrument_after(source.file) : (*foreign)->symbols.front();
        }
        return foreign;
    }
    Error as_quotes;
    if (tells_kind) {
        source.kind = DataKind::quotes;
        const auto quotes = open_csv_ticks(source);
        if (quotes) {
            return std::nullopt;
        }
        as_quotes = quotes.error();
        source.kind = DataKind::bars;
    }
    const auto shape = shape_of_csv_bars(source);
    if (!shape) {
        return tl::unexpected(tells_kind ? neither(source, as_quotes, shape.error()) : shape.error());
    }
    if (source.interval.ns == 0 && !shape->doubt.empty()) {
        return fail(ErrorKind::data, fmt::format("{}: {}", source.name(), shape->doubt));
    }
    source.interval = source.interval.ns == 0 ? shape->interval : source.interval;
    if (source.instrument.empty() && !shape->names_instruments) {
        source.instrument = instrument_after(source.file);
        source.instrument = source.instrument.empty() ? "unnamed" : source.instrument;
    }
    return std::nullopt;
}

}  // namespace

Result<std::optional<ForeignReport>> complete_from_csv(DataSource& source, bool tells_kind, const TimesOf& times) {
    const bool tells_interval = source.interval.ns == 0;
    auto told = told_by_file(source, tells_kind, times);
    if (told && tells_interval && source.kind == DataKind::bars && source.interval.ns == kDayNs) {
        if (Result<void> good = judge_days(source, times); !good) {
            return tl::unexpected(good.error());
        }
    }
    return told;
}

Result<DataSetInfo> scan_csv(const DataSource& source, const OnProgress& on_progress, const TimesOf& times) {
    DataSetInfo info;
    info.kind = source.kind;
    for (const std::string& file : files_of(source).value_or(std::vector<std::string>{})) {
        std::error_code unknown;
        const std::uintmax_t bytes = std::filesystem::file_size(file, unknown);
        info.file_bytes += unknown ? 0 : bytes;
    }
    if (source.kind != DataKind::bars) {
        auto ticks = open_ticks(source);
        Counter counter(std::move(info));
        return ticks ? copy(**ticks, counter, on_progress) : tl::unexpected(ticks.error());
    }
    auto bars = open_bars(source, times);
    if (!bars) {
        return tl::unexpected(bars.error());
    }
    info.interval = (*bars)->interval();
    info.date_only = (*bars)->date_only();
    Counter counter(std::move(info));
    return copy(**bars, counter, on_progress);
}

Result<DataSetInfo> import_data(const DataSource& source, const std::string& to, const OnProgress& on_progress,
                                const TimesOf& times) {
    if (!source.synth && looks_like_data_set(source.file)) {
        return fail(ErrorKind::usage,
                    fmt::format("{}: is a data set already; use it as it is, or copy the file", source.file));
    }
    if (source.kind == DataKind::trades) {
        return fail(
            ErrorKind::usage,
            fmt::format("{}: a data set cannot hold trades yet; name the CSV in the scenario (kind: trades), or "
                        "make bars of it (--kind bars --interval 1m)",
                        source.name()));
    }
    if (source.synth || source.kind == DataKind::quotes) {
        auto quotes = open_ticks(source);
        if (!quotes) {
            return tl::unexpected(quotes.error());
        }
        auto writer = DataSetWriter::create(to, DataKind::quotes, Duration{}, false);
        return writer ? copy(**quotes, **writer, on_progress) : tl::unexpected(writer.error());
    }
    auto bars = open_bars(source, times);
    if (!bars) {
        return tl::unexpected(bars.error());
    }
    auto writer = DataSetWriter::create(to, DataKind::bars, (*bars)->interval(), (*bars)->date_only());
    return writer ? copy(**bars, **writer, on_progress) : tl::unexpected(writer.error());
}

}  // namespace alpha
