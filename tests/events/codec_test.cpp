#include "events/codec.hpp"
#include "events/cursor.hpp"
#include "tests/events/support.hpp"
#include "tests/struct_versions.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <rapidcheck.h>
#include <set>

namespace {

/// The largest single request for memory since it was set to zero.
std::size_t largest_request = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

}  // namespace

// Counted, so that a test can see what a lie about a length would have cost. Not inlined, because g++ 12 then takes
// malloc and delete for a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
    largest_request = std::max(largest_request, bytes);
    if (void* memory = std::malloc(std::max<std::size_t>(bytes, 1))) {
        return memory;
    }
    throw std::bad_alloc();
}
// The address sanitizer has a nothrow form of its own, which must not meet the delete below.
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    largest_request = std::max(largest_request, bytes);
    return std::malloc(std::max<std::size_t>(bytes, 1));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

using namespace alpha;
using alpha::test::encoded;
using alpha::test::Sample;

namespace {

using EncodedBytes = std::vector<std::uint8_t>;

constexpr std::size_t kTagAt = 4;
constexpr std::size_t kVersionAt = 6;
constexpr std::size_t kFlagsAt = 7;

std::string refusal(const EncodedBytes& bytes, Seq seq) {
    const auto decoded = decode(bytes, seq);
    if (decoded) {
        return "accepted";
    }
    CHECK(decoded.error().kind == ErrorKind::data);
    return decoded.error().message;
}

/// Damaged bytes are refused, or they are the one encoding of something else in its version; an older version is written anew.
bool refused_or_canonical(const EncodedBytes& bytes, Seq seq) {
    const auto decoded = decode(bytes, seq);
    if (!decoded) {
        return decoded.error().kind == ErrorKind::data;
    }
    if (bytes[kVersionAt] < std::visit([](const auto& e) { return e.version; }, decoded->event)) {
        const auto again = decode(encoded(decoded->envelope, decoded->event), seq);
        return again && again->event == decoded->event;
    }
    return decoded->bytes <= bytes.size() &&
           test::same_but_for_versions(encoded(decoded->envelope, decoded->event), Bytes(bytes).first(decoded->bytes));
}

/// Fills every field of an event with anything that its type can hold; the field list is the codec's own.
class Arbitrary {
public:
    template <class... Ts>
    void operator()(Named<Ts>... fields) {
        (fill(fields.value), ...);
    }

private:
    static void fill(Price& v) { v.raw = *rc::gen::arbitrary<std::int64_t>(); }
    static void fill(Qty& v) { v.raw = *rc::gen::arbitrary<std::int64_t>(); }
    static void fill(Volume& v) { v.raw = *rc::gen::arbitrary<std::int64_t>(); }
    template <class Number>
        requires std::same_as<Number, Money> || std::same_as<Number, Decimal>
    static void fill(Number& v) {
        const auto high = *rc::gen::arbitrary<std::int64_t>();
        v.raw = (static_cast<Int128>(high) << 64U) | *rc::gen::arbitrary<std::uint64_t>();
    }
    static void fill(Time& v) { v.ns = *rc::gen::arbitrary<std::int64_t>(); }
    static void fill(Duration& v) { v.ns = *rc::gen::arbitrary<std::int64_t>(); }
    static void fill(Date& v) { v.days = *rc::gen::arbitrary<std::int32_t>(); }
    template <class Tag, class Rep>
    static void fill(Id<Tag, Rep>& v) {
        v.value = *rc::gen::arbitrary<Rep>();
    }
    static void fill(bool& v) { v = *rc::gen::arbitrary<bool>(); }
    static void fill(std::uint8_t& v) { v = *rc::gen::arbitrary<std::uint8_t>(); }
    static void fill(std::uint16_t& v) { v = *rc::gen::arbitrary<std::uint16_t>(); }
    static void fill(std::uint32_t& v) { v = *rc::gen::arbitrary<std::uint32_t>(); }
    static void fill(std::int32_t& v) { v = *rc::gen::arbitrary<std::int32_t>(); }
    static void fill(std::int64_t& v) { v = *rc::gen::arbitrary<std::int64_t>(); }
    /// Any value that the enum has.
    template <class T>
        requires std::is_enum_v<T>
    static void fill(T& v) {
        std::vector<T> values;
        for (unsigned raw = 0; raw < 256; ++raw) {
            if (is_valid(static_cast<T>(raw))) {
                values.push_back(static_cast<T>(raw));
            }
        }
        v = *rc::gen::elementOf(values);
    }
    template <class T>
    void fill(std::optional<T>& v) {
        v.reset();
        if (*rc::gen::arbitrary<bool>()) {
            fill(v.emplace());
        }
    }
    static void fill(std::string& v) { v = *rc::gen::arbitrary<std::string>(); }
    template <class T>
    void fill(std::vector<T>& v) {
        v.resize(*rc::gen::inRange<std::size_t>(0, 5));
        for (T& element : v) {
            fill(element);
        }
    }
    template <class T>
        requires requires(T& object, Arbitrary& ar) { object.serialize(ar); }
    void fill(T& object) {
        object.serialize(*this);
    }
};

Envelope arbitrary_envelope() {
    Envelope envelope{*rc::gen::inRange<Seq>(2, 1'000'000), Time{*rc::gen::arbitrary<std::int64_t>()}, kNoSeq, kNoSeq};
    if (*rc::gen::arbitrary<bool>()) {
        envelope.causation = *rc::gen::inRange<Seq>(0, envelope.seq);
        envelope.correlation = *rc::gen::inRange<Seq>(0, envelope.causation + 1);
    }
    return envelope;
}

template <class E>
void check_arbitrary() {
    INFO(E::name_v);
    CHECK(rc::check(E::name_v, [] {
        E event;
        Arbitrary anything;
        event.serialize(anything);
        const Envelope envelope = arbitrary_envelope();
        const EncodedBytes bytes = encoded(envelope, event);
        const auto decoded = decode(bytes, envelope.seq);
        RC_ASSERT(decoded.has_value());
        RC_ASSERT(decoded->envelope == envelope);
        RC_ASSERT(std::get<E>(decoded->event) == event);
        RC_ASSERT(decoded->bytes == bytes.size());
        RC_ASSERT(encoded(decoded->envelope, decoded->event) == bytes);
    }));
}

void put_u32(EncodedBytes& bytes, std::size_t at, std::uint32_t value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
}

std::uint32_t payload_bytes(const EncodedBytes& bytes) {
    std::uint32_t n = 0;
    std::memcpy(&n, bytes.data(), sizeof n);
    return n;
}

}  // namespace

TEST_CASE("every event comes back from its bytes as it went in, and gives the same bytes again", "[events]") {
    for (const Sample& sample : test::samples()) {
        INFO(sample.event.index() + 1);
        const EncodedBytes bytes = encoded(sample.envelope, sample.event);
        const auto decoded = decode(bytes, sample.envelope.seq);
        REQUIRE(decoded.has_value());
        CHECK(decoded->envelope == sample.envelope);
        CHECK(decoded->event == sample.event);
        CHECK(decoded->bytes == bytes.size());
        CHECK(encoded(decoded->envelope, decoded->event) == bytes);
    }
}

TEST_CASE("there is a sample of every event type, in tag order", "[events]") {
    const std::vector<Sample> samples = test::samples();
    REQUIRE(samples.size() == std::variant_size_v<Event>);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        CHECK(samples[i].event.index() == i);
        CHECK(std::visit([](const auto& e) { return std::size_t{e.tag}; }, samples[i].event) == i + 1);
    }
}

TEST_CASE("whatever an event may hold, its bytes give it back", "[events]"){
#define CHECK_ARBITRARY(E) check_arbitrary<E>();
    ALPHA_EVENTS(CHECK_ARBITRARY)
#undef CHECK_ARBITRARY
}

TEST_CASE("the typed and the variant encoder write the same bytes", "[events]") {
    for (const Sample& sample : test::samples()) {
        ByteBuffer typed;
        std::visit([&](const auto& e) { encode(typed, sample.envelope, e); }, sample.event);
        CHECK(test::hex(typed.view()) == test::hex(encoded(sample.envelope, sample.event)));
    }
}

TEST_CASE("events stand one after the other and are found again one by one", "[events]") {
    ByteBuffer out(1);  // grows many times
    const std::vector<Sample> samples = test::samples();
    for (const Sample& sample : samples) {
        encode(out, sample.envelope, sample.event);
    }
    Bytes rest = out.view();
    for (const Sample& sample : samples) {
        const auto header = decode_header(rest, sample.envelope.seq);
        REQUIRE(header.has_value());
        CHECK(header->has_links == !sample.envelope.is_root());
        CHECK(header->envelope == sample.envelope);
        const auto decoded = decode(rest, sample.envelope.seq);
        REQUIRE(decoded.has_value());
        CHECK(decoded->event == sample.event);
        CHECK(decoded->bytes == header->total_bytes());
        rest = rest.subspan(decoded->bytes);
    }
    CHECK(rest.empty());
}

TEST_CASE("an event cut short anywhere is refused", "[events]") {
    CHECK_FALSE(decode(Bytes{}, 0).has_value());
    for (const Sample& sample : test::samples()) {
        const EncodedBytes whole = encoded(sample.envelope, sample.event);
        for (std::size_t n = 0; n < whole.size(); ++n) {
            // A copy of exactly n bytes, so that the address sanitizer sees a read beyond them.
            const EncodedBytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
            if (decode(cut, sample.envelope.seq).has_value()) {
                FAIL("event type " << sample.event.index() + 1 << " cut to " << n << " of " << whole.size()
                                   << " bytes");
            }
        }
    }
}

TEST_CASE("a payload cut short anywhere is refused though its length is told", "[events]") {
    for (const Sample& sample : test::samples()) {
        const EncodedBytes whole = encoded(sample.envelope, sample.event);
        for (std::uint32_t n = 0; n < payload_bytes(whole); ++n) {
            EncodedBytes cut(whole.begin(), whole.end() - static_cast<std::ptrdiff_t>(payload_bytes(whole) - n));
            put_u32(cut, 0, n);
            if (decode(cut, sample.envelope.seq).has_value()) {
                FAIL("event type " << sample.event.index() + 1 << " with " << n << " bytes of payload");
            }
        }
    }
}

TEST_CASE("no changed byte goes unnoticed: it is refused, or it is there when written again", "[events]") {
    for (const Sample& sample : test::samples()) {
        EncodedBytes bytes = encoded(sample.envelope, sample.event);
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            const std::uint8_t was = bytes[at];
            for (unsigned change = 1; change < 256; ++change) {
                bytes[at] = static_cast<std::uint8_t>(was ^ change);
                if (!refused_or_canonical(bytes, sample.envelope.seq)) {
                    FAIL("event type " << sample.event.index() + 1 << ", byte " << at << ": " << test::hex(bytes));
                }
            }
            bytes[at] = was;
        }
    }
}

TEST_CASE("bytes left over behind the last field are refused", "[events]") {
    for (const Sample& sample : test::samples()) {
        EncodedBytes bytes = encoded(sample.envelope, sample.event);
        put_u32(bytes, 0, payload_bytes(bytes) + 1);
        bytes.push_back(0);
        INFO(sample.event.index() + 1);
        CHECK_THAT(refusal(bytes, sample.envelope.seq), Catch::EndsWith("is damaged"));
    }
}

TEST_CASE("a length that lies costs no memory", "[events]") {
    for (const Sample& sample : test::samples()) {
        const EncodedBytes honest = encoded(sample.envelope, sample.event);
        const std::size_t header = sample.envelope.is_root() ? kHeaderBytes : kHeaderBytes + kLinkBytes;
        for (const std::uint32_t lie : {0xFFFF'FFFFU, 0x7FFF'FFFFU, 0x0100'0000U, payload_bytes(honest)}) {
            EncodedBytes bytes = honest;
            put_u32(bytes, 0, lie);
            largest_request = 0;
            static_cast<void>(decode(bytes, sample.envelope.seq));
            CHECK(largest_request < 4'096 + 16 * honest.size());
            for (std::size_t at = header; at + 4 <= honest.size(); ++at) {
                bytes = honest;
                put_u32(bytes, at, lie);
                largest_request = 0;
                const auto decoded = decode(bytes, sample.envelope.seq);
                if (largest_request >= 4'096 + 16 * honest.size()) {
                    FAIL("event type " << sample.event.index() + 1 << " asked for " << largest_request << " bytes");
                }
            }
        }
    }
}

TEST_CASE("an event larger than the log takes is refused before it is read", "[events]") {
    EncodedBytes bytes = encoded({8, Time{1}, 3, 7}, OrderTriggered{OrderId{1}});
    put_u32(bytes, 0, static_cast<std::uint32_t>(limits::kMaxEventBytes) + 1);
    bytes.resize(kHeaderBytes + kLinkBytes + limits::kMaxEventBytes + 1);
    CHECK(refusal(bytes, 8) == "event 8 claims to be larger than an event can be");
}

TEST_CASE("an event as large as the log takes is read", "[events]") {
    const Envelope envelope{1, Time{1}, 0, 0};
    const std::size_t around = 4 + 4;  // the strategy and the length of the text
    const StrategyHalted event{StrategyId{1}, std::string(limits::kMaxEventBytes - around, 'x')};
    const auto decoded = decode(encoded(envelope, event), 1);
    REQUIRE(decoded.has_value());
    CHECK((decoded->event == Event{event}));
}

TEST_CASE("an event of a newer version is refused with advice", "[events]") {
    for (const Sample& sample : test::samples()) {
        EncodedBytes bytes = encoded(sample.envelope, sample.event);
        ++bytes[kVersionAt];
        INFO(sample.event.index() + 1);
        CHECK_THAT(refusal(bytes, sample.envelope.seq), Catch::EndsWith("was written by a newer alpha; use that"));
    }
    EncodedBytes quote = encoded({7, Time{1}, kNoSeq, kNoSeq}, QuoteTick{});
    quote[kVersionAt] = 9;
    CHECK(refusal(quote, 7) == "event 7: quote was written by a newer alpha; use that");
}

TEST_CASE("version zero never was", "[events]") {
    for (const Sample& sample : test::samples()) {
        EncodedBytes bytes = encoded(sample.envelope, sample.event);
        bytes[kVersionAt] = 0;
        CHECK_THAT(refusal(bytes, sample.envelope.seq), Catch::EndsWith("is damaged"));
    }
}

TEST_CASE("an unknown wire tag is refused by its number", "[events]") {
    EncodedBytes bytes = encoded({7, Time{1}, kNoSeq, kNoSeq}, QuoteTick{});
    for (const unsigned tag : {0U, static_cast<unsigned>(std::variant_size_v<Event>) + 1U, 255U, 256U + 3U, 0xFFFFU}) {
        bytes[kTagAt] = static_cast<std::uint8_t>(tag & 0xFFU);
        bytes[kTagAt + 1] = static_cast<std::uint8_t>(tag >> 8U);
        CHECK(refusal(bytes, 7) ==
              "event 7 has wire tag " + std::to_string(tag) + ", which this alpha does not know; a newer one wrote it");
    }
}

TEST_CASE("a cause that is the event itself or comes after it is refused", "[events]") {
    const EncodedBytes bytes = encoded({100, Time{1}, 40, 99}, OrderTriggered{OrderId{1}});
    CHECK(decode(bytes, 100).has_value());
    CHECK(refusal(bytes, 99) == "event 99 names a cause that comes after it");
    CHECK(refusal(bytes, 0) == "event 0 names a cause that comes after it");
    const EncodedBytes late_root = encoded({100, Time{1}, 100, 7}, OrderTriggered{OrderId{1}});
    CHECK(refusal(late_root, 100) == "event 100 names a cause that comes after it");
}

TEST_CASE("a link to nothing is refused: roots are written without links", "[events]") {
    EncodedBytes bytes = encoded({100, Time{1}, 40, 99}, OrderTriggered{OrderId{1}});
    std::fill_n(bytes.begin() + kHeaderBytes, kLinkBytes, std::uint8_t{0xFF});
    CHECK(refusal(bytes, 100) == "event 100 names a cause that comes after it");
}

TEST_CASE("flags that this version does not know are refused", "[events]") {
    EncodedBytes bytes = encoded({7, Time{1}, kNoSeq, kNoSeq}, QuoteTick{});
    for (unsigned flags = 2; flags < 256; ++flags) {
        bytes[kFlagsAt] = static_cast<std::uint8_t>(flags);
        CHECK(refusal(bytes, 7) == "event 7 has flags that this version does not know");
    }
}

TEST_CASE("a choice that an enum does not have is refused", "[events]") {
    // Each event holds the enum in its payload's last byte, or `behind` bytes before its end.
    struct Row {
        Event event;
        std::size_t behind;
        std::set<unsigned> valid;
    };
    const auto range = [](unsigned first, unsigned last) {
        std::set<unsigned> values;
        for (unsigned v = first; v <= last; ++v) {
            values.insert(v);
        }
        return values;
    };
    // Behind the terms' time in force: amounts, reduce_only, parent, group, legs, an empty tag, product; good_until, valued_at, held.
    constexpr std::size_t kBehindTif = 24 + 1 + 8 + 8 + 1 + 4 + 1 + 4 + 8 + 1;
    const Row rows[] = {
        {SignalRaised{}, 0, range(1, 3)},
        {CancelIntended{}, 0, range(0, kRules - 1)},
        {OrderIntended{}, kBehindTif + 2, range(1, 2)},       // side
        {OrderIntended{}, kBehindTif + 1, range(1, 4)},       // order type
        {OrderIntended{}, kBehindTif, range(1, 3)},           // time in force
        {OrderIntended{}, 0, range(0, 1)},                    // held
        {OrderIntended{}, kBehindTif - 24 - 1, range(0, 1)},  // reduce_only
        {OrderIntended{}, 4 + 8 + 1, range(0, 4)},            // product
        {KillSwitchLatched{}, 0, range(0, 3)},
        {RunConfigured{}, 0, range(1, 2)},  // when a loss limit's latch ends
        {OrderModified{}, 0, range(0, kRules - 1)},
        {ChangeRejected{}, 4, range(1, 9)},  // before the empty reason
    };
    for (const Row& row : rows) {
        EncodedBytes bytes = encoded({1, Time{1}, 0, 0}, row.event);
        for (unsigned value = 0; value < 256; ++value) {
            bytes[bytes.size() - 1 - row.behind] = static_cast<std::uint8_t>(value);
            INFO(row.event.index() + 1 << ": " << value);
            CHECK(decode(bytes, 1).has_value() == row.valid.contains(value));
        }
    }
}

namespace {

/// An order's bytes, and where in them the terms begin: their version, oldest reader and length.
struct Placed {
    EncodedBytes bytes;
    std::size_t terms = kHeaderBytes + kLinkBytes + 8 + 12;
    OrderIntended order;

    Placed() {
        order.order = OrderId{1};
        order.terms.quantity = qty_of(5);
        order.terms.tag = "entry";
        order.good_until = Date{7};
        bytes = encoded({1, Time{1}, 0, 0}, order);
    }
    std::uint32_t terms_bytes() const {
        std::uint32_t n = 0;
        std::memcpy(&n, bytes.data() + terms + 2, sizeof n);
        return n;
    }
    /// As a program wrote it that knows `more` bytes of further terms.
    void grow(std::uint8_t version, std::uint8_t oldest_reader, std::size_t more) {
        bytes[terms] = version;
        bytes[terms + 1] = oldest_reader;
        const std::uint32_t before = terms_bytes();
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(terms + 6 + before), more, std::uint8_t{0xAB});
        put_u32(bytes, terms + 2, before + static_cast<std::uint32_t>(more));
        put_u32(bytes, 0, payload_bytes(bytes) + static_cast<std::uint32_t>(more));
    }
};

}  // namespace

TEST_CASE("a struct in an event has its own version, oldest reader and length", "[events]") {
    const Placed placed;
    CHECK(placed.bytes[placed.terms] == OrderTerms::struct_version);
    CHECK(placed.bytes[placed.terms + 1] == OrderTerms::struct_version);
    CHECK(placed.terms_bytes() == 4 + 3 + 3 * 8 + 1 + 8 + 8 + 1 + 4 + 5 + 1);
    CHECK(placed.bytes.size() == placed.terms + 6 + placed.terms_bytes() + 4 + 8 + 1);
}

TEST_CASE("what a newer struct has more is skipped where its writer allowed that", "[events]") {
    for (const std::size_t more : {std::size_t{0}, std::size_t{1}, std::size_t{100}}) {
        Placed placed;
        placed.grow(OrderTerms::struct_version + 1, OrderTerms::struct_version, more);
        INFO(more);
        const auto decoded = decode(placed.bytes, 1);
        REQUIRE(decoded.has_value());
        CHECK((decoded->event == Event{placed.order}));
        CHECK(decoded->bytes == placed.bytes.size());
    }
}

TEST_CASE("a struct that only a newer program can read says so, rather than damaged", "[events]") {
    Placed placed;
    placed.grow(OrderTerms::struct_version + 1, OrderTerms::struct_version + 1, 8);
    CHECK(refusal(placed.bytes, 1) == "event 1: order_intended was written by a newer alpha; use that");

    // Deep in a list of a list, too: a setting of the first broker.
    RunConfigured config;
    config.brokers = {{"paper", "paper", {{"fill", "touch"}}}};
    EncodedBytes bytes = encoded({0, Time{0}, kNoSeq, kNoSeq}, config);
    const std::string key = "fill";
    const auto at = std::search(bytes.begin(), bytes.end(), key.begin(), key.end()) - bytes.begin() - 4 - 6;
    REQUIRE(bytes[static_cast<std::size_t>(at)] == Setting::struct_version);
    bytes[static_cast<std::size_t>(at)] = 9;
    bytes[static_cast<std::size_t>(at) + 1] = 9;
    CHECK(refusal(bytes, 0) == "event 0: session_configured was written by a newer alpha; use that");
}

TEST_CASE("a value that an enum does not have is a newer program's, where its struct is of a newer version",
          "[events]") {
    Placed placed;
    const std::size_t side = placed.terms + 6 + 4;
    placed.bytes[side] = 77;
    CHECK(refusal(placed.bytes, 1) == "event 1: the payload of order_intended is damaged");
    placed.bytes[placed.terms] = OrderTerms::struct_version + 1;
    CHECK(refusal(placed.bytes, 1) == "event 1: order_intended was written by a newer alpha; use that");
}

TEST_CASE("a struct whose version or length cannot be is damaged", "[events]") {
    const auto refused = [](auto change) {
        Placed placed;
        change(placed);
        CHECK(refusal(placed.bytes, 1) == "event 1: the payload of order_intended is damaged");
    };
    refused([](Placed& p) { p.bytes[p.terms] = 0; });
    refused([](Placed& p) { p.bytes[p.terms + 1] = 0; });
    refused(
        [](Placed& p) { p.grow(OrderTerms::struct_version, OrderTerms::struct_version, 1); });  // more, but no newer
    refused([](Placed& p) { put_u32(p.bytes, p.terms + 2, p.terms_bytes() - 1); });
    refused([](Placed& p) { put_u32(p.bytes, p.terms + 2, p.terms_bytes() + 1); });
    refused([](Placed& p) { put_u32(p.bytes, p.terms + 2, 0xFFFF'FFFF); });
    refused([](Placed& p) {  // newer, but shorter than the fields of every version
        p.bytes[p.terms] = OrderTerms::struct_version + 1;
        put_u32(p.bytes, p.terms + 2, p.terms_bytes() - 1);
    });
}

TEST_CASE("every choice of every enum comes back from its bytes, and has a name of its own", "[events]") {
    const auto comes_back = [](const Event& event) {
        const auto decoded = decode(encoded({1, Time{1}, 0, 0}, event), 1);
        REQUIRE(decoded.has_value());
        CHECK((decoded->event == event));
    };
    std::set<std::string> names;
    const auto is_named = [&](const char* name) {
        CHECK(std::string(name) != "?");
        CHECK(names.insert(name).second);
    };
    for (std::size_t i = 0; i < kRules; ++i) {
        const auto rule = static_cast<Rule>(i);
        comes_back(CancelIntended{OrderId{1}, rule});
        comes_back(ChangeRefused{OrderId{1}, StrategyId{0}, rule, {}, {}});
        comes_back(OrderModified{OrderId{1}, qty_of(1), {}, {}, false, rule});
        comes_back(ModifyIntended{OrderId{1}, qty_of(1), {}, {}, false, rule, {}});
        RunConfigured config;
        config.risk = {{rule, money_of(1)}};
        comes_back(config);
        is_named(name_of(rule));
    }
    names.clear();
    for (const LatchScope scope : {LatchScope::none, LatchScope::entries, LatchScope::flatten, LatchScope::all}) {
        comes_back(KillSwitchLatched{PortfolioId{0}, Rule::operator_kill, {}, {}, scope});
        is_named(name_of(scope));
    }
    names.clear();
    for (const LatchEnd end : {LatchEnd::trading_day, LatchEnd::released}) {
        RunConfigured config;
        config.daily_loss_latch_ends = end;
        comes_back(config);
        is_named(name_of(end));
    }
    names.clear();
    for (std::uint8_t kind = 1; kind <= static_cast<std::uint8_t>(ReportKind::modify_rejected); ++kind) {
        comes_back(ChangeRejected{OrderId{1}, static_cast<ReportKind>(kind), "no"});
        is_named(name_of(static_cast<ReportKind>(kind)));
    }
    names.clear();
    for (const Direction direction : {Direction::flat, Direction::lengthen, Direction::shorten}) {
        comes_back(SignalRaised{StrategyId{0}, InstrumentId{0}, direction});
        is_named(name_of(direction));
    }
    names.clear();
    for (const OrderType type : {OrderType::market, OrderType::limit, OrderType::stop, OrderType::stop_limit}) {
        OrderIntended order;
        order.terms.type = type;
        comes_back(order);
        is_named(name_of(type));
    }
    for (const TimeInForce tif : {TimeInForce::day, TimeInForce::gtc, TimeInForce::ioc}) {
        OrderIntended order;
        order.terms.tif = tif;
        comes_back(order);
        is_named(name_of(tif));
    }
}

TEST_CASE("a bar of a data set is a bar of version 1: what the set says once is not in it", "[events]") {
    const BarClosed bar{InstrumentId{3}, test::px("10"), test::px("12"), test::px("9"),
                        test::px("11"),  qty_of(100),    Time{600},      Duration{60}};
    ByteBuffer stored;
    encode_stored_bar(stored, Time{600}, bar);
    CHECK(stored.size() == kStoredBarBytes);
    const auto decoded = decode(stored.view(), 1);
    REQUIRE(decoded.has_value());
    CHECK(decoded->envelope.time == Time{600});
    CHECK((decoded->event == Event{BarClosed{bar.instrument, bar.open, bar.high, bar.low, bar.close, bar.volume}}));
}

TEST_CASE("a frame knows where the leaves of the hash chain end", "[events]") {
    Frame frame;
    frame.begin(kLeafEvents - 1);
    std::vector<std::size_t> starts;
    for (std::uint32_t i = 0; i < kLeafEvents + 2; ++i) {
        starts.push_back(frame.bytes.size());
        append(frame, Envelope{frame.next_seq(), Time{1}, kNoSeq, kNoSeq}, BarOpened{});
    }
    CHECK(frame.events == kLeafEvents + 2);
    CHECK(frame.next_seq() == 2 * kLeafEvents + 1);
    CHECK(frame.leaf_cuts == std::vector<std::size_t>{starts[1], starts[kLeafEvents + 1]});

    frame.begin(0);
    CHECK(frame.bytes.empty());
    append(frame, Envelope{0, Time{1}, kNoSeq, kNoSeq}, BarOpened{});
    CHECK(frame.leaf_cuts.empty());
}
