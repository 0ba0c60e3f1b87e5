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
    const auto* const quote = std::get_if<QuoteTick>(&record.event);
    ALPHA_ASSERT(quote != nullptr, "a source of quotes gave something else");
    QuoteTick stored = *quote;
    stored.instrument = symbols.of(quote->instrument, names, writer);
    return writer.add(record.time, stored);
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

Result<std::unique_ptr<RecordStream>> open_quotes(const DataSource& source) {
    return source.synth ? open_synth(*source.synth) : open_csv_quotes(source);
}

/// Bars whose interval they bear out.
Result<std::unique_ptr<BarRows>> open_bars(const DataSource& source) {
    if (auto first = open_csv_bars(source)) {
        if (auto good = judge_interval(**first, {}); !good) {
            return tl::unexpected(good.error());
        }
    }
    return open_csv_bars(source);
}

}  // namespace

Result<std::optional<ForeignReport>> complete_from_csv(DataSource& source, bool tells_kind, const TimesOf& times) {
    if (!tells_kind && source.kind == DataKind::quotes) {
        return std::nullopt;
    }
    auto foreign = look_at_foreign(source, times);
    if (!foreign) {
        return foreign;
    }
    if (*foreign) {
        source.kind = DataKind::bars;
        source.interval = source.interval.ns == 0 ? (*foreign)->interval : source.interval;
        if (source.instrument.empty() && !(*foreign)->names_instruments) {
            source.instrument =
                (*foreign)->symbols.empty() ? instrument_after(source.file) : (*foreign)->symbols.front();
        }
        return foreign;
    }
    std::string as_quotes;
    if (tells_kind) {
        source.kind = DataKind::quotes;
        const auto quotes = open_csv_quotes(source);
        if (quotes) {
            return std::nullopt;
        }
        as_quotes = quotes.error().message;
        source.kind = DataKind::bars;
    }
    const auto shape = shape_of_csv_bars(source.file);
    if (!shape) {
        const bool is_both = !as_quotes.empty() && as_quotes != shape.error().message;
        return is_both
                   ? fail(ErrorKind::data, fmt::format("as quotes: {}\nas bars: {}", as_quotes, shape.error().message))
                   : tl::unexpected(shape.error());
    }
    source.interval = source.interval.ns == 0 ? shape->interval : source.interval;
    if (source.instrument.empty() && !shape->names_instruments) {
        source.instrument = instrument_after(source.file);
        source.instrument = source.instrument.empty() ? "unnamed" : source.instrument;
    }
    return std::nullopt;
}

Result<DataSetInfo> scan_csv(const DataSource& source, const OnProgress& on_progress) {
    DataSetInfo info;
    info.kind = source.kind;
    std::error_code unknown;
    const std::uintmax_t bytes = std::filesystem::file_size(source.file, unknown);
    info.file_bytes = unknown ? 0 : bytes;
    if (source.kind == DataKind::quotes) {
        auto quotes = open_quotes(source);
        Counter counter(std::move(info));
        return quotes ? copy(**quotes, counter, on_progress) : tl::unexpected(quotes.error());
    }
    auto bars = open_bars(source);
    if (!bars) {
        return tl::unexpected(bars.error());
    }
    info.interval = (*bars)->interval();
    info.date_only = (*bars)->date_only();
    Counter counter(std::move(info));
    return copy(**bars, counter, on_progress);
}

Result<DataSetInfo> import_data(const DataSource& source, const std::string& to, const OnProgress& on_progress) {
    if (!source.synth && looks_like_data_set(source.file)) {
        return fail(ErrorKind::usage,
                    fmt::format("{}: is a data set already; use it as it is, or copy the file", source.file));
    }
    if (source.synth || source.kind == DataKind::quotes) {
        auto quotes = open_quotes(source);
        if (!quotes) {
            return tl::unexpected(quotes.error());
        }
        auto writer = DataSetWriter::create(to, DataKind::quotes, Duration{}, false);
        return writer ? copy(**quotes, **writer, on_progress) : tl::unexpected(writer.error());
    }
    auto bars = open_bars(source);
    if (!bars) {
        return tl::unexpected(bars.error());
    }
    auto writer = DataSetWriter::create(to, DataKind::bars, (*bars)->interval(), (*bars)->date_only());
    return writer ? copy(**bars, **writer, on_progress) : tl::unexpected(writer.error());
}

}  // namespace alpha
