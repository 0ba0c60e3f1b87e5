#include "tests/data/support.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

namespace alpha::test {

TempDir::TempDir() {
    static std::atomic<int> count{0};
    const auto folder = std::filesystem::temp_directory_path() / fmt::format("alpha-data-{}-{}", getpid(), count++);
    std::filesystem::create_directories(folder);
    path_ = folder.string();
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::write(std::string_view name, std::string_view content) const {
    std::ofstream out(path(name), std::ios::binary);
    out << content;
    REQUIRE(out.flush().good());
    return path(name);
}

std::size_t TempDir::files() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_)) {
        ++count;
    }
    return count;
}

std::string gzip(std::string_view content) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string in(content);
    std::string out(deflateBound(&stream, in.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    REQUIRE(deflateEnd(&stream) == Z_OK);
    return out;
}

std::string zstd(std::string_view content) {
    std::string out(ZSTD_compressBound(content.size()), '\0');
    const std::size_t bytes = ZSTD_compress(out.data(), out.size(), content.data(), content.size(), 3);
    REQUIRE(ZSTD_isError(bytes) == 0);
    out.resize(bytes);
    return out;
}

std::string text_of(const FeedRecord& record, const std::vector<std::string>& symbols) {
    const std::int64_t t = record.time.ns;
    if (const auto* q = std::get_if<QuoteTick>(&record.event)) {
        return fmt::format("{} quote {} {} {} {} {}", t, symbols.at(q->instrument.value), to_string(q->bid),
                           to_string(q->bid_qty), to_string(q->ask), to_string(q->ask_qty));
    }
    if (const auto* e = std::get_if<TradeTick>(&record.event)) {
        return fmt::format("{} trade {} {} {} {} {} {}", t, symbols.at(e->instrument.value), to_string(e->price),
                           to_string(e->quantity), to_string(e->volume), to_string(e->open_interest),
                           e->exchange_time.ns);
    }
    if (const auto* o = std::get_if<BarOpened>(&record.event)) {
        return fmt::format("{} open {} {}", t, symbols.at(o->instrument.value), to_string(o->open));
    }
    const auto& c = std::get<BarClosed>(record.event);
    return fmt::format("{} close {} {} {} {} {} {}", t, symbols.at(c.instrument.value), to_string(c.open),
                       to_string(c.high), to_string(c.low), to_string(c.close), to_string(c.volume));
}

Reading read_all(const std::vector<DataSource>& sources, const TimesOf& hours) {
    Reading reading;
    const auto failed = [&](const Error& error) {
        reading.error = error.message;
        reading.kind = error.kind;
        return reading;
    };
    FeedWatch watch;
    watch.warn = [&](const DataWarning& warning) {
        reading.warnings.push_back((warning.lacks ? "lacks: " : "") + warning.text);
    };
    const auto feed = open_feed(sources, hours, watch);
    if (!feed) {
        return failed(feed.error());
    }
    while (true) {
        const auto records = (*feed)->next();
        reading.symbols = (*feed)->symbols();
        if (!records) {
            const auto again = (*feed)->next();
            REQUIRE_FALSE(again.has_value());
            REQUIRE(again.error().message == records.error().message);
            return failed(records.error());
        }
        if (records->empty()) {
            return reading;
        }
        for (const FeedRecord& record : *records) {
            reading.lines.push_back(text_of(record, reading.symbols));
        }
    }
}

DataSource quotes(const std::string& file) {
    DataSource source;
    source.file = file;
    return source;
}

DataSource trades(const std::string& file) {
    DataSource source = quotes(file);
    source.kind = DataKind::trades;
    return source;
}

DataSource whatever_gaps(DataSource source) {
    source.max_gap = kLongestGap;
    return source;
}

DataSource bars(const std::string& file, Duration interval, const std::string& instrument) {
    DataSource source;
    source.file = file;
    source.kind = DataKind::bars;
    source.interval = interval;
    source.instrument = instrument;
    return source;
}

TradingHours nse_hours(const std::string& /*instrument*/) {
    return {19'800, 33'300, 55'800};
}

}  // namespace alpha::test
