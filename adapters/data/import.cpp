#include "adapters/data/import.hpp"

#include "adapters/data/csv.hpp"
#include "adapters/data/record_stream.hpp"
#include "adapters/data/synth.hpp"

#include <fmt/format.h>

namespace alpha {

namespace {

/// The set's own index of a source's symbol. The set numbers its symbols as records name them.
class SetSymbols {
public:
    InstrumentId of(InstrumentId symbol, const std::vector<std::string>& names, DataSetWriter& writer) {
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

Result<void> add(DataSetWriter& writer, SetSymbols& symbols, const std::vector<std::string>& names,
                 const FeedRecord& record) {
    const auto* const quote = std::get_if<QuoteTick>(&record.event);
    ALPHA_ASSERT(quote != nullptr, "a source of quotes gave something else");
    QuoteTick stored = *quote;
    stored.instrument = symbols.of(quote->instrument, names, writer);
    return writer.add(record.time, stored);
}

Result<void> add(DataSetWriter& writer, SetSymbols& symbols, const std::vector<std::string>& names, const BarRow& row) {
    BarClosed stored = row.bar;
    stored.instrument = symbols.of(row.bar.instrument, names, writer);
    return writer.add(row.label, stored);
}

/// Copies every record of a RecordStream or BarRows and gives the set its name.
template <class Source>
Result<DataSetInfo> copy(Source& source, DataSetWriter& writer, const OnProgress& on_progress) {
    SetSymbols symbols;
    while (true) {
        const auto records = source.next();
        if (!records) {
            return tl::unexpected(records.error());
        }
        if (records->empty()) {
            return writer.finish();
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

}  // namespace

Result<DataSetInfo> import_data(const DataSource& source, const std::string& to, const OnProgress& on_progress) {
    if (!source.synth && looks_like_data_set(source.file)) {
        return fail(ErrorKind::usage,
                    fmt::format("{}: is a data set already; use it as it is, or copy the file", source.file));
    }
    if (source.synth || source.kind == DataKind::quotes) {
        auto quotes = source.synth ? open_synth(*source.synth) : open_csv_quotes(source);
        if (!quotes) {
            return tl::unexpected(quotes.error());
        }
        auto writer = DataSetWriter::create(to, DataKind::quotes, Duration{}, false);
        return writer ? copy(**quotes, **writer, on_progress) : tl::unexpected(writer.error());
    }
    auto bars = open_csv_bars(source);
    if (!bars) {
        return tl::unexpected(bars.error());
    }
    auto writer = DataSetWriter::create(to, DataKind::bars, (*bars)->interval(), (*bars)->date_only());
    return writer ? copy(**bars, **writer, on_progress) : tl::unexpected(writer.error());
}

}  // namespace alpha
