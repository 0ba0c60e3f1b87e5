/// Market data files of any bytes: no crash, records in order and in bounds, refusals that name the file and the line.

#include "adapters/data/feed.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/records.hpp"

#include <array>
#include <cctype>
#include <string_view>

namespace alpha::fuzz {

namespace {

/// Compressed files and data sets have no lines to name, and UTF-16 that goes on as something else has none either.
bool has_lines(Bytes bytes) {
    constexpr std::array<std::string_view, 7> kOthers{"\x1F\x8B",   "\x28\xB5\x2F\xFD", "alphaset", "PK\x03\x04",
                                                      "PK\x05\x06", "\xFF\xFE",         "\xFE\xFF"};
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return std::ranges::none_of(kOthers, [&](std::string_view front) { return text.starts_with(front); }) &&
           // A zstd file may also begin with a skippable frame.
           !(bytes.size() >= 4 && bytes[0] >= 0x50 && bytes[0] <= 0x5F && bytes[1] == 0x2A && bytes[2] == 0x4D &&
             bytes[3] == 0x18);
}

void check_refusal(const Error& error, const std::string& path, bool with_line) {
    ALPHA_ASSERT(error.kind == ErrorKind::data, "a bad file is bad data");
    ALPHA_ASSERT(error.message.find(path) != std::string::npos, "a refusal names the file");
    for (const char c : error.message) {
        ALPHA_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "a refusal is fit for a terminal");
    }
    if (!with_line) {
        return;
    }
    const std::string place = path + ":";
    ALPHA_ASSERT(error.message.starts_with(place), "a refusal begins with the file");
    const std::size_t digits = error.message.find_first_not_of("0123456789", place.size()) - place.size();
    ALPHA_ASSERT(digits > 0 && error.message[place.size()] != '0' && error.message[place.size() + digits] == ':',
                 "a refusal names the line");
}

void read(const DataSource& source, bool with_line) {
    const auto feed = open_feed({source}, [](const std::string&) { return TradingHours{19'800, 33'300, 55'800}; });
    if (!feed) {
        return check_refusal(feed.error(), source.file, with_line);
    }
    if (const auto error = read_to_end(**feed)) {
        check_refusal(*error, source.file, with_line);
    }
}

}  // namespace

}  // namespace alpha::fuzz

/// u8 what the file is said to be, then the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace alpha;
    fuzz::Input input({data, size});
    const unsigned kind = input.below(6);
    const fuzz::MemoryFile file(input.rest());
    DataSource source;
    source.file = file.path();
    if (kind == 5) {
        source.kind = DataKind::trades;
    } else if (kind > 0) {
        source.kind = DataKind::bars;
        source.interval = Duration{kind <= 2 ? kDayNs : 60 * kSecondNs};
        source.instrument = kind % 2 == 0 ? "IBM" : "";
    }
    fuzz::read(source, fuzz::has_lines(input.rest()));
    return 0;
}
