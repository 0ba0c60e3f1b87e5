/// Files of other programs of any bytes: no crash; what is translated is alpha's own CSV, in order and in bounds, and its translation is
/// itself; refusals are fit for a terminal and name the file.

#include "adapters/data/feed.hpp"
#include "adapters/data/import.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/records.hpp"

namespace alpha::fuzz {

namespace {

void check_refusal(const Error& error, const std::string& path) {
    ALPHA_ASSERT(error.kind == ErrorKind::data || error.kind == ErrorKind::usage, "a bad file is bad data");
    ALPHA_ASSERT(error.message.find(path) != std::string::npos, "a refusal names the file");
    for (const char c : error.message) {
        ALPHA_ASSERT((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) || c == '\n',
                     "a refusal is fit for a terminal");
    }
}

/// How the files are read: something else for other bytes, so that a file alone is an input.
ForeignOptions options_for(Bytes bytes) {
    std::uint32_t hash = 2'166'136'261;
    for (const std::uint8_t byte : bytes) {
        hash = (hash ^ byte) * 16'777'619;
    }
    ForeignOptions options;
    options.zone = markets::Zone{"Asia/Kolkata", {{kBeforeAll, 19'800}}};
    options.dates = static_cast<DateOrder>(hash >> 8U & 3U);
    options.duplicates = static_cast<Duplicates>((hash >> 10U & 3U) % 3);
    options.resample = (hash >> 12U & 3U) == 0 ? Duration{60 * kSecondNs} : Duration{};
    if ((hash >> 14U & 3U) == 0) {
        options.decimals = hash >> 16U & 7U;
    }
    return options;
}

/// All of a text; nothing where it ends badly.
std::optional<std::string> text_of(const DataSource& source, const std::string& path) {
    const auto bytes = open_text(source, {});
    if (!bytes) {
        check_refusal(bytes.error(), path);
        return std::nullopt;
    }
    std::string text;
    std::vector<char> block(4'096);
    while (true) {
        const auto got = (*bytes)->read(block);
        if (!got) {
            check_refusal(got.error(), path);
            return std::nullopt;
        }
        if (*got == 0) {
            return text;
        }
        text.append(block.data(), *got);
    }
}

void read(DataSource source) {
    if (source.interval.ns == 0) {
        source.interval = Duration{kDayNs};
    }
    source.max_gap = kLongestGap;
    const auto feed = open_feed({source}, {});
    if (!feed) {
        return check_refusal(feed.error(), source.file);
    }
    if (const auto error = read_to_end(**feed)) {
        check_refusal(*error, source.file);
    }
}

}  // namespace

}  // namespace alpha::fuzz

/// The file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace alpha;
    const fuzz::MemoryFile file({data, size});
    DataSource source;
    source.file = file.path();
    source.kind = DataKind::bars;
    source.instrument = "X";
    source.foreign = fuzz::options_for({data, size});
    source.instrument.resize(size % 2);
    source.shown_as = file.path();
    const auto told = complete_from_csv(source, false);
    if (!told) {
        fuzz::check_refusal(told.error(), source.file);
        return 0;
    }
    if (!*told) {
        return 0;
    }
    fuzz::read(source);
    if (const auto text = fuzz::text_of(source, source.file)) {
        const fuzz::MemoryFile translated({reinterpret_cast<const std::uint8_t*>(text->data()), text->size()});
        DataSource again;
        again.file = translated.path();
        again.kind = DataKind::bars;
        const auto same = fuzz::text_of(again, again.file);
        ALPHA_ASSERT(same == text, "a translation is alpha's own");
    }
    return 0;
}
