/// Events from any bytes: what decodes is encoded to the same bytes, but for what a newer program put into a struct, and can be
/// shown.

#include "events/codec.hpp"
#include "events/text.hpp"
#include "tests/events/support.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/struct_versions.hpp"

namespace alpha::fuzz {

namespace {

constexpr std::size_t kVersionAt = 6;

void check_reencoding(const DecodedEvent& decoded, Bytes bytes) {
    const std::uint8_t version = bytes[kVersionAt];
    const std::uint8_t current = std::visit([](const auto& event) { return event.version; }, decoded.event);
    ByteBuffer again;
    encode(again, decoded.envelope, decoded.event);
    if (version == current && again.size() == decoded.bytes) {
        ALPHA_ASSERT(test::same_but_for_versions(again.view(), bytes.first(decoded.bytes)), "an event is its bytes");
        return;
    }
    // A struct in it may have been an older one, which is written with more, or a newer one, with less.
    ALPHA_ASSERT(version <= current, "a newer event was read");
    const auto upcast = decode(again.view(), decoded.envelope.seq);
    ALPHA_ASSERT(upcast && upcast->event == decoded.event && upcast->envelope == decoded.envelope,
                 "an old event is lifted to one that stays");
}

void check_header(const DecodedEvent& decoded, Bytes bytes) {
    const auto header = decode_header(bytes, decoded.envelope.seq);
    ALPHA_ASSERT(header && header->total_bytes() == decoded.bytes && header->envelope == decoded.envelope,
                 "the header says what the event is");
}

void check_text(const DecodedEvent& decoded, const Names& names) {
    const std::string text = to_text(decoded.envelope, decoded.event, names);
    ALPHA_ASSERT(!text.empty() && text.find('\n') == std::string::npos, "an event is one line of text");
    const std::string fault = test::json_fault(to_json(decoded.envelope, decoded.event, names));
    ALPHA_ASSERT(fault.empty(), "an event is one value of JSON");
}

}  // namespace

}  // namespace alpha::fuzz

/// u64 sequence number of the first event, then events.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace alpha;
    fuzz::Input input({data, size});
    Seq seq = input.number<std::uint64_t>() % (kNoSeq / 2);
    Names names;
    Bytes bytes = input.rest();
    while (!bytes.empty()) {
        const auto decoded = decode(bytes, seq);
        if (!decoded) {
            ALPHA_ASSERT(decoded.error().kind == ErrorKind::data && !decoded.error().message.empty(),
                         "a refusal says what is wrong with the data");
            break;
        }
        ALPHA_ASSERT(decoded->bytes >= kHeaderBytes && decoded->bytes <= bytes.size(), "an event lies in its bytes");
        fuzz::check_header(*decoded, bytes);
        fuzz::check_reencoding(*decoded, bytes);
        names.learn(decoded->event);
        fuzz::check_text(*decoded, names);
        bytes = bytes.subspan(decoded->bytes);
        ++seq;
    }
    return 0;
}
